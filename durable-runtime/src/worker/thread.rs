//! The thread that store I/O, timers and heartbeats run on: the store's, if it has one.

use std::{io, sync::Arc, thread};

use tokio::{
    runtime,
    sync::{mpsc, oneshot},
};

use super::{Request, Shared, dispatcher::Dispatcher};

/// A running dispatcher. Dropping it tells it to stop without waiting.
#[derive(Debug)]
pub(crate) struct WorkerThread {
    shared: Arc<Shared>,
    stop: Option<oneshot::Sender<()>>,
}

impl WorkerThread {
    /// Starts the thread.
    pub(crate) fn spawn(
        shared: Arc<Shared>,
        requests: mpsc::UnboundedReceiver<Request>,
    ) -> io::Result<Self> {
        let (stop, stopped) = oneshot::channel::<()>();
        let dispatcher = Dispatcher::new(Arc::clone(&shared), requests);
        let work = async {
            tokio::select! {
                () = dispatcher.run() => {}
                _ = stopped => {}
            }
        };
        match shared.store.runtime() {
            Some(runtime) => drop(runtime.spawn(work)),
            None => {
                let runtime = runtime::Builder::new_current_thread()
                    .enable_all()
                    .build()?;
                // A task: waking what `block_on` itself polls is a system call each time.
                let work = runtime.spawn(work);
                thread::Builder::new()
                    .name("durable-worker".to_owned())
                    .spawn(move || runtime.block_on(work))?;
            }
        }
        Ok(Self {
            shared,
            stop: Some(stop),
        })
    }

    /// Shuts down in good order.
    pub(crate) async fn shut_down(&self) {
        let (reply, done) = oneshot::channel();
        if self.shared.request(Request::Shutdown { reply }) {
            // An error means that the thread has ended, which is what was asked for.
            let _ = done.await;
        }
    }
}

impl Drop for WorkerThread {
    fn drop(&mut self) {
        self.shared.stop();
        self.shared.abandon();
        if let Some(stop) = self.stop.take() {
            let _ = stop.send(());
        }
    }
}
