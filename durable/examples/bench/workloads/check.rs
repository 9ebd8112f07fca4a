//! What the attributes cost the compiler.
//!
//! Writes two crates of 200 workflows of five steps each, one with `#[durable::workflow]` and one with
//! the same fns and hand-written keys, and times `cargo check` of each with all dependencies built.

use std::{
    fmt::Write,
    fs,
    path::{Path, PathBuf},
    process::Command,
    time::{Duration, Instant},
};

use crate::report::Figure;

const WORKFLOWS: usize = 200;
const STEPS: usize = 5;
const ROUNDS: u32 = 5;

/// The time with the attributes, against the time without.
pub fn cost() -> durable::Result<Vec<Figure>> {
    let folder = std::env::temp_dir().join("durable-check-cost");
    let with = write_crate(&folder, "with_attributes", &source(true)?)?;
    let without = write_crate(&folder, "without_attributes", &source(false)?)?;
    let (mut with_time, mut without_time) = (Vec::new(), Vec::new());
    // In turns, so that what else the machine does hits both alike. The first round builds what they
    // depend on, and does not count.
    for round in 0..=ROUNDS {
        for (krate, times) in [(&with, &mut with_time), (&without, &mut without_time)] {
            let time = check(krate, &folder.join("target"))?;
            if round > 0 {
                times.push(time);
            }
        }
    }
    let name = format!("cargo check of {WORKFLOWS} workflows");
    let figure = Figure::new("check", &name, best(&with_time).as_secs_f64(), "s");
    Ok(vec![
        figure.against(Some(best(&without_time).as_secs_f64())),
    ])
}

fn source(attributes: bool) -> Result<String, std::fmt::Error> {
    let mut source = String::from("use durable::prelude::*;\n\n");
    if !attributes {
        source.push_str(
            "#[derive(Clone, Copy)]\nstruct Key(&'static str);\n\nimpl durable::StepKey for Key {\n    \
             fn name(&self) -> &'static str {\n        self.0\n    }\n}\n\n",
        );
    }
    for workflow in 0..WORKFLOWS {
        if attributes {
            source.push_str("#[durable::workflow]\n");
        }
        writeln!(
            source,
            "pub async fn flow_{workflow}(ctx: &Ctx, input: u32) -> durable::Result<u32> {{\n    \
             let mut sum = input;"
        )?;
        for step in 0..STEPS {
            let name = format!("\"step_{step}\"");
            let key = if attributes {
                name
            } else {
                format!("Key({name})")
            };
            writeln!(
                source,
                "    sum += ctx\n        .step({key}, |_| async move {{ Ok::<u32, String>(sum) }})\n        \
                 .retry(Retry::exponential().max_attempts(5))\n        .await?;"
            )?;
        }
        source.push_str("    Ok(sum)\n}\n\n");
    }
    Ok(source)
}

fn write_crate(folder: &Path, name: &str, source: &str) -> durable::Result<PathBuf> {
    let krate = folder.join(name);
    fs::create_dir_all(krate.join("src"))?;
    let durable = env!("CARGO_MANIFEST_DIR");
    let manifest = format!(
        "[package]\nname = \"{name}\"\nedition = \"2024\"\n\n[dependencies]\ndurable = {{ path = \
         {durable:?} }}\n\n[workspace]\n"
    );
    fs::write(krate.join("Cargo.toml"), manifest)?;
    // The versions that this workspace is built with.
    fs::copy(
        Path::new(durable).join("../Cargo.lock"),
        krate.join("Cargo.lock"),
    )?;
    fs::write(krate.join("src/lib.rs"), source)?;
    Ok(krate)
}

/// Checks a crate whose source has changed.
fn check(krate: &Path, target: &Path) -> durable::Result<Duration> {
    let source = krate.join("src/lib.rs");
    fs::File::options()
        .append(true)
        .open(&source)?
        .set_modified(std::time::SystemTime::now())?;
    let start = Instant::now();
    let status = Command::new(env!("CARGO"))
        .args(["check", "--quiet", "--offline"])
        .current_dir(krate)
        .env("CARGO_TARGET_DIR", target)
        // What is cached between checks would hide what they cost.
        .env("CARGO_INCREMENTAL", "0")
        .status()?;
    if !status.success() {
        return Err(format!("`cargo check` of {} failed: {status}", krate.display()).into());
    }
    Ok(start.elapsed())
}

/// The best time: what else the machine does only ever adds.
fn best(times: &[Duration]) -> Duration {
    times.iter().min().copied().unwrap_or_default()
}
