//! The graph example: what it draws, and what it says when it cannot.

use std::process::{Command, Output};

use crate::program::{example, story, text};

fn graph(args: &[&str]) -> Output {
    Command::new(example("graph")).args(args).output().unwrap()
}

#[test]
fn without_a_workflow_it_lists_all_of_them() {
    let output = graph(&[]);
    assert!(output.status.success(), "{}", story(&output));
    let told = text(&output.stdout);
    let names = told.lines().map(|line| line.split(' ').next().unwrap());
    assert_eq!(
        names.collect::<Vec<_>>(),
        ["archive", "backup", "order", "ship"]
    );
}

#[test]
fn it_draws_in_each_format() {
    for (format, begin) in [
        ("svg", "<svg "),
        ("mermaid", "flowchart TD\n"),
        ("dot", "digraph \"order\" {\n"),
    ] {
        let output = graph(&["--format", format, "order"]);
        assert!(output.status.success(), "{}", story(&output));
        let drawing = text(&output.stdout);
        assert!(drawing.starts_with(begin), "{drawing}");
        for part in [
            "charge",
            "cooling_off",
            "approval",
            "Approval",
            "parcel",
            "refund",
        ] {
            assert!(drawing.contains(part), "{part} is not in {drawing}");
        }
    }
}

#[test]
fn an_unknown_workflow_is_an_error_that_lists_the_known_ones() {
    let output = graph(&["ordr"]);
    assert_eq!(output.status.code(), Some(1), "{}", story(&output));
    assert_eq!(
        text(&output.stderr),
        "error: there is no workflow `ordr`; there are `archive`, `backup`, `order`, `ship`\n"
    );
}

#[test]
fn wrong_arguments_are_a_usage_error() {
    for args in [
        &["--format"][..],
        &["--format", "png", "order"],
        &["--what"],
        &["order", "ship"],
    ] {
        let output = graph(args);
        assert_eq!(output.status.code(), Some(2), "{}", story(&output));
        assert!(text(&output.stderr).contains("usage: graph [--format"));
    }
}
