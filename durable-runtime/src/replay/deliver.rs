//! Delivery: events reach the body in journal order, one at a time.

use super::{
    Machine, Nondeterminism,
    operation::{Operation, OperationIndex, State},
};
use crate::{
    graph::Located,
    journal::{Event, EventKind, Owner},
};

impl Machine {
    /// Delivers the next event. `false` when none is left.
    ///
    /// # Errors
    ///
    /// When the body has not asked for the event's operation, or asked for another kind.
    pub(super) fn deliver_next(&mut self) -> Result<bool, Nondeterminism> {
        if let Some(fault) = &self.fault {
            return Err(fault.clone());
        }
        let Some(event) = self.undelivered.pop_front() else {
            return Ok(false);
        };
        self.now = event.at;
        if let Some(step) = &event.step {
            let asked = self.operations.find(step);
            let Some(index) = asked.filter(|index| self.fits(*index, &event.kind)) else {
                return Err(self.not_asked(&event));
            };
            self.deliver(index, event)?;
        }
        self.delivered += 1;
        Ok(true)
    }

    /// Whether the body has asked for an operation of the kind that an event belongs to.
    fn fits(&self, index: OperationIndex, event: &EventKind) -> bool {
        let noun = self.operations[index].noun();
        noun.is_some_and(|noun| event.owner().is_operation(noun))
    }

    fn deliver(&mut self, index: OperationIndex, event: Event) -> Result<(), Nondeterminism> {
        let Event { at, step, kind } = event;
        if self.operations[index].is_dropped() {
            // The body let go of it: recorded, and delivered to nobody.
            self.with(index, |work, _| work.pass(&kind));
            return Ok(());
        }
        match self.with(index, |work, place| work.deliver(place, kind)) {
            Some(Err(kind)) => Err(self.not_asked(&Event { at, step, kind })),
            Some(Ok(())) | None => Ok(()),
        }
    }

    /// Checks a recorded event against the graph, before any user code runs.
    pub(super) fn check_recorded(
        &self,
        position: u32,
        event: &Event,
    ) -> Result<(), Nondeterminism> {
        let Some(step) = &event.step else {
            return Ok(());
        };
        let graph = self.identity.blueprint.graph();
        let attempted = match graph.locate(step) {
            None => format!("no operation named `{}` in this build", step.path()),
            Some(Located { operation, .. }) => {
                let noun = operation.kind.noun();
                let owner = event.kind.owner();
                if !matches!(owner, Owner::Operation(_)) || owner.is_operation(noun) {
                    return Ok(());
                }
                format!("`{}` as a {noun}", operation.name)
            }
        };
        Err(Nondeterminism::not_asked(
            position,
            event,
            attempted,
            self.source_of(Some(step)),
        ))
    }

    fn not_asked(&self, event: &Event) -> Nondeterminism {
        let asked = self
            .operations
            .iter()
            .filter(|operation| operation.is_outstanding())
            .take(5)
            .filter_map(|operation| {
                let noun = operation.noun()?;
                Some(format!("{noun} `{}`", operation.id))
            })
            .collect::<Vec<_>>();
        let attempted = match (asked.as_slice(), &self.body_result) {
            (_, Some(Ok(_))) => "to complete the run".to_owned(),
            (_, Some(Err(failure))) => format!("to fail the run: {failure}"),
            ([], None) => "nothing".to_owned(),
            (asked, None) => asked.join(", "),
        };
        let source = self.source_of(event.step.as_ref());
        Nondeterminism::not_asked(self.delivered, event, attempted, source)
    }

    /// What to say when the body awaits something that is not durable; `None` when it does not.
    pub(super) fn foreign_await(&self) -> Option<Nondeterminism> {
        let idle = self.operations.counts().outstanding == 0
            && self.undelivered.is_empty()
            && self.body_result.is_none()
            && self.ledger.cause.is_none();
        idle.then(|| Nondeterminism::foreign_await(self.last_taken()))
    }

    /// What to say of user code that broke: a panic, or an input that does not decode.
    pub(super) fn broken(&self, what: &str) -> Nondeterminism {
        Nondeterminism::broken(what.to_owned(), self.last_taken())
    }

    /// How far the body has come, for messages.
    fn last_taken(&self) -> String {
        let is_taken = |operation: &&Operation| *operation.state() == State::Taken;
        let last = self.operations.iter().rfind(is_taken);
        let source = self.source_of(last.map(|operation| &operation.id));
        match last {
            Some(operation) => format!("{source}, after `{}`", operation.id),
            None => source,
        }
    }
}

impl Operation {
    /// The noun of its kind; `None` until the body asks for it.
    fn noun(&self) -> Option<&'static str> {
        self.work.as_ref().map(|work| work.noun())
    }
}
