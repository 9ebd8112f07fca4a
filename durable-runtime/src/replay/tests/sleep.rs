//! Sleeps.

use super::{
    body::{all, first, sleep},
    run::{Run, Told},
};

#[test]
fn a_short_sleep_is_waited_out_in_memory() -> Told {
    let mut run = Run::of([sleep("nap", 5)]);
    run.does([
        "begin 0",
        "commit timer_armed nap until 5; suspended",
        "rest until 5, busy",
    ]);
    run.durable().does(["rest until 5"]);
    run.time(4).does(["rest until 5"]);
    run.time(5).does([
        "nap gave null",
        "commit timer_fired nap, completed \"done\"; completed, leaves",
        "rest, busy",
    ]);
    run.durable().does(["leave"]);
    Ok(())
}

#[test]
fn a_long_sleep_leaves_memory_in_the_commit_that_records_it() -> Told {
    let mut run = Run::of([sleep("nap", 60)]);
    run.does([
        "begin 0",
        "commit timer_armed nap until 60; suspended, leaves until 60",
        "rest, busy",
    ]);
    run.durable().does(["leave"]);
    run.time(60).crash(vec![])?;
    run.goes([
        "begin 1",
        "nap gave null",
        "commit timer_fired nap, completed \"done\"; completed, leaves",
        "leave",
    ]);
    Ok(())
}

#[test]
fn a_sleep_leaves_memory_at_once_when_memory_is_short() -> Told {
    let mut run = Run::of([sleep("nap", 5)]);
    run.pressed = true;
    run.goes([
        "begin 0",
        "commit timer_armed nap until 5; suspended, leaves until 5",
        "leave",
    ]);
    Ok(())
}

#[test]
fn a_crash_does_not_move_the_end_of_a_sleep() -> Told {
    let mut run = Run::of([sleep("nap", 5)]);
    run.goes([
        "begin 0",
        "commit timer_armed nap until 5; suspended",
        "rest until 5",
    ]);
    // Armed at 0; the time at which it is found again does not count.
    run.time(3).crash(vec![])?.goes(["begin 1", "rest until 5"]);
    run.time(5).does([
        "nap gave null",
        "commit timer_fired nap, completed \"done\"; completed, leaves",
        "rest, busy",
    ]);
    Ok(())
}

#[test]
fn what_is_not_durable_is_done_again_after_a_crash() -> Told {
    let mut run = Run::of([sleep("nap", 5)]);
    run.goes([
        "begin 0",
        "commit timer_armed nap until 5; suspended",
        "rest until 5",
    ]);
    let fired = "commit timer_fired nap, completed \"done\"; completed, leaves";
    run.time(5).does(["nap gave null", fired, "rest, busy"]);
    run.crash(vec![])?
        .does(["begin 1", "nap gave null", fired, "rest, busy"]);
    Ok(())
}

#[test]
fn sleeps_that_end_together_are_delivered_in_the_order_of_their_times() -> Told {
    let mut run = Run::of([all([sleep("pause", 8), sleep("nap", 5)])]);
    run.goes([
        "begin 0",
        "commit timer_armed pause until 8, timer_armed nap until 5; suspended",
        "rest until 5",
    ]);
    run.time(9).goes([
        "nap gave null",
        "pause gave null",
        "commit timer_fired nap, timer_fired pause, completed \"done\"; completed, leaves",
        "leave",
    ]);
    Ok(())
}

#[test]
fn a_sleep_that_lost_a_race_is_over() -> Told {
    let mut run = Run::of([
        first([sleep("nap", 5), sleep("pause", 8)]),
        sleep("nap", 100).into(),
    ]);
    run.goes([
        "begin 0",
        "commit timer_armed nap until 5, timer_armed pause until 8; suspended",
        "rest until 5",
    ]);
    run.time(5).goes([
        "nap gave null",
        "commit timer_fired nap, timer_armed nap#1 until 105; suspended, leaves until 105",
        "leave",
    ]);
    Ok(())
}

#[test]
fn a_sleep_of_no_time_is_over_at_once() -> Told {
    let mut run = Run::of([sleep("nap", 0)]);
    run.goes([
        "begin 0",
        "nap gave null",
        "commit timer_armed nap until 0, timer_fired nap, completed \"done\"; completed, leaves",
        "leave",
    ]);
    Ok(())
}
