//! The harness that the tests across crates share.

pub mod crashing;
pub mod disk;
pub mod history;
pub mod needs;
pub mod program;
pub mod proxy;
pub mod replica;
#[cfg(unix)]
pub mod server;
pub mod simulation;
mod temp;
pub mod workload;

pub use temp::TempDir;

/// After this long a wake-up is lost.
const PATIENCE: std::time::Duration = std::time::Duration::from_secs(60);

/// Waits for what must come, so that a test fails where it would hang.
///
/// # Errors
///
/// When it does not come.
pub async fn soon<T>(future: impl Future<Output = T>) -> durable::Result<T> {
    let done = tokio::time::timeout(PATIENCE, future).await;
    done.map_err(|_| "what must come did not come: a wake-up is lost".into())
}
