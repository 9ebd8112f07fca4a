//! Cancellations.

use super::{
    body::{child, failure, signal, sleep, step, value_of},
    run::{Run, Told},
};
use crate::record::MailKind;

#[test]
fn a_cancellation_ends_a_run_that_waits() -> Told {
    let mut run = Run::of([sleep("nap", 5)]);
    run.goes([
        "begin 0",
        "commit timer_armed nap until 5; suspended",
        "rest until 5",
    ]);
    run.cancel().goes([
        "cancel",
        "drop",
        "commit cancel_requested; takes 1; compensating",
        "commit canceled; canceled, leaves",
        "leave",
    ]);
    Ok(())
}

#[test]
fn a_canceled_run_begins_no_step() -> Told {
    let mut run = Run::of([step("check").gives("1"), step("other")]);
    run.does([
        "begin 0",
        "execute check 1",
        "check gave 1",
        "commit step_completed check 1",
        "rest, busy",
    ]);
    run.cancel().durable().goes([
        "cancel",
        "drop",
        "commit cancel_requested; takes 1; compensating",
        "commit canceled; canceled, leaves",
        "leave",
    ]);
    Ok(())
}

#[test]
fn a_step_that_asked_to_be_told_has_the_grace() -> Told {
    let mut run = Run::of([step("check")]);
    run.does(["begin 0", "execute check 1", "rest, busy"]);
    run.is_cancel_awaited = true;
    run.cancel().goes([
        "cancel",
        "commit cancel_requested; takes 1; compensating",
        "rest until 5, busy",
    ]);
    run.time(5)
        .goes(["drop", "commit canceled; canceled, leaves", "leave"]);
    Ok(())
}

#[test]
fn a_step_that_did_not_ask_is_dropped_at_once() -> Told {
    let mut run = Run::of([step("check")]);
    run.does(["begin 0", "execute check 1", "rest, busy"]);
    run.cancel().goes([
        "cancel",
        "drop",
        "commit cancel_requested; takes 1; compensating",
        "commit canceled; canceled, leaves",
        "leave",
    ]);
    Ok(())
}

#[test]
fn what_completed_is_undone() -> Told {
    let mut run = Run::of([step("reserve").gives("7"), step("check")]);
    run.goes_on();
    run.cancel().goes([
        "cancel",
        "drop",
        "commit cancel_requested, compensation_started reserve 1; takes 1; compensating",
        "release reserve 1: 7",
        "commit compensated reserve",
        "commit canceled; canceled, leaves",
        "leave",
    ]);
    Ok(())
}

#[test]
fn a_payment_in_flight_is_waited_for_and_undone_with_what_it_gave() -> Told {
    let mut run = Run::of([step("charge")]);
    run.goes_on();
    run.cancel().goes([
        "cancel",
        "commit cancel_requested; takes 1; compensating",
        "rest until 5, busy",
    ]);
    run.time(4)
        .attempt_ends("charge", Ok(value_of("30")))
        .goes([
            "drop",
            "commit step_completed charge 30, compensation_started charge 1",
            "refund charge 1: 30",
            "commit compensated charge",
            "commit canceled; canceled, leaves",
            "leave",
        ]);
    Ok(())
}

#[test]
fn an_attempt_that_does_not_end_in_the_grace_is_undone_as_unknown() -> Told {
    let mut run = Run::of([step("reserve")]);
    run.goes_on();
    run.cancel().goes([
        "cancel",
        "commit cancel_requested; takes 1; compensating",
        "rest until 5, busy",
    ]);
    run.time(5).goes([
        "drop",
        "commit step_interrupted reserve 1, compensation_started reserve 1",
        "release reserve 1: unknown",
        "commit compensated reserve",
        "commit canceled; canceled, leaves",
        "leave",
    ]);
    Ok(())
}

#[test]
fn what_a_crash_left_in_doubt_is_undone_as_unknown() -> Told {
    let mut run = Run::of([step("reserve")]);
    run.goes_on();
    run.crash(vec![MailKind::Cancel])?.goes([
        "drop",
        "commit cancel_requested, step_interrupted reserve 1, compensation_started reserve 1; takes 101; \
         compensating",
        "release reserve 1: unknown",
        "commit compensated reserve",
        "commit canceled; canceled, leaves",
        "leave",
    ]);
    Ok(())
}

#[test]
fn a_start_that_is_not_durable_never_began() -> Told {
    let mut run = Run::of([step("reserve")]);
    run.does(["begin 0", "commit step_started reserve 1", "rest, busy"]);
    run.cancel().durable().goes([
        "cancel",
        "drop",
        "commit cancel_requested, step_failed reserve (canceled before it began); takes 1; compensating",
        "commit canceled; canceled, leaves",
        "leave",
    ]);
    Ok(())
}

#[test]
fn the_children_of_a_canceled_run_are_canceled_and_waited_for() -> Told {
    let mut run = Run::of([child("ship")]);
    run.goes_on();
    run.cancel().goes([
        "cancel",
        "drop",
        "commit cancel_requested, child_canceled ship; sends run/ship Cancel; takes 1; compensating",
        "rest until 10",
    ]);
    run.time(10).goes(["commit compensating, leaves", "leave"]);
    run.crash(vec![MailKind::Child {
        step: crate::journal::StepId::from_recorded("ship"),
        outcome: Err(failure("canceled")),
    }])?;
    run.goes([
        "drop",
        "commit child_failed ship (canceled); takes 101",
        "commit canceled; canceled, leaves",
        "leave",
    ]);
    Ok(())
}

#[test]
fn a_second_cancellation_says_nothing() -> Told {
    let mut run = Run::of([signal("approval")]);
    run.goes_on();
    run.cancel().cancel().goes([
        "cancel",
        "drop",
        "commit cancel_requested; takes 1 2; compensating",
        "commit canceled; canceled, leaves",
        "leave",
    ]);
    Ok(())
}

#[test]
fn a_cancellation_that_abandons_undoes_nothing() -> Told {
    let mut run = Run::of([step("reserve").gives("7"), step("check")]);
    run.goes_on();
    run.abandon().goes([
        "cancel",
        "drop",
        "commit cancel_requested, rollback_abandoned; takes 1; compensating",
        "commit failed (the run was canceled); failed, leaves",
        "leave",
    ]);
    Ok(())
}

#[test]
fn a_canceled_run_needs_no_code_that_fits_its_journal() -> Told {
    let mut run = Run::of([sleep("nap", 5)]);
    run.goes_on();
    // Another build has another operation there.
    let other = vec![step("check").into()];
    run.crash_to(Some(other), vec![MailKind::Cancel])?.goes([
        "drop",
        "commit cancel_requested; takes 101; compensating",
        "commit canceled; canceled, leaves",
        "leave",
    ]);
    Ok(())
}
