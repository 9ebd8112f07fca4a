//! The three formats of a graph with everything, as files to look at.

use std::{env, fs, path::Path};

use super::super::super::sample::EVERYTHING;

/// Asserts that a text is that of a file; `DURABLE_GOLDEN=update` rewrites the file.
#[track_caller]
fn assert_golden(name: &str, text: &str) {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/graph/draw/tests/golden");
    let path = folder.join(name);
    if env::var_os("DURABLE_GOLDEN").is_some_and(|value| value == "update") {
        fs::write(&path, text).unwrap();
    }
    let golden = fs::read_to_string(&path).unwrap();
    assert!(
        golden == text,
        "{} differs; `DURABLE_GOLDEN=update` rewrites it, then look at it",
        path.display()
    );
}

#[test]
fn everything_as_svg() {
    assert_golden("everything.svg", &EVERYTHING.to_svg());
}

#[test]
fn everything_as_mermaid() {
    assert_golden("everything.mmd", &EVERYTHING.to_mermaid());
}

#[test]
fn everything_as_dot() {
    assert_golden("everything.dot", &EVERYTHING.to_dot());
}
