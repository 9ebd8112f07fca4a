//! What the tests share: a store, a clock, and a book in which the effects of steps are written.

use std::sync::{Arc, Mutex, PoisonError};

use durable::{
    __private::Definition, EngineBuilder, Workflow, graph::Registry, journal::EventKind,
    prelude::*, store::MemoryStore, testing::VirtualClock,
};

use super::lifecycle::Unheard;

/// The effects of steps, in order.
#[derive(Debug, Clone, Default)]
pub(crate) struct Book(Arc<Mutex<Vec<String>>>);

impl Book {
    pub(crate) fn write(&self, line: impl Into<String>) {
        let mut lines = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        lines.push(line.into());
    }

    pub(crate) fn lines(&self) -> Vec<String> {
        self.0
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }
}

/// A database, the time, and the world outside; they outlive engines.
#[derive(Debug, Default)]
pub(crate) struct World {
    pub(crate) store: MemoryStore,
    pub(crate) clock: VirtualClock,
    pub(crate) book: Book,
}

impl World {
    /// An engine with every workflow of this program.
    pub(crate) async fn engine(&self) -> Engine {
        self.start(Engine::builder()).await
    }

    /// An engine of another build of the program: in it, `name` is what `W` is in this one.
    pub(crate) async fn build<W: Workflow>(&self, name: &'static str) -> Engine {
        let registry = Registry::of([renamed::<W>(name)]).unwrap();
        self.start(Engine::builder().registry(registry)).await
    }

    /// An engine with settings of its own.
    pub(crate) async fn start(&self, builder: EngineBuilder) -> Engine {
        builder
            .clock(self.clock.clone())
            .state(self.clock.clone())
            .state(self.book.clone())
            .state(Unheard)
            .start(self.store.clone())
            .await
            .unwrap()
    }
}

/// The definition of `W` under another name.
pub(crate) fn renamed<W: Workflow>(name: &'static str) -> &'static Definition {
    let linked = Registry::linked().unwrap();
    let of = linked.find(W::NAME).unwrap();
    Box::leak(Box::new(Definition { name, ..*of }))
}

/// The names of a run's events, with their steps: `step_completed charge`.
pub(crate) async fn history(engine: &Engine, run: &str) -> Vec<String> {
    let events = engine.client().history(run).await.unwrap();
    events
        .iter()
        .map(|event| match &event.step {
            Some(step) => format!("{} {step}", event.kind.name()),
            None => event.kind.name().to_owned(),
        })
        .collect()
}

/// How often something is in a run's journal.
pub(crate) async fn count(engine: &Engine, run: &str, is: impl Fn(&EventKind) -> bool) -> usize {
    let events = engine.client().history(run).await.unwrap();
    events.iter().filter(|event| is(&event.kind)).count()
}
