//! Code that does not fit a journal, and runs that cannot go on.

use super::{
    body::{Part, failure, signal, sleep, step},
    run::{Run, Told, limits},
};
use crate::{
    journal::{Event, StepId},
    replay::MachineLimits,
};

/// A run that sleeps, with this recorded, goes on with another body.
fn rebuilt(parts: Vec<Part>) -> Result<Run, Box<dyn std::error::Error>> {
    let mut run = Run::of([sleep("nap", 5)]);
    run.goes_on();
    run.crash_to(Some(parts), vec![])?;
    Ok(run)
}

/// Checks that a run parks in the next round, without another event, and says why.
#[track_caller]
fn parks(run: &mut Run, why: &str) {
    let seen = run.goes_on();
    let last = seen.iter().rev().take(2).map(String::as_str);
    assert!(last.eq(["leave", "commit parked, leaves"]), "{seen:?}");
    let reason = run.reason().unwrap_or_default();
    assert!(reason.contains(why), "{reason}");
}

type Tested = Result<(), Box<dyn std::error::Error>>;

#[test]
fn another_operation_first_parks() -> Tested {
    let mut run = rebuilt(vec![step("check").into()])?;
    parks(
        &mut run,
        "recorded: timer_armed of `nap` at position 0; attempted: step `check`",
    );
    Ok(())
}

#[test]
fn an_end_before_the_journal_ends_parks() -> Tested {
    let mut run = rebuilt(vec![])?;
    parks(&mut run, "attempted: to complete the run");
    Ok(())
}

#[test]
fn a_failure_before_the_journal_ends_parks() -> Tested {
    let mut run = Run::of([sleep("nap", 5)]);
    run.goes_on();
    let mut run = run.ending(Err(failure("oops")));
    run.crash_to(Some(vec![]), vec![])?;
    parks(&mut run, "attempted: to fail the run: oops");
    Ok(())
}

#[test]
fn an_operation_that_the_graph_does_not_have_is_found_before_any_code_runs() {
    let mut run = Run::of([sleep("nap", 5)]);
    run.goes_on();
    run.journal[0].step = Some(StepId::from_recorded("gone"));
    let error = run.crash(vec![]).expect_err("it was loaded").to_string();
    assert!(
        error.contains("no operation named `gone` in this build"),
        "{error}"
    );
}

#[test]
fn an_operation_of_another_kind_is_found_before_any_code_runs() {
    let mut run = Run::of([sleep("nap", 5)]);
    run.goes_on();
    run.journal[0].step = Some(StepId::from_recorded("check"));
    let error = run.crash(vec![]).expect_err("it was loaded").to_string();
    assert!(
        error.contains("timer_armed of `check` at position 0"),
        "{error}"
    );
    assert!(error.contains("attempted: `check` as a step"), "{error}");
}

#[test]
fn an_event_of_an_operation_that_the_body_has_not_come_to_parks() -> Tested {
    let mut run = Run::of([sleep("nap", 5), sleep("pause", 5)]);
    run.goes_on();
    let early = Event {
        step: Some(StepId::from_recorded("pause")),
        ..run.journal[0].clone()
    };
    run.journal.push(early);
    run.crash_to(None, vec![])?;
    parks(
        &mut run,
        "recorded: timer_armed of `pause` at position 1; attempted: sleep `nap`",
    );
    Ok(())
}

#[test]
fn a_renamed_operation_finds_what_was_recorded_under_its_old_name() -> Told {
    let mut run = Run::of([step("invoice").gives("7"), sleep("nap", 5)]);
    run.goes_on();
    for event in &mut run.journal {
        if event
            .step
            .as_ref()
            .is_some_and(|step| step.as_str() == "invoice")
        {
            event.step = Some(StepId::from_recorded("bill"));
        }
    }
    run.crash(vec![])?
        .goes(["begin 2", "invoice gave 7", "rest until 5"]);
    Ok(())
}

#[test]
fn a_body_that_waits_for_something_else_parks() -> Tested {
    let mut run = Run::of([Part::Foreign]);
    parks(&mut run, "something that is not a durable operation");
    Ok(())
}

#[test]
fn a_panic_parks_and_says_how_far_the_body_came() -> Tested {
    let mut run = Run::of([step("check").gives("1").into(), Part::Panic]);
    run.goes([
        "begin 0",
        "execute check 1",
        "check gave 1",
        "commit step_completed check 1; parked, leaves",
        "leave",
    ]);
    let reason = run.reason().unwrap_or_default();
    assert!(reason.contains("the body panicked"), "{reason}");
    assert!(reason.contains("after `check`"), "{reason}");
    Ok(())
}

#[test]
fn a_journal_that_is_full_parks_and_keeps_what_happened() -> Tested {
    let limits = MachineLimits {
        history_max: 1,
        ..limits()
    };
    let mut run = Run::with(
        limits,
        [
            step("check").gives("1"),
            step("other").gives("2"),
            step("check"),
        ],
    );
    run.goes([
        "begin 0",
        "execute check 1",
        "check gave 1",
        "commit step_completed check 1",
        "execute other 1",
        "other gave 2",
        "commit step_completed other 2; parked, leaves",
        "leave",
    ]);
    assert!(
        run.reason()
            .unwrap_or_default()
            .contains("limit of 1 events")
    );
    Ok(())
}

#[test]
fn what_is_too_much_to_write_at_once_parks_and_nothing_of_it_is_recorded() -> Tested {
    let limits = MachineLimits {
        commit_bytes_max: 10,
        ..limits()
    };
    let mut run = Run::with(limits, [step("check").gives("\"a value of more bytes\"")]);
    run.goes([
        "begin 0",
        "execute check 1",
        "check gave \"a value of more bytes\"",
        "commit parked, leaves",
        "leave",
    ]);
    assert!(run.journal.is_empty());
    Ok(())
}

#[test]
fn a_commit_that_is_refused_parks_the_run_as_it_is_recorded() -> Tested {
    let mut run = Run::of([step("check").gives("1"), step("other")]);
    run.does([
        "begin 0",
        "execute check 1",
        "check gave 1",
        "commit step_completed check 1",
        "rest, busy",
    ]);
    run.refused("too deep")
        .does(["commit parked, leaves", "rest, busy"]);
    assert_eq!(run.reason().as_deref(), Some("too deep"));
    run.durable().does(["leave"]);
    Ok(())
}

#[test]
fn a_parked_run_takes_back_starts_of_attempts_that_have_not_begun() -> Tested {
    let mut run = Run::of([signal("approval"), step("reserve")]);
    run.does([
        "begin 0",
        "commit signal_awaited approval; suspended",
        "rest until 10, busy",
    ]);
    // The start of `reserve` is proposed, and waits for the commit in flight.
    run.signal("approval", "1")
        .does(["approval gave 1", "rest, busy"]);
    run.parked("not here").durable().does([
        "commit signal_received approval 1; takes 1; parked, leaves",
        "rest, busy",
    ]);
    Ok(())
}

#[test]
fn time_never_runs_back_in_a_journal() -> Told {
    let mut run = Run::of([sleep("nap", 5), sleep("pause", 5)]);
    run.time(100).goes_on();
    run.time(50).goes_on();
    run.time(105).goes_on();
    let times: Vec<_> = run.journal.iter().map(|event| event.at).collect();
    assert!(times.is_sorted(), "{times:?}");
    assert_eq!(run.journal.len(), 3);
    Ok(())
}
