//! Journals that are replayed as a whole, and gone on with from every position.

use std::collections::BTreeMap;

use durable::journal::{Event, EventKind, Timestamp};
use durable_tests::simulation::{Case, RUN, Simulation, faults, left_standing};
use proptest::prelude::*;

use crate::{
    programs::{block_on, case, tries, undisturbed},
    rebuilt::rebuild,
};

/// Runs a case to its end, and gives the journal of its run.
async fn run_to_end(simulation: &Simulation, case: &Case) -> Vec<Event> {
    let engine = simulation.engine(simulation.store.clone()).await.unwrap();
    simulation.finish(&engine, case).await.unwrap();
    engine.shutdown().await.unwrap();
    simulation.journals().await.unwrap().remove(RUN).unwrap()
}

async fn original(case: &Case) -> (Simulation, Vec<Event>) {
    let simulation = Simulation::default();
    simulation.insert(case).await.unwrap();
    let journal = run_to_end(&simulation, case).await;
    let effects = simulation.effects.counts();
    let journals = simulation.journals().await.unwrap();
    assert_eq!(faults(&journals, &effects, 1), Vec::<String>::new());
    let standing = left_standing(&journals, &simulation.effects);
    assert_eq!(standing, Vec::<String>::new());
    (simulation, journal)
}

/// What is left to do when all but the end of a run is recorded.
pub async fn replay(case: &Case) {
    let (simulation, journal) = original(case).await;
    let (end, rest) = journal.split_last().unwrap();
    let replayed = rebuild(case, rest, end.at, &simulation.store).await;
    // Nobody cancels it a second time.
    let case = Case {
        cancel_after: None,
        ..case.clone()
    };
    let again = run_to_end(&replayed, &case).await;
    assert_eq!(again, journal);
    assert_eq!(replayed.effects.counts(), BTreeMap::new());
}

/// Goes on from every position.
pub async fn cut(case: &Case) {
    let (simulation, journal) = original(case).await;
    for position in 0..journal.len() {
        let (recorded, _) = journal.split_at(position);
        let now = recorded.last().map_or(Timestamp::MIN, |event| event.at);
        let resumed = rebuild(case, recorded, now, &simulation.store).await;
        let again = run_to_end(&resumed, case).await;
        assert_eq!(again[..position], *recorded, "cut at {position}");
        let effects = resumed.effects.counts();
        for event in recorded {
            no_effects_of(event, &effects);
        }
        let journals = BTreeMap::from([(RUN.to_owned(), again.clone())]);
        assert_eq!(
            order_faults(&journals),
            Vec::<String>::new(),
            "cut at {position}"
        );
        same_beginning(&journal, &again, recorded);
    }
}

/// A step whose end is recorded is not executed again, nor is a compensation.
fn no_effects_of(event: &Event, effects: &BTreeMap<String, u32>) {
    let purpose = match event.kind {
        EventKind::StepCompleted { .. }
        | EventKind::StepFailed { .. }
        | EventKind::StepInterrupted { .. } => "",
        EventKind::Compensated => "/compensate",
        _ => return,
    };
    let step = event.step.as_ref().unwrap();
    let key = format!("{RUN}/{step}{purpose}-");
    let again = effects.keys().find(|known| known.starts_with(&key));
    assert_eq!(again, None);
}

/// The faults of the journal alone: what it says was executed in part before the cut.
fn order_faults(journals: &BTreeMap<String, Vec<Event>>) -> Vec<String> {
    let mut found = faults(journals, &BTreeMap::new(), 1);
    found.retain(|fault| !fault.contains("was executed"));
    found
}

/// What a body saw before the cut it sees again.
fn same_beginning(journal: &[Event], again: &[Event], recorded: &[Event]) {
    let (Some(last), Some(seen), Some(seen_again)) = (recorded.last(), seen(journal), seen(again))
    else {
        return;
    };
    let before_cut = |what: &&String| time_of(what) < last.at.as_micros();
    let sure: Vec<_> = seen.iter().take_while(before_cut).collect();
    let seen_again: Vec<_> = seen_again.iter().take(sure.len()).collect();
    assert_eq!(sure, seen_again);
}

/// What a body has seen; `None` when its run was canceled.
fn seen(journal: &[Event]) -> Option<Vec<String>> {
    match &journal.last()?.kind {
        EventKind::Completed { output } => output.decode().ok(),
        EventKind::Failed { failure } => failure.details().ok()?,
        _ => None,
    }
}

fn time_of(seen: &str) -> i64 {
    let (_, time) = seen.rsplit_once(" at ").unwrap();
    time.split_once(' ').unwrap().0.parse().unwrap()
}

proptest! {
    #![proptest_config(tries(300))]

    #[test]
    fn a_whole_journal_replays_to_the_same_end_without_effects(case in case()) {
        block_on(replay(&case));
    }
}

proptest! {
    #![proptest_config(tries(32))]

    #[test]
    fn a_journal_is_gone_on_with_from_every_position(case in undisturbed()) {
        block_on(cut(&case));
    }
}
