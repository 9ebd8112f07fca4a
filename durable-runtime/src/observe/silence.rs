//! Silence while a body is replayed: what it says then, it has said before.

use std::sync::LazyLock;

use tracing::{
    Dispatch, Event, Metadata, Subscriber, dispatcher,
    level_filters::LevelFilter,
    span::{Attributes, Id, Record},
    subscriber::Interest,
};

/// Calls user code with nobody listening to what it says through `tracing` on this thread. When nobody
/// listens anyway, that is all.
pub(crate) fn silently<T>(call: impl FnOnce() -> T) -> T {
    if LevelFilter::current() == LevelFilter::OFF {
        return call();
    }
    static NOBODY: LazyLock<Dispatch> = LazyLock::new(|| Dispatch::new(Nobody));
    dispatcher::with_default(&NOBODY, call)
}

/// Listens to nothing. Unlike `Dispatch::none()` it may be the first that a place in the code speaks to:
/// `tracing` remembers whether anybody listens to a place, and must not remember that nobody does.
struct Nobody;

impl Subscriber for Nobody {
    /// What others are interested in is theirs to say: a place of which all say the same costs the least.
    fn register_callsite(&self, place: &'static Metadata<'static>) -> Interest {
        dispatcher::get_default(|others| others.register_callsite(place))
    }

    fn max_level_hint(&self) -> Option<LevelFilter> {
        Some(LevelFilter::OFF)
    }

    fn enabled(&self, _: &Metadata<'_>) -> bool {
        false
    }

    fn new_span(&self, _: &Attributes<'_>) -> Id {
        Id::from_u64(u64::MAX)
    }

    fn record(&self, _: &Id, _: &Record<'_>) {}

    fn record_follows_from(&self, _: &Id, _: &Id) {}

    fn event(&self, _: &Event<'_>) {}

    fn enter(&self, _: &Id) {}

    fn exit(&self, _: &Id) {}
}
