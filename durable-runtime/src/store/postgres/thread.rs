//! The thread that all connections of a store live on.

use std::{future::Future, io, thread};

use tokio::{
    runtime::{Builder, Handle},
    sync::oneshot,
    task::JoinHandle,
};

/// A thread that drives connections. They answer also while the program's own threads are blocked, and
/// outlive the runtime that they were opened on. Dropping it ends the thread.
#[derive(Debug)]
pub(super) struct IoThread {
    handle: Handle,
    /// Dropped to end the thread.
    _alive: oneshot::Sender<()>,
}

impl IoThread {
    pub(super) fn start() -> io::Result<Self> {
        let runtime = Builder::new_current_thread().enable_all().build()?;
        let handle = runtime.handle().clone();
        let (alive, dropped) = oneshot::channel::<()>();
        thread::Builder::new()
            .name("durable-postgres".to_owned())
            .spawn(move || {
                // An error is what the drop of the other side looks like.
                let _ = runtime.block_on(dropped);
            })?;
        Ok(Self {
            handle,
            _alive: alive,
        })
    }

    pub(super) fn handle(&self) -> Handle {
        self.handle.clone()
    }

    pub(super) fn spawn<T: Send + 'static>(
        &self,
        task: impl Future<Output = T> + Send + 'static,
    ) -> JoinHandle<T> {
        self.handle.spawn(task)
    }
}
