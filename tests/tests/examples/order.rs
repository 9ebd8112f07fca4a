//! The order example checks itself; this checks that it does.

use std::process::Command;

use crate::program::{example, story, text};

#[test]
fn the_order_example_survives_its_kills_and_checks_every_promise() {
    let output = Command::new(example("order")).output().unwrap();
    let told = text(&output.stdout);
    assert!(output.status.success(), "{}", story(&output));
    assert!(told.contains("order-1001: completed"), "{told}");
    assert!(told.contains("order-1002: failed"), "{told}");
    assert_eq!(told.matches("killed inside `").count(), 6, "{told}");
    assert_eq!(told.matches("\n  yes  ").count(), 6, "{told}");
    assert!(!told.contains("\n  NO "), "{told}");
}

#[test]
fn the_order_example_takes_no_arguments() {
    let output = Command::new(example("order")).arg("x").output().unwrap();
    assert!(!output.status.success());
    assert!(text(&output.stderr).contains("no arguments"));
}
