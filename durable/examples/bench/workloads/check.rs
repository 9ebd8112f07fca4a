//! What the attributes cost the compiler.
//!
//! Writes two crates of 200 workflows, one with the attributes and one with the same fns and hand-written
//! keys, and times `cargo check` of each with all dependencies built.

use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
    time::{Duration, Instant},
};

use super::sources;
use crate::report::Figure;

const WORKFLOWS: usize = 200;
const ROUNDS: u32 = 3;

/// How the attributes are built: as Cargo does when it is told nothing, or optimised.
const OPTIMISED: &str = "\n[profile.dev.build-override]\nopt-level = 3\n";

/// The time with the attributes, against the time without.
pub fn cost() -> durable::Result<Vec<Figure>> {
    let bare = [
        sources::bare(WORKFLOWS, true)?,
        sources::bare(WORKFLOWS, false)?,
    ];
    let orders = [
        sources::orders(WORKFLOWS, true)?,
        sources::orders(WORKFLOWS, false)?,
    ];
    Ok(vec![
        compare("cargo check of 200 bare workflows", &bare, "")?,
        compare("200 bare ones, attributes optimised", &bare, OPTIMISED)?,
        compare("cargo check of 200 order workflows", &orders, "")?,
    ])
}

/// The time that a check of the first source takes, against that of the second.
fn compare(name: &str, sources: &[String; 2], profile: &str) -> durable::Result<Figure> {
    let folder = std::env::temp_dir().join("durable-check-cost");
    let target = folder.join(if profile.is_empty() {
        "target"
    } else {
        "target-optimised"
    });
    let [with, without] = sources;
    let with = write_crate(&folder, "with_attributes", with, profile)?;
    let without = write_crate(&folder, "without_attributes", without, profile)?;
    let (mut with_times, mut without_times) = (Vec::new(), Vec::new());
    // In turns, so that what else the machine does hits both alike. The first round builds what they
    // depend on, and does not count.
    for round in 0..=ROUNDS {
        for (krate, times) in [(&with, &mut with_times), (&without, &mut without_times)] {
            let time = check(krate, &target)?;
            if round > 0 {
                times.push(time);
            }
        }
    }
    let figure = Figure::new("check", name, best(&with_times).as_secs_f64(), "s");
    Ok(figure.against(Some(best(&without_times).as_secs_f64())))
}

fn write_crate(folder: &Path, name: &str, source: &str, profile: &str) -> durable::Result<PathBuf> {
    let krate = folder.join(name);
    fs::create_dir_all(krate.join("src"))?;
    let durable = env!("CARGO_MANIFEST_DIR");
    let manifest = format!(
        "[package]\nname = \"{name}\"\nedition = \"2024\"\n\n[dependencies]\ndurable = {{ path = \
         {durable:?} }}\nserde = {{ version = \"1\", features = [\"derive\"] }}\nserde_json = \"1\"\n\
         tokio = {{ version = \"1\", features = [\"time\"] }}\n\n[workspace]\n{profile}"
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
