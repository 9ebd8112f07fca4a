//! Listens to everything that is said in this program.

use std::{
    collections::BTreeMap,
    fmt,
    sync::{Arc, Mutex, OnceLock, PoisonError},
};

use tracing::{
    Event, Subscriber,
    field::{Field, Visit},
    span::{Attributes, Id},
};
use tracing_subscriber::{
    Layer, Registry,
    layer::{Context, SubscriberExt},
    registry::LookupSpan,
};

use super::promise;

pub(crate) type Fields = BTreeMap<String, String>;

/// One event, and the spans around it from the outside in.
#[derive(Debug, Clone)]
pub(crate) struct Line {
    pub(crate) name: String,
    pub(crate) level: String,
    pub(crate) target: String,
    pub(crate) fields: Fields,
    pub(crate) spans: Vec<(&'static str, Fields)>,
}

impl Line {
    pub(crate) fn field(&self, name: &str) -> &str {
        self.fields.get(name).map_or("", String::as_str)
    }

    /// The run it belongs to, by its own field or by a span around it.
    fn run(&self) -> Option<&str> {
        let spans = self.spans.iter().rev().map(|(_, fields)| fields);
        let mut all = std::iter::once(&self.fields).chain(spans);
        all.find_map(|fields| fields.get("run")).map(String::as_str)
    }
}

/// What was said so far.
#[derive(Debug, Clone, Default)]
pub(crate) struct Listener(Arc<Mutex<Vec<Line>>>);

impl Listener {
    /// The one of this program: listens from the first call on.
    pub(crate) fn of_this_program() -> Self {
        static LISTENER: OnceLock<Listener> = OnceLock::new();
        let listener = LISTENER.get_or_init(|| {
            let listener = Self::default();
            let all = Registry::default().with(listener.clone());
            tracing::subscriber::set_global_default(all).unwrap();
            listener
        });
        listener.clone()
    }

    pub(crate) fn all(&self) -> Vec<Line> {
        let lines = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let lines = lines.clone();
        lines.iter().for_each(promise::check);
        lines
    }

    /// What belongs to a run: of the engine's, and of its body and steps.
    pub(crate) fn of_run(&self, run: &str) -> Vec<Line> {
        let mut lines = self.all();
        lines.retain(|line| line.run() == Some(run));
        lines
    }

    /// The lines of a run with this text.
    pub(crate) fn said(&self, run: &str, message: &str) -> Vec<Line> {
        let mut lines = self.of_run(run);
        lines.retain(|line| line.field("message") == message);
        lines
    }

    /// The events of a run with this name.
    pub(crate) fn named(&self, run: &str, name: &str) -> Vec<Line> {
        let mut lines = self.of_run(run);
        lines.retain(|line| line.name == name);
        lines
    }
}

struct Collect<'f>(&'f mut Fields);

impl Visit for Collect<'_> {
    fn record_str(&mut self, field: &Field, value: &str) {
        self.0.insert(field.name().to_owned(), value.to_owned());
    }

    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        self.0.insert(field.name().to_owned(), format!("{value:?}"));
    }
}

impl<S: Subscriber + for<'s> LookupSpan<'s>> Layer<S> for Listener {
    fn on_new_span(&self, attributes: &Attributes<'_>, id: &Id, ctx: Context<'_, S>) {
        let mut fields = Fields::new();
        attributes.record(&mut Collect(&mut fields));
        if let Some(span) = ctx.span(id) {
            span.extensions_mut().insert(fields);
        }
    }

    fn on_event(&self, event: &Event<'_>, ctx: Context<'_, S>) {
        let mut fields = Fields::new();
        event.record(&mut Collect(&mut fields));
        let scope = ctx.event_scope(event).into_iter();
        let spans = scope.flat_map(|scope| scope.from_root()).map(|span| {
            let fields = span.extensions().get::<Fields>().cloned();
            (span.name(), fields.unwrap_or_default())
        });
        let line = Line {
            name: event.metadata().name().to_owned(),
            level: event.metadata().level().to_string(),
            target: event.metadata().target().to_owned(),
            fields,
            spans: spans.collect(),
        };
        let mut lines = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        lines.push(line);
    }
}
