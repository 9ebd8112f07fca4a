//! How an engine ends, and what everybody is told who asks it afterwards.

use std::{sync::atomic::Ordering, time::Duration};

use super::Shared;
use crate::{
    error::{Error, ErrorKind},
    observe,
};

/// Where an engine is in its life.
#[derive(Debug, Clone)]
pub(crate) enum Life {
    Running,
    /// It is shut down, and winds down no longer than until then, by steady time.
    Stopping {
        by: Duration,
    },
    Ended(End),
}

/// Why an engine has ended.
#[derive(Debug, Clone)]
pub(crate) enum End {
    ShutDown,
    Dropped,
    /// The runtime has ended that user code runs on.
    RuntimeGone,
    /// The dispatcher has panicked.
    Broken(String),
}

impl End {
    /// Whether it is a fault that somebody has to mend, and that nobody asked for.
    fn is_trouble(&self) -> bool {
        match self {
            Self::ShutDown | Self::Dropped => false,
            Self::RuntimeGone | Self::Broken(_) => true,
        }
    }

    /// In words, of what ends: an engine, or a client on a database alone.
    fn told(&self, what: &str, afterwards: &str) -> String {
        match self {
            Self::ShutDown => format!("the {what} was shut down; {afterwards}"),
            Self::Dropped => format!("the {what} was dropped; {afterwards}"),
            Self::RuntimeGone => format!(
                "the tokio runtime that the {what} was opened on has ended, and its steps ran there; open \
                 the {what} on a runtime that lives as long as it does, in tests one in each test; \
                 {afterwards}"
            ),
            Self::Broken(panic) => format!(
                "the {what} is broken, because its store, its clock or the {what} itself has panicked: \
                 {panic}; {afterwards}"
            ),
        }
    }
}

impl Shared {
    /// Begins the shutdown: nothing new is taken, no step starts, and what runs has the grace to finish.
    pub(super) fn begin_shutdown(&self) {
        let by = self.steady.now() + self.tuning.shutdown_grace;
        self.life.send_if_modified(|life| {
            let runs = matches!(life, Life::Running);
            if runs {
                *life = Life::Stopping { by };
            }
            runs
        });
        self.stopping.store(true, Ordering::Release);
    }

    /// When the shutdown that has begun is to be over.
    pub(super) fn stops_by(&self) -> Duration {
        match *self.life.borrow() {
            Life::Stopping { by } => by,
            Life::Running | Life::Ended(_) => Duration::ZERO,
        }
    }

    /// The engine has ended: its runs leave memory, and everybody is told who waits. What is told is why it
    /// ended first.
    pub(super) fn end(&self, end: End) {
        self.stopping.store(true, Ordering::Release);
        let trouble = end.is_trouble().then(|| self.told(&end));
        let is_first = self.life.send_if_modified(|life| {
            let lives = !matches!(life, Life::Ended(_));
            if lives {
                *life = Life::Ended(end);
            }
            lives
        });
        if !is_first {
            return;
        }
        if let Some(trouble) = trouble {
            observe::worker::broken(&trouble);
            self.trouble.send_replace(Some(trouble));
        }
        self.drop_all();
        self.residents.tell_shut_down();
        self.batches.send_modify(|batches| *batches += 1);
    }

    /// Resolves when the engine begins to end.
    pub(crate) async fn stops(&self) {
        let mut life = self.life.subscribe();
        // The sender lives as long as this does.
        let _ = life.wait_for(|life| !matches!(life, Life::Running)).await;
    }

    /// What is said to those whom the engine did not answer: it ends, and why is known in a moment.
    pub(crate) async fn unanswered(&self) -> Error {
        let mut life = self.life.subscribe();
        // An error means that the engine is gone.
        drop(life.wait_for(|life| matches!(life, Life::Ended(_))).await);
        self.ended()
    }

    fn told(&self, end: &End) -> String {
        if self.drives() {
            end.told(
                "engine",
                "nothing is lost, runs go on when an engine is opened again",
            )
        } else {
            end.told("client", "no run is harmed, and another client can be made")
        }
    }

    /// What is said to those who ask an engine that ends.
    pub(crate) fn ended(&self) -> Error {
        let end = match &*self.life.borrow() {
            Life::Ended(end) => end.clone(),
            Life::Running | Life::Stopping { .. } => End::ShutDown,
        };
        Error::new(ErrorKind::ShutDown, self.told(&end))
    }
}
