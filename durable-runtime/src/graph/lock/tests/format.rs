//! The text: read back as written, and refused when it is damaged.

use super::{lock, workflows};
use crate::graph::{Lock, OperationKind};

#[test]
fn a_lock_reads_back_as_it_was_written() {
    let text = "workflow b\n  was a\n  step charge\n    was debit\n    was pay\n    undone by refund\n    \
                with at_most_once()\n  signal go: HashMap<String, [u8; 4]>\n  branch x == \"a: b\"\n    \
                arm Some(_) | None\n      child kid: v\n  repeat for x in xs\n    sleep nap\n  race\n    \
                lane\n      scope f\n        step g\n    lane\n\nworkflow c\n";
    let lock = workflows(text);
    let written = lock.to_string();
    assert!(written.ends_with(text), "{written}");
    let again = Lock::parse("test", &written).unwrap();
    assert_eq!(again.to_string(), written);
    assert!(lock.compare(&again).is_empty());
}

#[test]
fn an_operation_of_each_kind_reads_back() {
    for kind in OperationKind::ALL {
        let of = kind.subject().map_or("", |_| ": Vec<u8>");
        let line = format!("  {} name{of}\n", kind.noun());
        assert!(lock(&line).to_string().ends_with(&line), "{line}");
    }
}

#[test]
fn line_ends_blank_lines_and_comments_do_not_matter() {
    let plain = lock("  step a\n  step b\n");
    let noisy =
        "# note\r\ndurable-lock 1\r\n\r\nworkflow w\r\n  step a  \r\n\r\n# note\r\n  step b\r\n";
    let noisy = Lock::parse("test", noisy).unwrap();
    assert!(plain.compare(&noisy).is_empty());
}

/// A text, the line that is wrong in it, and why.
const DAMAGED: &[(&str, u32, &str)] = &[
    ("", 1, "the file is empty"),
    ("hello\n", 1, "expected `durable-lock 1`, found `hello`"),
    ("durable-lock 2\n", 1, "it has format version 2"),
    (
        "durable-lock 1\nstep a\n",
        2,
        "expected `workflow` and its name",
    ),
    ("durable-lock 1\nworkflow\n", 2, "the line ends too early"),
    (
        "durable-lock 1\nworkflow w\n   step a\n",
        3,
        "not a multiple of two spaces",
    ),
    (
        "durable-lock 1\nworkflow w\n\tstep a\n",
        3,
        "not a multiple of two spaces",
    ),
    (
        "durable-lock 1\nworkflow w\n    step a\n",
        3,
        "indented too far",
    ),
    (
        "durable-lock 1\nworkflow w\n  stepp a\n",
        3,
        "found `stepp a`",
    ),
    (
        "durable-lock 1\nworkflow w\n  step\n",
        3,
        "the line ends too early",
    ),
    (
        "durable-lock 1\nworkflow w\n  signal s\n",
        3,
        "expected an operation as",
    ),
    (
        "durable-lock 1\nworkflow w\n  step a\n    step b\n",
        4,
        "expected `was`, `undone by`",
    ),
    (
        "durable-lock 1\nworkflow w\n  step a\n    was b\n      was c\n",
        5,
        "indented too far",
    ),
    (
        "durable-lock 1\nworkflow w\n  arm x\n",
        3,
        "`arm x` cannot stand in `workflow w`",
    ),
    (
        "durable-lock 1\nworkflow w\n  branch x\n    step a\n",
        4,
        "cannot stand in `branch x`",
    ),
    (
        "durable-lock 1\nworkflow w\n  join\n    step a\n",
        4,
        "cannot stand in `join`",
    ),
    (
        "durable-lock 1\nworkflow w\nworkflow w\n",
        3,
        "workflow `w` is there twice",
    ),
    (
        "durable-lock 1\n<<<<<<< HEAD\n",
        2,
        "a merge conflict is not resolved",
    ),
    (
        "durable-lock 1\nworkflow w\n  step a\n    undone by b\n    undone by c\n",
        5,
        "found `undone by c`",
    ),
];

#[test]
fn a_damaged_lock_is_refused_with_the_line_and_the_reason() {
    for (text, line, reason) in DAMAGED {
        let error = Lock::parse("my.lock", text).unwrap_err().to_string();
        assert!(
            error.starts_with(&format!("my.lock:{line}: ")),
            "{text:?}: {error}"
        );
        assert!(error.contains(reason), "{text:?}: {error}");
        assert!(error.contains("DURABLE_LOCK=update"), "{error}");
    }
}
