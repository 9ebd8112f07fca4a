//! Child runs.

use super::{
    body::{all, child, failure, first, signal, sleep, step, value_of},
    run::{Run, Told},
};

const STARTED: &str = "commit child_started ship; starts run/ship with null; suspended";

#[test]
fn a_child_is_started_in_the_commit_that_records_it_and_gives_its_result() -> Told {
    let mut run = Run::of([child("ship")]);
    run.does(["begin 0", STARTED, "rest until 10, busy"]);
    run.durable().does(["rest until 10"]);
    run.child_ends("ship", Ok(value_of("7"))).goes([
        "ship gave 7",
        "commit child_completed ship 7, completed \"done\"; takes 1; completed, leaves",
        "leave",
    ]);
    Ok(())
}

#[test]
fn a_childs_failure_is_its_parents() -> Told {
    let mut run = Run::of([child("ship")]);
    run.goes(["begin 0", STARTED, "rest until 10"]);
    run.child_ends("ship", Err(failure("sunk"))).goes([
        "ship failed: sunk",
        "commit child_failed ship (sunk), failed (sunk); takes 1; failed, leaves",
        "leave",
    ]);
    Ok(())
}

#[test]
fn a_replay_starts_no_second_child() -> Told {
    let mut run = Run::of([child("ship")]);
    run.goes(["begin 0", STARTED, "rest until 10"]);
    run.crash(vec![])?.goes(["begin 1", "rest until 10"]);
    run.child_ends("ship", Ok(value_of("7"))).goes([
        "ship gave 7",
        "commit child_completed ship 7, completed \"done\"; takes 1; completed, leaves",
        "leave",
    ]);
    Ok(())
}

#[test]
fn a_second_copy_of_a_childs_end_is_taken_and_says_nothing() -> Told {
    let mut run = Run::of([child("ship").into(), sleep("nap", 5).into()] as [super::body::Part; 2]);
    run.goes(["begin 0", STARTED, "rest until 10"]);
    run.child_ends("ship", Ok(value_of("7")))
        .child_ends("ship", Ok(value_of("8")));
    run.goes([
        "ship gave 7",
        "commit child_completed ship 7, timer_armed nap until 5; takes 1 2",
        "rest until 5",
    ]);
    Ok(())
}

#[test]
fn a_child_that_nobody_waits_for_any_more_is_asked_to_cancel() -> Told {
    let race = first([child("ship"), sleep("nap", 5)]);
    let mut run = Run::of([race, sleep("pause", 60).into()]);
    run.goes([
        "begin 0",
        "commit child_started ship, timer_armed nap until 5; starts run/ship with null; suspended",
        "rest until 5",
    ]);
    run.time(5).goes([
        "nap gave null",
        "commit timer_fired nap, timer_armed pause until 65, child_canceled ship; \
         sends run/ship Cancel; suspended, leaves until 65",
        "leave",
    ]);
    Ok(())
}

#[test]
fn the_end_of_a_child_that_was_let_go_of_reaches_nobody() -> Told {
    let race = first([child("ship"), sleep("nap", 5)]);
    let mut run = Run::of([race, signal("approval").into()]);
    run.goes([
        "begin 0",
        "commit child_started ship, timer_armed nap until 5; starts run/ship with null; suspended",
        "rest until 5",
    ]);
    run.time(5).goes([
        "nap gave null",
        "commit timer_fired nap, signal_awaited approval, child_canceled ship; sends run/ship Cancel",
        "rest until 10",
    ]);
    run.child_ends("ship", Err(failure("canceled"))).goes([
        "commit child_failed ship (canceled); takes 1",
        "rest until 10",
    ]);
    Ok(())
}

#[test]
fn a_child_whose_input_is_too_large_is_not_started() -> Told {
    let large = format!("\"{}\"", "x".repeat(60));
    let mut run = Run::of([child("ship").gives(&large)]);
    let seen = run.goes_on();
    assert!(
        seen[1].starts_with("ship failed: the value has 62 bytes"),
        "{seen:?}"
    );
    assert!(!seen[2].contains("starts"), "{seen:?}");
    Ok(())
}

#[test]
fn a_run_tells_its_parent_how_it_ended_in_the_commit_that_ends_it() -> Told {
    let mut run = Run::of_a_parent([sleep("nap", 0)]);
    run.goes([
        "begin 0",
        "nap gave null",
        "commit timer_armed nap until 0, timer_fired nap, completed \"done\"; \
         tells 9 child: \"done\"; completed, leaves",
        "leave",
    ]);
    let mut run = Run::of_a_parent([step("check")]);
    run.cancel().goes([
        "drop",
        "commit cancel_requested; takes 1; compensating",
        "commit canceled; tells 9 child: child run `run` was canceled; canceled, leaves",
        "leave",
    ]);
    Ok(())
}

#[test]
fn children_side_by_side_end_in_the_order_of_their_mail() -> Told {
    let mut run = Run::of([all([child("ship"), child("pack")])]);
    run.goes([
        "begin 0",
        "commit child_started ship, child_started pack; starts run/ship with null; \
         starts run/pack with null; suspended",
        "rest until 10",
    ]);
    run.child_ends("pack", Ok(value_of("2")))
        .child_ends("ship", Ok(value_of("1")));
    run.goes([
        "pack gave 2",
        "ship gave 1",
        "commit child_completed pack 2, child_completed ship 1, completed \"done\"; takes 1 2; \
         completed, leaves",
        "leave",
    ]);
    Ok(())
}

#[test]
fn a_rollback_cancels_the_children_that_run_and_waits_for_them() -> Told {
    let mut run = Run::of([all([child("ship"), signal("approval").timeout(5)])]);
    run.goes([
        "begin 0",
        "commit child_started ship, signal_awaited approval until 5; starts run/ship with null; suspended",
        "rest until 5",
    ]);
    let late = "signal `approval` did not come in time";
    run.time(5).goes([
        &*format!("approval failed: {late}"),
        "commit timer_fired approval, child_canceled ship, rollback_started; sends run/ship Cancel; \
         compensating",
        "rest until 10",
    ]);
    run.child_ends("ship", Err(failure("canceled"))).goes([
        "commit child_failed ship (canceled); takes 1",
        &*format!("commit failed ({late}); failed, leaves"),
        "leave",
    ]);
    Ok(())
}

#[test]
fn a_child_that_completed_is_undone() -> Told {
    let mut run = Run::of([child("pack")]).ending(Err(failure("no van")));
    run.goes([
        "begin 0",
        "commit child_started pack; starts run/pack with null; suspended",
        "rest until 10",
    ]);
    run.child_ends("pack", Ok(value_of("3"))).goes([
        "pack gave 3",
        "commit child_completed pack 3, rollback_started, compensation_started pack 1; takes 1; \
         compensating",
        "unpack pack 1: 3",
        "commit compensated pack",
        "commit failed (no van); failed, leaves",
        "leave",
    ]);
    Ok(())
}
