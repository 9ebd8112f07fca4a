//! Rollbacks.

use super::{
    body::{failure, sleep, step, value_of},
    run::{Run, Told},
};
use crate::record::MailKind;

/// A run that fails after these steps gave something.
fn failing<const N: usize>(steps: [&'static str; N]) -> Run {
    Run::of(steps.map(|name| step(name).gives("7"))).ending(Err(failure("no")))
}

#[test]
fn a_failure_with_nothing_to_undo_ends_the_run() -> Told {
    failing(["check"]).goes([
        "begin 0",
        "execute check 1",
        "check gave 7",
        "commit step_completed check 7, failed (no); failed, leaves",
        "leave",
    ]);
    Ok(())
}

#[test]
fn what_completed_is_undone_in_reverse_order_and_each_attempt_is_recorded_before_it_begins() -> Told
{
    failing(["charge", "reserve"]).goes([
        "begin 0",
        "commit step_started charge 1",
        "execute charge 1",
        "charge gave 7",
        "commit step_completed charge 7, step_started reserve 1",
        "execute reserve 1",
        "reserve gave 7",
        "commit step_completed reserve 7, rollback_started, compensation_started reserve 1; compensating",
        "release reserve 1: 7",
        "commit compensated reserve, compensation_started charge 1",
        "refund charge 1: 7",
        "commit compensated charge",
        "commit failed (no); failed, leaves",
        "leave",
    ]);
    Ok(())
}

#[test]
fn a_compensation_begins_only_when_its_start_is_durable() -> Told {
    let mut run = failing(["charge"]);
    run.does(["begin 0", "commit step_started charge 1", "rest, busy"]);
    run.durable().does([
        "execute charge 1",
        "charge gave 7",
        "commit step_completed charge 7, rollback_started, compensation_started charge 1; compensating",
        "rest, busy",
    ]);
    run.does(["rest, busy"]);
    run.durable().does([
        "refund charge 1: 7",
        "commit compensated charge",
        "rest, busy",
    ]);
    Ok(())
}

#[test]
fn a_compensation_that_fails_is_tried_again_after_its_delay() -> Told {
    let mut run = failing(["charge"]);
    run.undo = Some(Err(failure("bank down")));
    run.goes([
        "begin 0",
        "commit step_started charge 1",
        "execute charge 1",
        "charge gave 7",
        "commit step_completed charge 7, rollback_started, compensation_started charge 1; compensating",
        "refund charge 1: 7",
        "commit compensation_attempt_failed charge 1 until 1",
        "rest until 1",
    ]);
    run.undo = Some(Ok(value_of("null")));
    run.time(1).goes([
        "commit compensation_started charge 2",
        "refund charge 2: 7",
        "commit compensated charge",
        "commit failed (no); failed, leaves",
        "leave",
    ]);
    Ok(())
}

#[test]
fn a_compensation_that_fails_for_good_is_named_and_the_others_still_run() -> Told {
    let mut run = failing(["charge", "reserve"]);
    run.undo = Some(Err(failure("stuck").permanent()));
    let seen = run.goes_on();
    let undone: Vec<_> = seen
        .iter()
        .skip_while(|line| !line.starts_with("release"))
        .collect();
    assert_eq!(
        undone,
        [
            "release reserve 1: 7",
            "commit compensation_failed reserve, compensation_started charge 1",
            "refund charge 1: 7",
            "commit compensation_failed charge",
            "commit failed (no); failed, leaves",
            "leave",
        ]
    );
    let last = run.journal.last().map(|event| &event.kind);
    let Some(crate::journal::EventKind::Failed { failure }) = last else {
        panic!("{last:?}");
    };
    let named: Vec<_> = failure
        .compensations()
        .iter()
        .filter_map(|one| one.step())
        .collect();
    assert_eq!(
        named.iter().map(ToString::to_string).collect::<Vec<_>>(),
        ["reserve", "charge"]
    );
    Ok(())
}

#[test]
fn a_rollback_goes_on_after_a_crash_and_an_attempt_that_was_cut_off_counts() -> Told {
    let mut run = failing(["charge"]);
    run.undo = None;
    run.goes_on();
    run.undo = Some(Ok(value_of("null")));
    run.crash(vec![])?.goes([
        "drop",
        "refund charge 2: 7",
        "commit compensated charge",
        "commit failed (no); failed, leaves",
        "leave",
    ]);
    Ok(())
}

#[test]
fn what_is_undone_is_not_undone_again_after_a_crash() -> Told {
    let mut run = failing(["charge", "reserve"]);
    // The compensation of `reserve` is durable; that of `charge` hangs.
    run.does(["begin 0", "commit step_started charge 1", "rest, busy"]);
    run.durable().does([
        "execute charge 1",
        "charge gave 7",
        "commit step_completed charge 7, step_started reserve 1",
        "rest, busy",
    ]);
    run.durable();
    run.undo = None;
    let seen = run.goes_on();
    assert_eq!(
        seen.last().map(String::as_str),
        Some("rest until 10, busy"),
        "{seen:?}"
    );
    run.undo_ends(Ok(value_of("null")));
    let seen = run.goes_on();
    assert_eq!(
        seen[..2],
        [
            "commit compensated reserve, compensation_started charge 1",
            "refund charge 1: 7",
        ]
    );
    run.undo = Some(Ok(value_of("null")));
    run.crash(vec![])?.goes([
        "drop",
        "refund charge 2: 7",
        "commit compensated charge",
        "commit failed (no); failed, leaves",
        "leave",
    ]);
    Ok(())
}

#[test]
fn a_compensation_that_takes_too_long_is_dropped_and_has_failed() -> Told {
    let mut run = failing(["reserve"]);
    run.undo = None;
    run.goes_on();
    run.time(9).does(["rest until 10, busy"]);
    run.time(10).does([
        "drop",
        "commit compensation_attempt_failed reserve 1 until 11",
        "rest until 11, busy",
    ]);
    Ok(())
}

#[test]
fn a_step_that_said_that_it_failed_is_not_undone() -> Told {
    let mut run = Run::of([step("charge")]);
    run.goes_on();
    run.attempt_ends("charge", Err(failure("declined").permanent()))
        .goes([
            "charge failed: declined",
            "commit step_failed charge (declined), failed (declined); failed, leaves",
            "leave",
        ]);
    Ok(())
}

#[test]
fn an_attempt_that_was_cut_off_is_undone_as_unknown_whatever_the_next_one_said() -> Told {
    let mut run = Run::of([step("reserve")]);
    run.goes_on();
    run.crash(vec![])?.goes_on();
    run.attempt_ends("reserve", Err(failure("declined").permanent()))
        .goes([
            "reserve failed: declined",
            "commit step_started reserve 1, step_failed reserve (declined), rollback_started, \
         compensation_started reserve 1; compensating",
            "release reserve 1: unknown",
            "commit compensated reserve",
            "commit failed (declined); failed, leaves",
            "leave",
        ]);
    Ok(())
}

#[test]
fn what_a_compensation_does_not_take_parks_the_run() -> Told {
    let mut run = Run::of([step("charge").timeout(1)]);
    run.goes_on();
    run.time(1).goes(["tell charge", "rest until 6, busy"]);
    // The second attempt is the last one: its outcome is unknown, too.
    run.time(6).goes_on();
    run.time(7).goes_on();
    run.time(8).goes_on();
    let seen = run.time(13).goes_on();
    let parked = seen.iter().any(|line| line.contains("parked, leaves"));
    assert!(parked, "{seen:?}");
    assert!(
        !seen.iter().any(|line| line.starts_with("refund")),
        "{seen:?}"
    );
    Ok(())
}

#[test]
fn an_abandoned_rollback_undoes_nothing_more_and_names_what_is_left() -> Told {
    let mut run = failing(["reserve"]);
    run.undo = None;
    run.goes_on();
    run.abandon().goes([
        "drop",
        "commit rollback_abandoned; takes 1",
        "commit failed (no); failed, leaves",
        "leave",
    ]);
    let last = run.journal.last().map(|event| &event.kind);
    let Some(crate::journal::EventKind::Failed { failure }) = last else {
        panic!("{last:?}");
    };
    assert_eq!(failure.compensations().len(), 1, "what is not undone");
    Ok(())
}

#[test]
fn no_compensation_starts_on_a_worker_that_shuts_down() -> Told {
    let mut run = failing(["reserve"]);
    run.does(["begin 0", "commit step_started reserve 1", "rest, busy"]);
    run.durable().does([
        "execute reserve 1",
        "reserve gave 7",
        "commit step_completed reserve 7, rollback_started, compensation_started reserve 1; compensating",
        "rest, busy",
    ]);
    run.may_start = false;
    run.durable().does(["rest"]);
    run.may_start = true;
    run.does([
        "release reserve 1: 7",
        "commit compensated reserve",
        "rest, busy",
    ]);
    Ok(())
}

#[test]
fn a_rollback_takes_no_signal_and_no_second_cancellation() -> Told {
    let mut run = failing(["reserve"]);
    run.undo = None;
    run.goes_on();
    run.signal("approval", "1")
        .cancel()
        .goes(["commit takes 2", "rest until 10, busy"]);
    Ok(())
}

#[test]
fn mail_to_abandon_is_found_after_a_crash() -> Told {
    let mut run = failing(["reserve"]);
    run.undo = None;
    run.goes_on();
    run.crash(vec![MailKind::AbandonRollback])?.goes([
        "drop",
        "commit rollback_abandoned; takes 101",
        "commit failed (no); failed, leaves",
        "leave",
    ]);
    Ok(())
}

#[test]
fn a_rollback_has_no_timers_of_the_body() -> Told {
    let mut run = Run::of([super::body::all([
        sleep("nap", 3),
        step("reserve").gives("7"),
        step("other"),
    ])]);
    run.goes_on();
    run.undo = None;
    run.attempt_ends("other", Err(failure("no").permanent()))
        .goes_on();
    run.time(3).does(["rest until 10, busy"]);
    Ok(())
}
