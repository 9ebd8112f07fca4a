//! Measures the engine against the raw database, in one run on one machine.
//!
//! `cargo run --release --example bench -- --store sqlite|postgres|memory [--workload NAME] [--json]`
//!
//! Each workload runs in a process of its own, on a fresh database: a file with `synchronous=FULL`, or
//! one on a private PostgreSQL server, or on the server of `--url`. Every result is verified. Beside each figure stands the raw limit measured in the same process, and the
//! ratio to it.

#![expect(unreachable_pub, reason = "the modules of one program")]

mod args;
mod database;
mod process;
mod raw;
mod report;
mod workflows;
mod workloads;

use args::{Args, StoreKind};
use durable_tests::server::Server;
use report::Figure;

fn main() -> durable::Result<()> {
    let args = Args::parse(std::env::args().skip(1))?;
    let figures = match &args.workload {
        Some(name) => {
            let runtime = tokio::runtime::Builder::new_multi_thread()
                .enable_all()
                .build()?;
            runtime.block_on(workloads::run(name, &args))?
        }
        None => run_all(&args)?,
    };
    report::print(&figures, args.json);
    Ok(())
}

/// Runs every workload in a process of its own, so that memory and CPU are its own too.
fn run_all(args: &Args) -> durable::Result<Vec<Figure>> {
    let server = match (args.store, &args.url) {
        (StoreKind::Postgres, None) => Some(Server::start()?),
        _ => None,
    };
    let url = args.url.clone().or(server.as_ref().map(Server::url));
    let mut figures = Vec::new();
    for workload in workloads::NAMES {
        eprintln!("{workload} ...");
        let output = std::process::Command::new(std::env::current_exe()?)
            .args([
                "--store",
                args.store.name(),
                "--workload",
                workload,
                "--json",
            ])
            .args(url.iter().flat_map(|url| ["--url", url]))
            .stderr(std::process::Stdio::inherit())
            .output()?;
        if !output.status.success() {
            return Err(format!("workload {workload} failed: {}", output.status).into());
        }
        for line in String::from_utf8(output.stdout)?.lines() {
            figures.push(serde_json::from_str(line)?);
        }
    }
    Ok(figures)
}
