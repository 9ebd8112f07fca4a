//! Where the programs of the examples are.

use std::{
    path::{Path, PathBuf},
    process::{Command, Output},
    sync::OnceLock,
};

/// The program of an example, up to date.
///
/// Cargo tells a test the paths of its own package's programs only, so the examples are found beside
/// the test's program. They are built first, which is nothing to do in a build of the workspace: a
/// stale program would be a test of yesterday's code.
pub fn example(name: &str) -> PathBuf {
    static BUILT: OnceLock<PathBuf> = OnceLock::new();
    BUILT
        .get_or_init(build)
        .join(format!("{name}{}", std::env::consts::EXE_SUFFIX))
}

fn build() -> PathBuf {
    let test = std::env::current_exe().unwrap();
    let profile = test.ancestors().nth(2).unwrap();
    let name = match profile.file_name().unwrap().to_str().unwrap() {
        "debug" => "dev",
        name => name,
    };
    let mut cargo = Command::new(env!("CARGO"));
    cargo
        .current_dir(Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap())
        .args(["build", "--workspace", "--examples", "--profile", name])
        .env("CARGO_TARGET_DIR", profile.parent().unwrap());
    let output = cargo.output().unwrap();
    assert!(output.status.success(), "{}", text(&output.stderr));
    profile.join("examples")
}

/// What a program wrote.
pub fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

/// Everything about a program that has ended, for a failed assertion.
pub fn story(output: &Output) -> String {
    format!(
        "{}\n--- standard output\n{}\n--- standard error\n{}",
        output.status,
        text(&output.stdout),
        text(&output.stderr)
    )
}
