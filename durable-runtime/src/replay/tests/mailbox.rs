//! What comes from outside.

use super::{
    body::{first, signal, sleep, step},
    run::{Run, Told},
};
use crate::record::MailKind;

#[test]
fn mail_that_comes_twice_is_taken_once() -> Told {
    let mut run = Run::of([signal("approval"), signal("approval")]);
    run.goes([
        "begin 0",
        "commit signal_awaited approval; suspended",
        "rest until 10",
    ]);
    run.signal("approval", "1")
        .signal_again("approval", "1")
        .goes([
            "approval gave 1",
            "commit signal_received approval 1, signal_awaited approval#1; takes 1",
            "rest until 10",
        ]);
    run.signal_again("approval", "1").does(["rest until 10"]);
    Ok(())
}

#[test]
fn signals_of_one_name_are_taken_in_the_order_in_which_they_came() -> Told {
    let mut run = Run::of([signal("approval"), signal("approval")]);
    run.signal("approval", "1").signal("approval", "2").goes([
        "begin 0",
        "approval gave 1",
        "approval#1 gave 2",
        "commit signal_received approval 1, signal_received approval#1 2, completed \"done\"; \
         takes 1 2; completed, leaves",
        "leave",
    ]);
    Ok(())
}

#[test]
fn of_two_waits_the_one_whose_signal_came_first_wins() -> Told {
    let mut run = Run::of([first([signal("approval"), signal("second_approval")])]);
    run.signal("second_approval", "2").signal("approval", "1").goes([
        "begin 0",
        "second_approval gave 2",
        "commit signal_received second_approval 2, completed \"done\"; takes 1; completed, leaves",
        "leave",
    ]);
    Ok(())
}

#[test]
fn a_run_that_leaves_says_which_mail_it_has_seen() -> Told {
    let mut run = Run::of([signal("approval")]);
    run.goes([
        "begin 0",
        "commit signal_awaited approval; suspended",
        "rest until 10",
    ]);
    run.crash(vec![MailKind::Signal {
        name: "second_approval".to_owned(),
        payload: super::body::value_of("1"),
    }])?;
    run.goes(["begin 1", "rest until 10"]);
    assert_eq!(run.time(20).seen_when_it_leaves(), Some(101));
    Ok(())
}

#[test]
fn mail_is_looked_at_before_the_body_begins() -> Told {
    let mut run = Run::of([step("check")]);
    run.cancel().goes([
        "drop",
        "commit cancel_requested; takes 1; compensating",
        "commit canceled; canceled, leaves",
        "leave",
    ]);
    assert_eq!(run.polls, (0, 0), "the body never ran");
    Ok(())
}

#[test]
fn mail_that_comes_after_the_end_is_for_nobody() -> Told {
    let mut run = Run::of([sleep("nap", 0)]);
    run.does([
        "begin 0",
        "nap gave null",
        "commit timer_armed nap until 0, timer_fired nap, completed \"done\"; completed, leaves",
        "rest, busy",
    ]);
    run.signal("approval", "1").cancel().does(["rest, busy"]);
    run.durable().does(["leave"]);
    Ok(())
}

#[test]
fn a_signal_is_taken_only_when_the_body_knows_all_that_was_before_it() -> Told {
    // Two signals are there, and both waits: the second is not given away before the body has seen the first.
    let race = first([signal("approval"), signal("second_approval")]);
    let mut run = Run::of([race, signal("second_approval").into()]);
    run.signal("approval", "1").signal("second_approval", "2").goes([
        "begin 0",
        "approval gave 1",
        "second_approval#1 gave 2",
        "commit signal_received approval 1, signal_received second_approval#1 2, completed \"done\"; \
         takes 1 2; completed, leaves",
        "leave",
    ]);
    Ok(())
}
