//! Workers and clients in processes of their own, which are killed.

use std::{
    io::{BufRead, BufReader},
    process::{Child, Command, Stdio},
};

use durable::{Result, Status};
use durable_tests::{needs, soon};

use super::world::{World, post};

/// A process, killed when it is dropped.
struct Process(Child);

impl Process {
    fn worker(world: &World) -> Result<Self> {
        Self::start(&["work", &world.address()])
    }

    /// One that has said that it is ready.
    fn start(args: &[&str]) -> Result<Self> {
        let mut command = Command::new(env!("CARGO_BIN_EXE_client_world"));
        command
            .args(args)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped());
        let mut process = Self(command.spawn()?);
        let out = process.0.stdout.take().ok_or("it has no output")?;
        let mut line = String::new();
        BufReader::new(out).read_line(&mut line)?;
        assert_eq!(line, "ready\n");
        Ok(process)
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        // It may have ended by itself.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// The worker is killed while its run is waited for, and another one goes on.
async fn a_killed_worker_is_followed_by_another(world: World) -> Result<()> {
    let client = world.client().await?;
    let worker = Process::worker(&world)?;
    let run = client.start::<post>("p", 7).await?;
    assert_eq!(
        soon(run.reaches(Status::Suspended)).await??,
        Status::Suspended
    );
    let waiting = tokio::spawn({
        let run = run.clone();
        async move { run.result().await }
    });
    drop(worker);
    run.signal(post::stamps, 3).await?;
    let _worker = Process::worker(&world)?;
    assert_eq!(soon(waiting).await???, 21);
    Ok(())
}

/// A client is killed after its start is written and before it is told; the next one asks for the same, and
/// there is one run.
async fn a_killed_client_is_followed_by_another(world: World) -> Result<()> {
    drop(Process::start(&["start", &world.address(), "p", "7"])?);
    let client = world.client().await?;
    let listed = client.list().next_page().await?;
    assert_eq!((listed.len(), listed[0].status), (1, Status::Pending));
    let run = client.start::<post>("p", 7).await?;
    assert_eq!(client.list().next_page().await?.len(), 1);
    let _worker = Process::worker(&world)?;
    run.signal(post::stamps, 2).await?;
    assert_eq!(soon(run.result()).await??, 14);
    Ok(())
}

#[tokio::test]
async fn a_worker_is_killed_on_sqlite() -> Result<()> {
    a_killed_worker_is_followed_by_another(World::sqlite().await?).await
}

#[tokio::test]
async fn a_worker_is_killed_on_postgresql() -> Result<()> {
    needs!(Database);
    a_killed_worker_is_followed_by_another(World::postgres().await?).await
}

#[tokio::test]
async fn a_client_is_killed_on_sqlite() -> Result<()> {
    a_killed_client_is_followed_by_another(World::sqlite().await?).await
}

#[tokio::test]
async fn a_client_is_killed_on_postgresql() -> Result<()> {
    needs!(Database);
    a_killed_client_is_followed_by_another(World::postgres().await?).await
}
