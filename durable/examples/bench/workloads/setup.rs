//! Chooses a workload and puts up its engine.

use durable::{Client, Engine};

use super::{check, growth, handover, latency, recovery, sleepers, throughput, values};
use crate::{args::Args, database::Database, report::Figure};

/// Every workload.
pub const NAMES: &[&str] = &[
    "W1", "W1a", "W2", "W3", "W4", "W5", "W6", "W7", "handover", "idle", "growth", "finished",
    "sleeping", "check", "values",
];

/// An engine on a fresh database.
#[derive(Debug)]
pub struct Setup {
    /// The engine.
    pub engine: Engine,
    /// The database.
    pub database: Database,
}

impl Setup {
    /// Opens it.
    pub async fn new(args: &Args) -> durable::Result<Self> {
        let database = Database::new(args).await?;
        let engine = Engine::open(&database.url()).await?;
        Ok(Self { engine, database })
    }

    /// A client.
    pub fn client(&self) -> Client {
        self.engine.client()
    }
}

/// Runs one workload.
pub async fn run(name: &str, args: &Args) -> durable::Result<Vec<Figure>> {
    let mut figures = match name {
        "W1" => throughput::steps("W1", 100, args).await?,
        "W1a" => throughput::steps("W1a", 2_000, args).await?,
        "W2" => latency::sequential_steps(args).await?,
        "W3" => latency::start_to_result(args).await?,
        "W4" => sleepers::together(args).await?,
        "W5" => throughput::fan_out(args).await?,
        "W6" => latency::signal_to_result(args).await?,
        "W7" => recovery::after_a_kill(args).await?,
        "W7-worker" => recovery::worker(args).await?,
        "handover" => handover::of_all_runs(args).await?,
        "idle" => latency::idle(args).await?,
        "growth" => growth::long_run(args).await?,
        "finished" => growth::finished_runs(args).await?,
        "sleeping" => sleepers::many(args).await?,
        "check" => check::cost()?,
        "values" => values::recorded()?,
        _ => {
            return Err(
                format!("unknown workload `{name}`; workloads: {}", NAMES.join(" ")).into(),
            );
        }
    };
    for figure in &mut figures {
        args.store.name().clone_into(&mut figure.store);
    }
    Ok(figures)
}

/// Fails the benchmark when a result is wrong.
pub fn verify<T: PartialEq + std::fmt::Debug>(got: &T, wanted: &T) -> durable::Result<()> {
    if got == wanted {
        return Ok(());
    }
    Err(format!("wrong result: {got:?} instead of {wanted:?}").into())
}

/// The value at a share of sorted values.
pub fn percentile(sorted: &[f64], share: f64) -> f64 {
    let index = (sorted.len() as f64 * share) as usize;
    sorted
        .get(index.min(sorted.len().saturating_sub(1)))
        .copied()
        .unwrap_or(0.0)
}
