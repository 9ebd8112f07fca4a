//! Waits for signals.

use super::{
    body::{all, first, signal, sleep},
    run::{Run, Told},
};

#[test]
fn a_wait_is_recorded_and_ends_with_its_signal() -> Told {
    let mut run = Run::of([signal("approval")]);
    run.does([
        "begin 0",
        "commit signal_awaited approval; suspended",
        "rest until 10, busy",
    ]);
    run.durable().does(["rest until 10"]);
    run.signal("approval", "true").does([
        "approval gave true",
        "commit signal_received approval true, completed \"done\"; takes 1; completed, leaves",
        "rest, busy",
    ]);
    run.durable().does(["leave"]);
    Ok(())
}

#[test]
fn a_wait_without_an_end_leaves_memory_after_a_while() -> Told {
    let mut run = Run::of([signal("approval")]);
    run.goes([
        "begin 0",
        "commit signal_awaited approval; suspended",
        "rest until 10",
    ]);
    run.time(9).does(["rest until 10"]);
    run.time(10).goes(["commit suspended, leaves", "leave"]);
    Ok(())
}

#[test]
fn a_signal_that_is_there_is_taken_without_a_record_of_the_wait() -> Told {
    let mut run = Run::of([signal("approval")]);
    run.signal("approval", "true").goes([
        "begin 0",
        "approval gave true",
        "commit signal_received approval true, completed \"done\"; takes 1; completed, leaves",
        "leave",
    ]);
    Ok(())
}

#[test]
fn a_signal_of_another_name_stays_in_the_mailbox() -> Told {
    let mut run = Run::of([signal("approval"), signal("second_approval")]);
    run.signal("second_approval", "2").goes([
        "begin 0",
        "commit signal_awaited approval; suspended",
        "rest until 10",
    ]);
    run.signal("approval", "1").goes([
        "approval gave 1",
        "second_approval gave 2",
        "commit signal_received approval 1, signal_received second_approval 2, completed \"done\"; \
         takes 2 1; completed, leaves",
        "leave",
    ]);
    Ok(())
}

#[test]
fn a_timeout_ends_a_wait_and_goes_on_counting_over_a_crash() -> Told {
    let mut run = Run::of([signal("approval").timeout(60)]);
    run.goes([
        "begin 0",
        "commit signal_awaited approval until 60; suspended",
        "rest until 10",
    ]);
    run.time(50)
        .crash(vec![])?
        .goes(["begin 1", "rest until 60"]);
    run.time(60).goes([
        "approval failed: signal `approval` did not come in time",
        "commit timer_fired approval, failed (signal `approval` did not come in time); failed, leaves",
        "leave",
    ]);
    Ok(())
}

#[test]
fn a_signal_that_came_in_time_is_not_late_because_nobody_looked() -> Told {
    let mut run = Run::of([signal("approval").timeout(5)]);
    run.goes([
        "begin 0",
        "commit signal_awaited approval until 5; suspended",
        "rest until 5",
    ]);
    run.time(100).signal("approval", "true").goes([
        "approval gave true",
        "commit signal_received approval true, completed \"done\"; takes 1; completed, leaves",
        "leave",
    ]);
    Ok(())
}

#[test]
fn one_signal_goes_to_the_wait_that_asked_first() -> Told {
    let mut run = Run::of([all([signal("approval"), signal("approval")])]);
    run.goes([
        "begin 0",
        "commit signal_awaited approval, signal_awaited approval#1; suspended",
        "rest until 10",
    ]);
    run.signal("approval", "1").goes([
        "approval gave 1",
        "commit signal_received approval 1; takes 1",
        "rest until 10",
    ]);
    run.signal("approval", "2").goes([
        "approval#1 gave 2",
        "commit signal_received approval#1 2, completed \"done\"; takes 2; completed, leaves",
        "leave",
    ]);
    Ok(())
}

#[test]
fn a_signal_is_not_lost_to_a_wait_that_is_let_go_of() -> Told {
    let race = first([signal("approval"), sleep("nap", 5)]);
    let mut run = Run::of([race, signal("approval").into()]);
    run.goes([
        "begin 0",
        "commit signal_awaited approval, timer_armed nap until 5; suspended",
        "rest until 5",
    ]);
    run.time(5).goes([
        "nap gave null",
        "commit timer_fired nap, signal_awaited approval#1",
        "rest until 10",
    ]);
    run.signal("approval", "true").goes([
        "approval#1 gave true",
        "commit signal_received approval#1 true, completed \"done\"; takes 1; completed, leaves",
        "leave",
    ]);
    Ok(())
}

#[test]
fn a_wait_in_a_scope_has_a_name_of_its_own() -> Told {
    let mut run = Run::of([signal("card").in_scope("gift")]);
    run.signal("card", "1").signal("gift/card", "2").goes([
        "begin 0",
        "gift/card gave 2",
        "commit signal_received gift/card 2, completed \"done\"; takes 2; completed, leaves",
        "leave",
    ]);
    Ok(())
}

#[test]
fn a_wait_whose_signal_went_to_another_is_recorded_after_all() -> Told {
    let mut run = Run::of([all([signal("approval"), signal("approval").timeout(30)])]);
    run.signal("approval", "1").goes([
        "begin 0",
        "approval gave 1",
        "commit signal_received approval 1, signal_awaited approval#1 until 30; takes 1; suspended",
        "rest until 10",
    ]);
    Ok(())
}
