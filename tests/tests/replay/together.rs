//! Mail that came while no worker had the run, all of it found at once: ends of children, signals and a
//! cancellation, in every order.

use durable::{
    Clock, Failure, FailureKind,
    journal::{Event, EventKind, Payload, RunId, StepId},
    store::{Batch, MailKind, MailTarget, NewMail, Store},
};
use durable_tests::{
    crashing::{CrashingStore, Moment},
    program::Op,
    simulation::{Case, RUN, Simulation, faults, left_standing},
};
use proptest::prelude::*;

use crate::programs::{block_on, case, tries};

/// What a run finds in its mailbox, and in which order.
#[derive(Debug, Clone)]
struct Finds {
    /// Whether its children have ended: a bit for each.
    children: u8,
    /// Where cancellations stand among the rest, and whether they abandon the rollback.
    cancels: Vec<(prop::sample::Index, bool)>,
    /// How the rest is ordered.
    turn: prop::sample::Index,
}

fn finds() -> impl Strategy<Value = Finds> {
    let cancels = prop::collection::vec(
        (any::<prop::sample::Index>(), prop::bool::weighted(0.2)),
        0..3,
    );
    (any::<u8>(), cancels, any::<prop::sample::Index>()).prop_map(|(children, cancels, turn)| {
        Finds {
            children,
            cancels,
            turn,
        }
    })
}

/// A program that has something to undo, and several children under way at once.
fn parent() -> impl Strategy<Value = Case> {
    let waits = prop_oneof![
        Just(Op::Signal { name: 0 }),
        (1..20_000u32).prop_map(|millis| Op::Sleep { name: 0, millis }),
        Just(Op::Sequence(Vec::new())),
    ];
    let child = waits.prop_map(|wait| Op::Child { body: vec![wait] });
    let children = prop::collection::vec(child, 2..5);
    let together = (children, 0..3u8).prop_map(|(children, how)| match how {
        0 => Op::Join(children),
        1 => Op::TryJoin(children),
        _ => Op::Race(children),
    });
    (case(), together).prop_map(|(mut case, together)| {
        let step = Op::Step {
            name: 0,
            failures: 0,
            yields: 1,
            compensated: true,
        };
        case.program = vec![step, together];
        case
    })
}

/// The children that a journal says are running.
fn running_children(events: &[Event]) -> Vec<StepId> {
    let mut running = Vec::new();
    for event in events {
        match (&event.kind, &event.step) {
            (EventKind::ChildStarted { .. }, Some(step)) => running.push(step.clone()),
            (EventKind::ChildCompleted { .. } | EventKind::ChildFailed { .. }, Some(step)) => {
                running.retain(|known| known != step);
            }
            _ => {}
        }
    }
    running
}

impl Finds {
    fn mail(&self, case: &Case, events: &[Event]) -> Vec<MailKind> {
        let children = running_children(events).into_iter().enumerate();
        let ended = children.filter(|(number, _)| self.children >> (number % 8) & 1 == 1);
        let mut mail: Vec<_> = ended
            .map(|(number, step)| MailKind::Child {
                step,
                outcome: match number % 2 {
                    0 => Ok(Payload::from_bytes(*b"[]")),
                    _ => Err(Failure::new(FailureKind::Application, "it failed")),
                },
            })
            .collect();
        mail.extend(
            case.mail(durable::journal::Timestamp::MIN)
                .map(|mail| mail.kind),
        );
        if !mail.is_empty() {
            let turn = self.turn.index(mail.len());
            mail.rotate_left(turn);
        }
        for (place, abandons) in &self.cancels {
            let kind = match abandons {
                true => MailKind::AbandonRollback,
                false => MailKind::Cancel,
            };
            mail.insert(place.index(mail.len() + 1), kind);
        }
        mail
    }
}

/// Runs a case on a worker that dies at its commit number `nth`, puts the mail into the mailbox, and goes on with a
/// worker that dies at the commit number `again`, and then on one that does not. `false` when the first one
/// did not get that far.
async fn found_together(case: &Case, finds: &Finds, nth: i64, again: i64) -> bool {
    let simulation = Simulation::default();
    simulation.insert(case).await.unwrap();
    if !lives_until(&simulation, case, nth).await {
        return false;
    }
    let run = RunId::from_recorded(RUN);
    let record = simulation.store.find(&run).await.unwrap().unwrap();
    let events = simulation.store.history(record.run).await.unwrap();
    let at = simulation.clock.now();
    let mail = finds.mail(case, &events).into_iter().map(|kind| NewMail {
        to: MailTarget::Key(record.run),
        kind,
        at,
    });
    let batch = Batch {
        mail: mail.collect(),
        ..Batch::default()
    };
    simulation.store.commit(&batch).await.unwrap();
    lives_until(&simulation, case, again).await;
    let engine = simulation.engine(simulation.store.clone()).await.unwrap();
    simulation.finish(&engine, case).await.unwrap();
    engine.shutdown().await.unwrap();
    // Each run that was rolled back has undone what it did, or may have done, in reverse order.
    let journals = simulation.journals().await.unwrap();
    if let Some(left) = abandoned(&journals[RUN]) {
        assert_eq!(left, Vec::<StepId>::new(), "{journals:?}");
        return true;
    }
    let mut found = faults(&journals, &simulation.effects.counts(), 3);
    found.append(&mut left_standing(&journals, &simulation.effects));
    assert_eq!(found, Vec::<String>::new(), "{journals:?}");
    true
}

async fn lives_until(simulation: &Simulation, case: &Case, nth: i64) -> bool {
    let store = CrashingStore::new(simulation.store.clone(), nth, Moment::After);
    let engine = simulation.engine(store.clone()).await.unwrap();
    let died = tokio::select! {
        () = store.died() => true,
        finished = simulation.finish(&engine, case) => {
            finished.unwrap();
            false
        }
    };
    drop(engine);
    if died {
        simulation.outlive_leases().await;
    }
    died
}

/// Of a rollback that was abandoned: the completed steps that were neither undone nor named.
fn abandoned(events: &[Event]) -> Option<Vec<StepId>> {
    let steps = |wanted: &str| {
        let of_kind = events.iter().filter(|event| event.kind.name() == wanted);
        let steps = of_kind.filter_map(|event| event.step.clone());
        steps.collect::<Vec<_>>()
    };
    let abandoned = |event: &Event| event.kind == EventKind::RollbackAbandoned;
    events.iter().find(|event| abandoned(event))?;
    let mut told = steps("compensated");
    if let EventKind::Failed { failure } = &events.last()?.kind {
        let left = failure.compensations().iter();
        told.extend(left.filter_map(|left| left.step().cloned()));
    }
    let mut left = steps("step_completed");
    left.retain(|step| step.name().starts_with("saga_") && !told.contains(step));
    Some(left)
}

proptest! {
    #![proptest_config(tries(48))]

    #[test]
    fn a_run_ends_whatever_it_finds_in_its_mailbox_at_once(
        case in prop_oneof![case(), parent()],
        finds in finds(),
        again in 1..6_i64,
    ) {
        let case = Case { cancel_after: None, ..case };
        block_on(async {
            let mut nth = 1;
            while found_together(&case, &finds, nth, again).await {
                nth += 1;
            }
        });
    }
}
