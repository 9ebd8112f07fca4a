//! An order that survives three `kill -9`, and one that is undone.
//!
//! `cargo run --example order`
//!
//! The workflow is in `workflows.rs`. This program starts itself again as a worker process, kills that
//! process in the middle of a step, starts another one, and checks against the books of the outside
//! world that nothing was lost and nothing happened twice. It ends with an error if anything did.

#![expect(
    unreachable_pub,
    reason = "in a program, `pub` says what other modules use"
)]

mod checks;
mod shop;
mod timeline;
mod worker;
mod workflows;

use std::{
    fs, io,
    path::{Path, PathBuf},
    process::ExitCode,
};

use durable::Client;
use shop::Shop;
use timeline::Timeline;
use worker::{Kill, Task, Worker};

const DELIVERED: &str = "order-1001";
const UNDONE: &str = "order-1002";

#[tokio::main]
async fn main() -> ExitCode {
    let mut args = std::env::args().skip(1);
    let result = match args.next().as_deref() {
        Some(worker::ROLE) => worker::run(args).await,
        Some(_) => Err("usage: cargo run --example order (no arguments)".into()),
        None => tell().await,
    };
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error}");
            ExitCode::FAILURE
        }
    }
}

async fn tell() -> durable::Result<()> {
    let folder = Folder::new()?;
    println!(
        "Two orders on one SQLite file; worker processes are killed with SIGKILL on the way.\n"
    );
    let delivered = deliver(&folder.0)?;
    let undone = undo(&folder.0)?;
    // All runs have ended: this engine only looks.
    let engine = durable::Engine::builder()
        .state(Shop::new(worker::books(&folder.0), None))
        .open(&worker::database(&folder.0))
        .await?;
    let client = engine.client();
    print_run(&client, DELIVERED, &delivered).await?;
    print_run(&client, UNDONE, &undone).await?;
    let entries = Shop::new(worker::books(&folder.0), None).entries()?;
    checks::print_books(&entries);
    let checked = checks::run(&client, &entries).await;
    engine.shutdown().await?;
    checked
}

/// An order goes through, though two processes die on the way.
fn deliver(folder: &Path) -> durable::Result<Vec<Kill>> {
    let first = Worker::spawn(folder, Task::Take, DELIVERED, Some("charge"))?;
    println!("process {} takes {DELIVERED}", first.pid());
    let mut kills = vec![report(first.kill_inside("charge")?)];
    let second = Worker::spawn(folder, Task::GoOn, DELIVERED, Some("pack"))?;
    println!("process {} is started, and told nothing", second.pid());
    kills.push(report(second.kill_inside("pack")?));
    finish(folder, DELIVERED)?;
    Ok(kills)
}

/// An order fails late, and the process dies while the money is given back.
fn undo(folder: &Path) -> durable::Result<Vec<Kill>> {
    let first = Worker::spawn(folder, Task::Take, UNDONE, Some("refund"))?;
    println!(
        "process {} takes {UNDONE}, which cannot be delivered",
        first.pid()
    );
    let kills = vec![report(first.kill_inside("refund")?)];
    finish(folder, UNDONE)?;
    Ok(kills)
}

fn report(kill: Kill) -> Kill {
    println!(
        "process {} is killed inside `{}`: the effect has happened, its result is not recorded",
        kill.pid, kill.step
    );
    kill
}

fn finish(folder: &Path, order: &str) -> durable::Result<()> {
    let worker = Worker::spawn(folder, Task::GoOn, order, None)?;
    println!("process {} is started, and told nothing", worker.pid());
    let status = worker.ends()?;
    if !status.success() {
        return Err(format!("the worker for {order} failed: {status}").into());
    }
    println!("{order} has ended\n");
    Ok(())
}

async fn print_run(client: &Client, id: &str, kills: &[Kill]) -> durable::Result<()> {
    let run = client.status(id).await?;
    let mut timeline = Timeline::default();
    timeline.add_history("", &client.history(id).await?);
    for child in &run.children {
        let prefix = format!(
            "{}/",
            child.id.as_str().trim_start_matches(id).trim_matches('/')
        );
        timeline.add_history(&prefix, &client.history(&child.id).await?);
    }
    kills.iter().for_each(|kill| timeline.add_kill(kill));
    println!("{id}: {}", run.status);
    println!("{}", timeline.render(run.created_at.into()));
    Ok(())
}

/// A folder that is removed when dropped.
struct Folder(PathBuf);

impl Folder {
    fn new() -> io::Result<Self> {
        let path = std::env::temp_dir().join(format!("durable-order-{}", std::process::id()));
        fs::create_dir(&path)?;
        Ok(Self(path))
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        // Left to the system when it cannot be removed.
        let _ = fs::remove_dir_all(&self.0);
    }
}
