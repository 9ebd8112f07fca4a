//! A durable backup of a folder.
//!
//! `cargo run --release --example backup -- SOURCE TARGET [--db ADDRESS] [--again]`
//!
//! Every file becomes `TARGET/blobs/<sha256>.zst`, and in the end `TARGET/manifest.json` lists them:
//! an array of `{path, size, sha256}`, sorted by path. Kill it at any moment and start it again with
//! the same arguments: it goes on where it was. Started again when it is finished, it does nothing.
//!
//! The manifest is written only when every file is stored. Files that cannot be read, that change
//! while they are read, or whose names JSON cannot hold make the backup fail, with their names; the
//! same command then starts over. Symbolic links and special files are skipped, with a note.
//!
//! Exit codes: 0 done, 1 failed, 2 wrong arguments.

#![expect(
    unreachable_pub,
    reason = "in a program, `pub` says what other modules use"
)]

mod args;
mod attempt;
mod blob;
mod fault;
mod files;
mod inventory;
mod manifest;
mod progress;
mod workflows;

use std::{
    process::ExitCode,
    time::{Duration, Instant},
};

use args::{Args, USAGE};
use attempt::Attempt;
use durable::{Client, Engine, Run, printable};
use progress::Progress;
use workflows::{Summary, backup};

/// How often the progress is read.
const TICK: Duration = Duration::from_millis(250);
/// How long the journal may be out of order before the program gives up.
const PATIENCE: Duration = Duration::from_secs(10);

#[tokio::main]
async fn main() -> ExitCode {
    let args = match Args::parse(std::env::args().skip(1)) {
        Ok(args) => args,
        Err(error) => {
            eprintln!("error: {}\n\n{USAGE}", printable(&error));
            return ExitCode::from(2);
        }
    };
    match run(&args).await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {}", lines(&error.to_string()));
            ExitCode::FAILURE
        }
    }
}

async fn run(args: &Args) -> durable::Result<()> {
    let (database, job) = args.prepare()?;
    let engine = Engine::open(&database).await?;
    let client = engine.client();
    let id = match Attempt::find(&client, &job, args.again).await? {
        Attempt::Finished(run) => {
            println!(
                "`{}` was backed up to `{}` at {}; nothing to do (`--again` backs it up once more)",
                printable(&job.source),
                printable(&job.target),
                run.updated_at
            );
            return engine.shutdown().await;
        }
        Attempt::GoOn(id) => {
            eprintln!("going on with the backup that was interrupted");
            id
        }
        Attempt::Start(id) => id,
    };
    let target = job.target.clone();
    let run = client.start::<backup>(&id, job).await?;
    let summary = watch(&client, &run).await?;
    println!(
        "{} files, {} bytes, {} distinct blobs: {}/manifest.json",
        summary.files,
        summary.bytes,
        summary.blobs,
        printable(&target)
    );
    engine.shutdown().await
}

/// Text of several lines, none of which does anything to a terminal.
fn lines(text: &str) -> String {
    let lines = text.lines().map(|line| printable(line).to_string());
    lines.collect::<Vec<_>>().join("\n")
}

/// Shows the progress until the run has ended.
async fn watch(client: &Client, run: &Run<backup>) -> durable::Result<Summary> {
    let mut progress = Progress::new(client, run);
    let mut ticks = tokio::time::interval(TICK);
    let mut trouble_since = None;
    let result = run.result();
    tokio::pin!(result);
    let ended = loop {
        tokio::select! {
            ended = &mut result => break ended,
            _ = ticks.tick() => {
                progress.update().await?;
                check(client.trouble(), &mut trouble_since)?;
            }
        }
    };
    progress.update().await?;
    progress.finish();
    ended.map_err(|error| match error.failure() {
        Some(failure) => failure.to_string().into(),
        None => error.into(),
    })
}

/// Gives up when the journal has been out of order for too long. The run has not failed then.
fn check(trouble: Option<String>, since: &mut Option<Instant>) -> durable::Result<()> {
    let Some(trouble) = trouble else {
        *since = None;
        return Ok(());
    };
    if since.get_or_insert_with(Instant::now).elapsed() < PATIENCE {
        return Ok(());
    }
    let advice = "nothing is lost: mend it, and the same command goes on where it was";
    Err(format!("{trouble} ({advice})").into())
}
