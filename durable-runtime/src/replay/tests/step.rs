//! Steps.

use std::time::Duration;

use super::{
    body::{all, failure, first, sleep, step, value_of},
    run::{Run, Told, failure_of, limits},
};
use crate::{failure::FailureKind, journal::EventKind, replay::MachineLimits};

#[test]
fn a_step_runs_and_its_result_shares_a_commit_with_the_end() -> Told {
    let mut run = Run::of([step("check")]);
    run.does(["begin 0", "execute check 1", "rest, busy"]);
    run.attempt_ends("check", Ok(value_of("7"))).does([
        "check gave 7",
        "commit step_completed check 7, completed \"done\"; completed, leaves",
        "rest, busy",
    ]);
    run.durable().does(["leave"]);
    Ok(())
}

#[test]
fn the_next_step_waits_until_the_last_result_is_durable() -> Told {
    let mut run = Run::of([step("check").gives("1"), step("other").gives("2")]);
    run.does([
        "begin 0",
        "execute check 1",
        "check gave 1",
        "commit step_completed check 1",
        "rest, busy",
    ]);
    run.does(["rest, busy"]);
    run.durable().does([
        "execute other 1",
        "other gave 2",
        "commit step_completed other 2, completed \"done\"; completed, leaves",
        "rest, busy",
    ]);
    Ok(())
}

#[test]
fn a_recorded_result_is_given_and_the_body_of_the_step_is_not_run() -> Told {
    let mut run = Run::of([step("check").gives("1"), step("other")]);
    run.goes([
        "begin 0",
        "execute check 1",
        "check gave 1",
        "commit step_completed check 1",
        "execute other 1",
        "rest, busy",
    ]);
    run.crash(vec![])?;
    run.does(["begin 1", "check gave 1", "execute other 1", "rest, busy"]);
    assert_eq!(run.polls.1, 1, "what it had said is not said again");
    Ok(())
}

#[test]
fn an_attempt_that_a_crash_cut_off_is_made_again_under_its_number() -> Told {
    let mut run = Run::of([step("check")]);
    run.does(["begin 0", "execute check 1", "rest, busy"]);
    run.crash(vec![])?
        .does(["begin 0", "execute check 1", "rest, busy"]);
    Ok(())
}

#[test]
fn a_failed_attempt_is_followed_by_another_after_its_delay() -> Told {
    let mut run = Run::of([step("check")]);
    run.does(["begin 0", "execute check 1", "rest, busy"]);
    run.attempt_ends("check", Err(failure("down"))).does([
        "commit step_attempt_failed check 1 until 1; suspended",
        "rest until 1, busy",
    ]);
    run.durable().does(["rest until 1"]);
    run.time(1).does(["execute check 2", "rest, busy"]);
    run.attempt_ends("check", Ok(value_of("7"))).goes([
        "check gave 7",
        "commit step_completed check 7, completed \"done\"; completed, leaves",
        "leave",
    ]);
    Ok(())
}

#[test]
fn the_last_attempt_fails_the_step_and_the_run() -> Told {
    let mut run = Run::of([step("check").fails("down")]);
    run.goes([
        "begin 0",
        "execute check 1",
        "commit step_attempt_failed check 1 until 1; suspended",
        "rest until 1",
    ]);
    run.time(1).goes([
        "execute check 2",
        "check failed: down",
        "commit step_failed check (down), failed (down); failed, leaves",
        "leave",
    ]);
    Ok(())
}

#[test]
fn the_delay_before_an_attempt_goes_on_counting_over_a_crash() -> Told {
    let mut run = Run::of([step("check").fails("down")]);
    run.goes_on();
    run.crash(vec![])?.does(["begin 1", "rest until 1"]);
    run.time(1).does([
        "execute check 2",
        "check failed: down",
        "commit step_failed check (down), failed (down); failed, leaves",
        "rest, busy",
    ]);
    Ok(())
}

#[test]
fn a_permanent_error_is_not_tried_again() -> Told {
    let mut run = Run::of([step("check")]);
    run.does(["begin 0", "execute check 1", "rest, busy"]);
    run.attempt_ends("check", Err(failure("never").permanent()))
        .goes([
            "check failed: never",
            "commit step_failed check (never), failed (never); failed, leaves",
            "leave",
        ]);
    Ok(())
}

#[test]
fn an_output_that_is_too_large_fails_the_step_for_good() -> Told {
    let mut run = Run::of([step("check")]);
    run.does(["begin 0", "execute check 1", "rest, busy"]);
    let large = format!("\"{}\"", "x".repeat(60));
    let seen = run.attempt_ends("check", Ok(value_of(&large))).goes_on();
    assert!(
        seen[0].starts_with("check failed: the value has 62 bytes"),
        "{seen:?}"
    );
    assert!(seen[1].starts_with("commit step_failed check"), "{seen:?}");
    Ok(())
}

#[test]
fn an_attempt_that_takes_too_long_is_given_up() -> Told {
    let mut run = Run::of([step("check").timeout(3)]);
    run.does(["begin 0", "execute check 1", "rest until 3, busy"]);
    run.time(3).does([
        "give up check",
        "commit step_attempt_failed check 1 until 4; suspended",
        "rest until 4, busy",
    ]);
    Ok(())
}

#[test]
fn the_start_of_an_attempt_that_may_have_to_be_undone_is_durable_before_it_begins() -> Told {
    let mut run = Run::of([step("charge")]);
    run.does(["begin 0", "commit step_started charge 1", "rest, busy"]);
    run.does(["rest, busy"]);
    run.durable().does(["execute charge 1", "rest, busy"]);
    run.attempt_ends("charge", Ok(value_of("7"))).goes([
        "charge gave 7",
        "commit step_completed charge 7, completed \"done\"; completed, leaves",
        "leave",
    ]);
    Ok(())
}

#[test]
fn an_attempt_in_doubt_is_made_again_and_its_end_says_that_one_was_cut_off() -> Told {
    let mut run = Run::of([step("charge")]);
    run.goes([
        "begin 0",
        "commit step_started charge 1",
        "execute charge 1",
        "rest, busy",
    ]);
    run.crash(vec![])?
        .does(["begin 1", "execute charge 1", "rest, busy"]);
    run.attempt_ends("charge", Err(failure("down"))).does([
        "commit step_started charge 1, step_attempt_failed charge 1 until 1; suspended",
        "rest until 1, busy",
    ]);
    Ok(())
}

#[test]
fn an_attempt_in_doubt_that_completes_needs_no_more_words() -> Told {
    let mut run = Run::of([step("charge")]);
    run.goes_on();
    run.crash(vec![])?
        .does(["begin 1", "execute charge 1", "rest, busy"]);
    run.attempt_ends("charge", Ok(value_of("7"))).does([
        "charge gave 7",
        "commit step_completed charge 7, completed \"done\"; completed, leaves",
        "rest, busy",
    ]);
    Ok(())
}

#[test]
fn each_attempt_that_may_have_to_be_undone_is_recorded_before_it_begins() -> Told {
    let mut run = Run::of([step("charge")]);
    run.goes_on();
    run.attempt_ends("charge", Err(failure("down"))).goes([
        "commit step_attempt_failed charge 1 until 1; suspended",
        "rest until 1",
    ]);
    run.time(1)
        .does(["commit step_started charge 2; running", "rest, busy"]);
    run.durable().does(["execute charge 2", "rest, busy"]);
    Ok(())
}

#[test]
fn a_late_attempt_that_may_have_to_be_undone_is_told_and_has_the_grace() -> Told {
    let mut run = Run::of([step("reserve").timeout(3)]);
    run.goes([
        "begin 0",
        "commit step_started reserve 1",
        "execute reserve 1",
        "rest until 3, busy",
    ]);
    run.time(3).does(["tell reserve", "rest until 8, busy"]);
    run.time(7)
        .attempt_ends("reserve", Ok(value_of("1")))
        .goes([
            "reserve gave 1",
            "commit step_completed reserve 1, completed \"done\"; completed, leaves",
            "leave",
        ]);
    Ok(())
}

#[test]
fn a_late_attempt_that_does_not_end_in_the_grace_is_given_up() -> Told {
    let mut run = Run::of([step("reserve").timeout(3)]);
    run.goes_on();
    run.time(3).does(["tell reserve", "rest until 8, busy"]);
    run.time(8).does([
        "give up reserve",
        "commit step_attempt_failed reserve 1 until 9; suspended",
        "rest until 9, busy",
    ]);
    Ok(())
}

#[test]
fn without_a_grace_nobody_is_told() -> Told {
    let limits = MachineLimits {
        cancel_grace: Duration::ZERO,
        ..limits()
    };
    let mut run = Run::with(limits, [step("reserve").timeout(3)]);
    run.goes_on();
    run.time(3).does([
        "give up reserve",
        "commit step_attempt_failed reserve 1 until 4; suspended",
        "rest until 4, busy",
    ]);
    Ok(())
}

#[test]
fn a_loser_that_may_have_to_be_undone_is_waited_for_and_its_end_is_recorded() -> Told {
    let race = first([step("reserve"), sleep("nap", 2)]);
    let mut run = Run::of([race, sleep("pause", 60).into()]);
    run.goes([
        "begin 0",
        "commit timer_armed nap until 2, step_started reserve 1",
        "execute reserve 1",
        "rest until 2, busy",
    ]);
    run.time(2).goes([
        "nap gave null",
        "tell reserve",
        "commit timer_fired nap",
        "rest until 7, busy",
    ]);
    run.time(3).attempt_ends("reserve", Ok(value_of("1"))).goes([
        "commit step_completed reserve 1, timer_armed pause until 63; suspended, leaves until 63",
        "leave",
    ]);
    Ok(())
}

#[test]
fn a_loser_that_does_not_end_in_the_grace_is_recorded_as_interrupted() -> Told {
    let race = first([step("reserve"), sleep("nap", 2)]);
    let mut run = Run::of([race, sleep("pause", 60).into()]);
    run.goes_on();
    run.time(2).goes_on();
    run.time(7).goes([
        "give up reserve",
        "commit step_interrupted reserve 1, timer_armed pause until 67; suspended, leaves until 67",
        "leave",
    ]);
    Ok(())
}

#[test]
fn a_loser_that_leaves_no_trace_is_dropped_at_once() -> Told {
    let race = first([step("check"), sleep("nap", 2)]);
    let mut run = Run::of([race, sleep("pause", 60).into()]);
    run.goes([
        "begin 0",
        "commit timer_armed nap until 2",
        "execute check 1",
        "rest until 2, busy",
    ]);
    run.time(2).goes([
        "nap gave null",
        "commit timer_fired nap, timer_armed pause until 62; suspended, leaves until 62",
        "leave",
    ]);
    Ok(())
}

#[test]
fn a_loser_in_doubt_is_interrupted_when_its_process_died() -> Told {
    let race = first([step("reserve"), sleep("nap", 2)]);
    let mut run = Run::of([race, sleep("pause", 60).into()]);
    run.goes_on();
    run.time(2).goes_on();
    // The race is decided in the journal; the attempt died with its process.
    run.crash(vec![])?.goes([
        "begin 3",
        "nap gave null",
        "commit step_interrupted reserve 1, timer_armed pause until 62; suspended, leaves until 62",
        "leave",
    ]);
    Ok(())
}

#[test]
fn the_first_failure_lets_go_of_the_others() -> Told {
    let mut run = Run::of([all([step("check"), step("other")])]);
    run.does([
        "begin 0",
        "execute check 1",
        "execute other 1",
        "rest, busy",
    ]);
    run.attempt_ends("other", Err(failure("no").permanent()))
        .goes([
            "other failed: no",
            "commit step_failed other (no), failed (no); failed, leaves",
            "leave",
        ]);
    Ok(())
}

#[test]
fn steps_side_by_side_complete_in_the_order_in_which_they_ended() -> Told {
    let mut run = Run::of([all([step("check"), step("other")])]);
    run.does([
        "begin 0",
        "execute check 1",
        "execute other 1",
        "rest, busy",
    ]);
    run.attempt_ends("other", Ok(value_of("2"))).goes([
        "other gave 2",
        "commit step_completed other 2",
        "rest, busy",
    ]);
    run.attempt_ends("check", Ok(value_of("1"))).goes([
        "check gave 1",
        "commit step_completed check 1, completed \"done\"; completed, leaves",
        "leave",
    ]);
    Ok(())
}

#[test]
fn no_attempt_starts_on_a_worker_that_shuts_down() -> Told {
    let mut run = Run::of([step("check"), step("other")]);
    run.may_start = false;
    run.does(["begin 0", "rest"]);
    run.may_start = true;
    run.does(["execute check 1", "rest, busy"]);
    Ok(())
}

#[test]
fn a_name_that_is_used_again_counts_up() -> Told {
    let mut run = Run::of([step("check").gives("1"), step("check").gives("2")]);
    run.goes([
        "begin 0",
        "execute check 1",
        "check gave 1",
        "commit step_completed check 1",
        "execute check#1 1",
        "check#1 gave 2",
        "commit step_completed check#1 2, completed \"done\"; completed, leaves",
        "leave",
    ]);
    Ok(())
}

#[test]
fn a_failure_says_of_which_step_it_is_and_how_often_it_was_tried() -> Told {
    let mut run = Run::of([step("check").fails("down")]);
    run.goes_on();
    run.time(1).goes_on();
    let failed = run.journal.iter().find_map(|event| match &event.kind {
        EventKind::StepFailed { failure } => Some(failure),
        _ => None,
    });
    let failed =
        failed.map(|failure| (failure.step().map(ToString::to_string), failure.attempts()));
    assert_eq!(failed, Some((Some("check".to_owned()), 2)));
    Ok(())
}

#[test]
fn an_attempt_that_is_cut_off_by_a_cancellation_is_not_tried_again() -> Told {
    let mut run = Run::of([step("reserve")]);
    run.goes_on();
    run.cancel().goes([
        "cancel",
        "commit cancel_requested; takes 1; compensating",
        "rest until 5, busy",
    ]);
    let canceled = failure_of(FailureKind::Application, "stopped");
    run.attempt_ends("reserve", Err(canceled)).goes([
        "drop",
        "commit step_failed reserve (stopped)",
        "commit canceled; canceled, leaves",
        "leave",
    ]);
    Ok(())
}
