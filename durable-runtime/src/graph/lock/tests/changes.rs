//! One case for each kind of change.

use super::{lock, told, workflows};

/// Asserts what the change from one body to another is told as.
#[track_caller]
fn change(locked: &[&str], current: &[&str], expected: &[&str]) {
    let body = |lines: &[&str]| lock(&format!("  {}\n", lines.join("\n  ")));
    let differences = body(locked).compare(&body(current));
    assert_eq!(told(&differences), expected);
}

#[test]
fn the_same_graph_has_no_differences() {
    let body = [
        "step a",
        "  undone by b",
        "  was c",
        "branch x",
        "  arm then",
        "    signal s: T",
        "  arm else",
        "repeat loop",
        "  child k: v",
        "race",
        "  lane",
        "    sleep z",
        "  lane",
        "scope f",
        "  step a",
    ];
    change(&body, &body, &[]);
}

#[test]
fn a_part_at_the_very_end_is_safe() {
    change(
        &["step a"],
        &["step a", "step b"],
        &["safe: step `b` is new"],
    );
    change(
        &["step a"],
        &["step a", "repeat loop", "  sleep b"],
        &["safe: sleep `b` is new"],
    );
    change(
        &["branch x", "  arm then", "    step a"],
        &["branch x", "  arm then", "    step a", "    step b"],
        &["safe: step `b` is new"],
    );
    change(
        &["branch x", "  arm then", "    step a"],
        &[
            "branch x",
            "  arm then",
            "    step a",
            "  arm else",
            "    step b",
        ],
        &["safe: step `b` is new"],
    );
    change(
        &["join", "  lane", "    step a", "  lane", "    step b"],
        &[
            "join",
            "  lane",
            "    step a",
            "    step c",
            "  lane",
            "    step b",
            "  lane",
            "    step d",
        ],
        &["safe: step `c` is new", "safe: step `d` is new"],
    );
    change(
        &["scope f", "  step a"],
        &["scope f", "  step a", "  step b"],
        &["safe: step `b` is new"],
    );
}

#[test]
fn a_part_before_something_that_may_be_recorded_is_additive() {
    change(
        &["step a", "step b"],
        &["step a", "signal n: T", "step b"],
        &["additive: signal `n` is new"],
    );
    change(
        &["branch x", "  arm then", "    step a", "step b"],
        &[
            "branch x",
            "  arm then",
            "    step a",
            "    step n",
            "step b",
        ],
        &["additive: step `n` is new"],
    );
    change(
        &["repeat loop", "  step a"],
        &["repeat loop", "  step a", "  step n"],
        &["additive: step `n` is new"],
    );
    change(
        &["join_all", "  lane", "    step a"],
        &["join_all", "  lane", "    step a", "    step n"],
        &["additive: step `n` is new"],
    );
    change(
        &["join", "  lane", "    step a", "step b"],
        &[
            "join",
            "  lane",
            "    step a",
            "  lane",
            "    step n",
            "step b",
        ],
        &["additive: step `n` is new"],
    );
}

#[test]
fn a_part_that_may_decide_a_race_is_breaking() {
    let race = ["race", "  lane", "    step a", "  lane", "    sleep b"];
    change(
        &race,
        &[
            "race",
            "  lane",
            "    step a",
            "    step n",
            "  lane",
            "    sleep b",
        ],
        &["breaking: step `n` is new"],
    );
    let lane = [&race[..], &["  lane", "    step n"]].concat();
    change(&race, &lane, &["breaking: step `n` is new"]);
    let empty = [&race[..], &["  lane"]].concat();
    change(&race, &empty, &["breaking: `lane` is new"]);
    change(&empty, &race, &["breaking: `lane` was removed"]);
}

#[test]
fn what_is_gone_or_elsewhere_is_breaking() {
    change(
        &["step a", "step b"],
        &["step b"],
        &["breaking: step `a` was removed"],
    );
    change(
        &["step a", "step b"],
        &["step a"],
        &["breaking: step `b` was removed"],
    );
    change(&["step a"], &[""], &["breaking: step `a` was removed"]);
    change(
        &["step a", "step b"],
        &["step b", "step a"],
        &["breaking: step `a` was moved"],
    );
    change(
        &["step a"],
        &["branch x", "  arm then", "    step a"],
        &["breaking: step `a` was moved"],
    );
    change(
        &["repeat loop", "  step a"],
        &["step a"],
        &["breaking: step `a` was moved"],
    );
    change(
        &[
            "branch x",
            "  arm then",
            "    step a",
            "  arm else",
            "    step b",
        ],
        &[
            "branch x",
            "  arm then",
            "    step b",
            "  arm else",
            "    step a",
        ],
        &[
            "breaking: step `b` was moved",
            "breaking: step `a` was moved",
        ],
    );
    change(
        &["join", "  lane", "    step a", "  lane", "    step b"],
        &["step a", "step b"],
        &[
            "breaking: step `a` was moved",
            "breaking: step `b` was moved",
        ],
    );
    change(
        &["scope f", "  step a"],
        &["scope g", "  step a"],
        &["breaking: `scope g` was `scope f`"],
    );
}

#[test]
fn another_way_through_is_breaking() {
    change(
        &["branch x > 1", "  arm then", "    step a"],
        &["branch x > 2", "  arm then", "    step a"],
        &["breaking: `branch x > 2` was `branch x > 1`"],
    );
    change(
        &["repeat for x in a", "  step s"],
        &["repeat for x in b", "  step s"],
        &["breaking: `repeat for x in b` was `repeat for x in a`"],
    );
    change(
        &["join", "  lane", "    step a"],
        &["try_join", "  lane", "    step a"],
        &["breaking: `try_join` was `join`"],
    );
    change(
        &["branch x", "  arm A", "    step a", "  arm _"],
        &["branch x", "  arm A | B", "    step a", "  arm _"],
        &["breaking: `arm A | B` was `arm A`"],
    );
}

#[test]
fn an_arm_that_takes_runs_from_one_that_records_is_breaking() {
    change(
        &["branch x", "  arm A", "    step a", "  arm _", "    step b"],
        &[
            "branch x",
            "  arm A",
            "    step a",
            "  arm B",
            "  arm _",
            "    step b",
        ],
        &["breaking: `arm B` is new"],
    );
    change(
        &["branch x", "  arm A", "  arm _", "    step b"],
        &["branch x", "  arm _", "    step b"],
        &["breaking: `arm A` was removed"],
    );
    change(
        &["branch x", "  arm A", "    step a", "  arm _"],
        &["branch x", "  arm A", "    step a", "  arm B", "  arm _"],
        &["safe: `arm B` is new"],
    );
    change(
        &["branch x", "  arm A", "    step a", "  arm B", "  arm _"],
        &["branch x", "  arm A", "    step a", "  arm _"],
        &["safe: `arm B` was removed"],
    );
    change(
        &["branch x", "  arm A", "    step a", "  arm _", "step z"],
        &[
            "branch x",
            "  arm A",
            "    step a",
            "  arm B",
            "    step b",
            "  arm _",
            "step z",
        ],
        &["additive: step `b` is new"],
    );
}

#[test]
fn an_operation_that_became_another_is_breaking() {
    change(
        &["step a"],
        &["sleep a"],
        &["breaking: sleep `a` was a step"],
    );
    change(
        &["signal a: T"],
        &["signal a: U"],
        &["breaking: signal `a` carried a `T` and carries a `U` now"],
    );
    change(
        &["child a: v"],
        &["child a: u"],
        &["breaking: child `a` ran `v` and runs `u` now"],
    );
    change(
        &["step a"],
        &["step a", "  with at_most_once()"],
        &["breaking: step `a` had the options none and has `at_most_once()` now"],
    );
}

#[test]
fn a_compensation_that_is_lost_or_another_is_breaking_and_a_new_one_is_additive() {
    let (none, one, other) = (
        &["step a"][..],
        &["step a", "  undone by b"][..],
        &["step a", "  undone by c"][..],
    );
    change(
        one,
        none,
        &["breaking: step `a` has lost its compensation `b`"],
    );
    change(
        one,
        other,
        &["breaking: step `a` was undone by `b` and is undone by `c` now"],
    );
    change(
        none,
        one,
        &["additive: step `a` has the new compensation `b`"],
    );
}

#[test]
fn a_declared_rename_is_safe_and_an_undeclared_one_is_not() {
    change(
        &["step a", "step z"],
        &["step b", "  was a", "step z"],
        &["safe: step `b` is the new name of `a`"],
    );
    change(
        &["step a", "step z"],
        &["step b", "step z"],
        &["breaking: step `b` stands where step `a` stood"],
    );
    change(
        &["step b", "  was a"],
        &["step d", "  was a", "  was b", "  was c"],
        &["safe: step `d` is the new name of `b`"],
    );
    change(
        &["step b", "  was a"],
        &["step c", "  was b"],
        &["breaking: step `c` declares the old names `b`, and not `a`, `b`"],
    );
    change(
        &["step b", "  was a"],
        &["step b"],
        &["breaking: step `b` declares the old names (none), and not `a`"],
    );
    change(
        &["step b"],
        &["step b", "  was a"],
        &["breaking: step `b` declares the old names `a`, and not (none)"],
    );
    // Renamed and re-kinded.
    change(
        &["step a"],
        &["sleep b", "  was a"],
        &[
            "breaking: sleep `b` was a step",
            "safe: step `b` is the new name of `a`",
        ],
    );
}

#[test]
fn an_old_name_that_two_have_is_breaking() {
    let twice = "the name `a` belongs to this step as an old name, and to another one";
    let differences = lock("  step a\n").compare(&lock("  step b\n    was a\n  step a\n"));
    assert!(
        told(&differences).contains(&format!("breaking: {twice}")),
        "{differences:?}"
    );
    let both = "  step b\n    was a\n  step c\n    was a\n";
    let differences = lock("  step a\n").compare(&lock(both));
    assert!(
        told(&differences).contains(&format!("breaking: {twice}")),
        "{differences:?}"
    );
    // Another scope is another place.
    change(
        &["step a", "scope f", "  step b"],
        &["step c", "  was a", "scope f", "  step b", "  step a"],
        &[
            "safe: step `c` is the new name of `a`",
            "safe: step `a` is new",
        ],
    );
}

#[test]
fn workflows_come_go_and_are_renamed() {
    let one = workflows("workflow a\n  step s\n");
    let two = workflows("workflow a\n  step s\nworkflow b\n");
    assert_eq!(told(&one.compare(&two)), ["safe: the workflow is new"]);
    let told_back = told(&two.compare(&one));
    assert_eq!(told_back, ["breaking: the workflow was removed"]);

    let renamed = workflows("workflow c\n  was a\n  step s\n");
    let safe = "safe: workflow `c` is the new name of `a`";
    assert_eq!(told(&one.compare(&renamed)), [safe]);
    let undeclared = workflows("workflow c\n  step s\n");
    assert_eq!(
        told(&one.compare(&undeclared)),
        [
            "breaking: the workflow was removed",
            "safe: the workflow is new"
        ]
    );
    let both = workflows("workflow a\n  step s\nworkflow c\n  was a\n  step s\n");
    let clash =
        "breaking: the name `a` belongs to this workflow as an old name, and to another one";
    assert!(told(&one.compare(&both)).contains(&clash.to_owned()));
}

#[test]
fn a_child_of_a_renamed_workflow_is_the_same_child() {
    let locked = workflows("workflow p\n  child k: ship\nworkflow ship\n  step s\n");
    let current = workflows(
        "workflow p\n  child k: flows::deliver\nworkflow deliver\n  was ship\n  step s\n",
    );
    assert_eq!(
        told(&locked.compare(&current)),
        [
            "safe: workflow `deliver` is the new name of `ship`",
            "safe: child `k` runs `flows::deliver`, the new name of `ship`",
        ]
    );
}

#[test]
fn a_difference_says_where_it_is_and_what_to_do() {
    let locked = lock("  step a\n  step b\n");
    let current = lock("  step b\n");
    let [difference] = &locked.compare(&current)[..] else {
        panic!("one difference");
    };
    assert_eq!(difference.workflow(), "w");
    assert_eq!(
        difference.places().collect::<Vec<_>>(),
        ["test:2", "test:3"]
    );
    assert!(difference.advice().contains("`.was(\"a\")`"));
}
