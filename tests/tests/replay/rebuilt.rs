//! A database that holds the beginning of a journal, as a crash leaves it behind.

use durable::{
    Status,
    journal::{Epoch, Event, EventKind, RunId, RunKey, StepId, Timestamp},
    store::{
        Batch, Commit, MailKind, MailTarget, MemoryStore, NewMail, NewRun, NewWorker, Ownership,
        Parent, RunUpdate, StartOutcome, Store,
    },
    testing::VirtualClock,
};
use durable_tests::simulation::{Case, RUN, Simulation};

/// A simulation in which a case's run has come as far as these events, taken from `source`. Its worker
/// has signed off; the children that had not ended are at their beginning.
pub async fn rebuild(
    case: &Case,
    events: &[Event],
    at: Timestamp,
    source: &MemoryStore,
) -> Simulation {
    let simulation = Simulation {
        clock: VirtualClock::starting_at(at),
        ..Simulation::default()
    };
    let store = &simulation.store;
    let worker = store.register_worker(NewWorker::until(at)).await.unwrap();
    let owner = Some(worker);
    let original = source.find(&RunId::from_recorded(RUN)).await.unwrap();
    let started_at = original.unwrap().created_at;
    let start = NewRun {
        owner,
        ..case.new_run(started_at)
    };
    let starts = vec![start];
    let started = store
        .commit(&Batch {
            starts,
            ..Batch::default()
        })
        .await
        .unwrap();
    let StartOutcome::Created { run } = started.starts[0] else {
        panic!("{started:?}");
    };
    let mut children = Vec::new();
    for (step, id) in running_children(events) {
        children.push(child(source, run, step, id, at).await);
    }
    let commits = vec![Commit {
        run,
        created_at: started_at,
        epoch: Epoch::new(1),
        position: 0,
        events: events.to_vec(),
        update: status(events).map(|status| RunUpdate {
            status,
            ownership: Ownership::Keep,
            reason: None,
        }),
        children,
        consumed: Vec::new(),
        outgoing: canceled_children(events, at),
        at,
    }];
    let mail = unread(case, events, at);
    store
        .commit(&Batch {
            commits,
            mail,
            ..Batch::default()
        })
        .await
        .unwrap();
    store.retire_worker(worker).await.unwrap();
    simulation
}

fn status(events: &[Event]) -> Option<Status> {
    let rolls_back = |kind: &EventKind| {
        matches!(
            kind,
            EventKind::CancelRequested | EventKind::RollbackStarted { .. }
        )
    };
    let rolls_back = events.iter().any(|event| rolls_back(&event.kind));
    rolls_back.then_some(Status::Compensating)
}

/// The signals that the events have not taken.
fn unread(case: &Case, events: &[Event], at: Timestamp) -> Vec<NewMail> {
    let mut mail: Vec<_> = case.mail(at).collect();
    for event in events {
        let (EventKind::SignalReceived { .. }, Some(step)) = (&event.kind, &event.step) else {
            continue;
        };
        let taken = |mail: &NewMail| matches!(&mail.kind, MailKind::Signal { name, .. } if name == step.name());
        let first = mail.iter().position(taken).unwrap();
        mail.remove(first);
    }
    mail
}

fn running_children(events: &[Event]) -> Vec<(StepId, RunId)> {
    let mut children = Vec::new();
    for event in events {
        let Some(step) = &event.step else { continue };
        match &event.kind {
            EventKind::ChildStarted { child } => children.push((step.clone(), child.clone())),
            EventKind::ChildCompleted { .. } | EventKind::ChildFailed { .. } => {
                children.retain(|(known, _)| known != step);
            }
            _ => {}
        }
    }
    children
}

async fn child(
    source: &MemoryStore,
    parent: RunKey,
    step: StepId,
    id: RunId,
    at: Timestamp,
) -> NewRun {
    let known = source.find(&id).await.unwrap().unwrap();
    NewRun {
        id,
        workflow: known.workflow,
        input: known.input,
        seed: 7,
        at,
        parent: Some(Parent { run: parent, step }),
        owner: None,
    }
}

fn canceled_children(events: &[Event], at: Timestamp) -> Vec<NewMail> {
    let canceled = |step: &StepId| {
        let kind = EventKind::ChildCanceled;
        events
            .iter()
            .any(|event| event.kind == kind && event.step.as_ref() == Some(step))
    };
    let children = running_children(events).into_iter();
    let canceled = children.filter(|(step, _)| canceled(step));
    canceled
        .map(|(_, id)| NewMail {
            to: MailTarget::Id(id),
            kind: MailKind::Cancel,
            at,
        })
        .collect()
}
