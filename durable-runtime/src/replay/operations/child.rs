//! Child runs.

use super::{Begun, Place, Work};
use crate::{
    failure::{Failure, FailureKind},
    journal::{EventKind, MailId, RunId, StepId},
    random::derive,
    record::{ChildOutcome, MailKind, MailTarget, NewMail, NewRun, Parent},
    replay::{Machine, Resolution, operation::State},
};

/// To start a child run and wait for its end.
#[derive(Debug)]
pub struct ChildWork {
    /// The child's workflow.
    pub workflow: &'static str,
    /// Its input, or why there is none.
    pub input: Resolution,
}

impl Work for ChildWork {
    fn noun(&self) -> &'static str {
        "child"
    }

    fn begin(&mut self, place: &mut Place<'_>) -> Begun {
        if place.is_new() {
            self.start(place);
        }
        Begun::Done
    }

    fn deliver(&mut self, place: &mut Place<'_>, event: EventKind) -> Result<(), EventKind> {
        match event {
            EventKind::ChildStarted { .. } => place.set(State::Waiting {
                until: None,
                from_outside: true,
            }),
            EventKind::ChildCompleted { output } => place.resolve(Ok(output)),
            EventKind::ChildFailed { failure } => place.resolve(Err(failure)),
            EventKind::ChildCanceled => {}
            other => return Err(other),
        }
        Ok(())
    }

    fn leaves_traces(&self, _: &Place<'_>) -> bool {
        true
    }

    /// A child that nobody waits for any more is asked to cancel.
    fn settle(&mut self, place: &mut Place<'_>) {
        let id = place.id().clone();
        place.machine.cancel_child(&id);
    }
}

impl ChildWork {
    fn start(&self, place: &mut Place<'_>) {
        let id = place.id().clone();
        let machine = &mut *place.machine;
        let child = machine.identity.id.child(&id);
        let is_too_deep = child.as_str().len() > RunId::CHILD_MAX_LEN;
        let input = self.input.clone();
        let input = match input.and_then(|input| machine.check_size(input)) {
            Ok(input) if !is_too_deep => input,
            refused => {
                let failure = refused.err().unwrap_or_else(|| too_deep(&child));
                let failure = failure.at_step(&id, 0);
                return place.propose(EventKind::ChildFailed { failure });
            }
        };
        machine.children.push(NewRun {
            id: child.clone(),
            workflow: self.workflow.to_owned(),
            input,
            seed: derive(machine.identity.seed, id.as_str()),
            at: machine.wall,
            parent: Some(Parent {
                run: machine.identity.run,
                step: id,
            }),
            owner: Some(machine.identity.worker),
        });
        place.propose(EventKind::ChildStarted { child });
    }
}

/// Why a child is not started: each level of children and of scopes adds to its id.
fn too_deep(child: &RunId) -> Failure {
    let (bytes, most) = (child.as_str().len(), RunId::CHILD_MAX_LEN);
    let message = format!(
        "the child's id, made of its parent's and the names of the scopes and steps on the way, would have \
         {bytes} bytes and the limit is {most}; nest fewer levels, use shorter names, or start a run of \
         its own with `Client::start` in a step"
    );
    Failure::new(FailureKind::Limit, message).permanent()
}

impl Machine {
    /// A child has ended, as the mail says that it sent.
    pub(in crate::replay) fn take_child(
        &mut self,
        id: MailId,
        step: StepId,
        outcome: ChildOutcome,
    ) {
        self.consumed.push(id);
        // A second copy of the same result finds the child gone.
        if !self.ledger.children.contains_key(&step) {
            return;
        }
        let kind = match outcome {
            Ok(output) => EventKind::ChildCompleted { output },
            Err(failure) => EventKind::ChildFailed {
                failure: failure.at_step(&step, 0),
            },
        };
        self.propose(Some(step), kind);
    }

    /// Asks every child that still runs to cancel.
    pub(in crate::replay) fn cancel_children(&mut self) {
        let children: Vec<_> = self.ledger.children.keys().cloned().collect();
        children.iter().for_each(|step| self.cancel_child(step));
    }

    /// Asks a child to cancel, once.
    fn cancel_child(&mut self, step: &StepId) {
        let Some(child) = self.ledger.children.get(step) else {
            return;
        };
        if child.canceled {
            return;
        }
        self.outgoing.push(NewMail {
            to: MailTarget::Id(child.id.clone()),
            kind: MailKind::Cancel,
            at: self.wall,
        });
        self.propose(Some(step.clone()), EventKind::ChildCanceled);
    }
}
