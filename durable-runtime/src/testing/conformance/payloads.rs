//! Values at the edges: sizes, bytes, texts, times.

use super::{
    fixture::{
        CommitExt, Fallible, Fixture, at, commit, completed, event, id, mail, new_run, number,
        signal_kind,
    },
    run::CaseResult,
};
use crate::{
    failure::{Failure, FailureKind, StepError},
    journal::{Event, EventKind, Payload, RunId, StepId, Timestamp},
    status::Status,
    store::{MailKind, MailOutcome, MailTarget, NewMail, NewRun, RunQuery},
};

const MEBIBYTE: usize = 1 << 20;

/// Texts that trip whoever builds SQL, JSON or C strings out of them.
const TEXTS: [&str; 10] = [
    "'; DROP TABLE runs; --",
    "\" OR \"\"=\"",
    "$1 ? ?1 :name @name %s {} \\",
    "a'b\"c`d",
    "NULL",
    "-1e309",
    "\u{fffd}\u{feff}\u{200b}\u{202e}",
    "e\u{301} \u{1f469}\u{200d}\u{1f680} \u{10ffff}",
    "[1, \"two\", {\"three\": null}]",
    "trailing space ",
];

/// A journal of one completed step, a signal and an input with this payload come back the same.
async fn survives(f: &Fixture, name: &str, payload: Payload) -> CaseResult {
    let run = f.start_run(NewRun {
        input: payload.clone(),
        owner: Some(f.worker),
        ..new_run(name)
    });
    let run = run.await?;
    let kinds = [
        MailKind::Signal {
            name: "s".to_owned(),
            payload: payload.clone(),
        },
        MailKind::Child {
            step: StepId::from_recorded("c"),
            outcome: Ok(payload.clone()),
        },
    ];
    for kind in &kinds {
        f.deliver(mail(run, kind.clone())).await?;
    }
    let output = EventKind::StepCompleted {
        output: payload.clone(),
    };
    let events = [event("x", output)];
    let step = commit(run, 1, 0).events(events.clone());
    f.committed(step.release(Status::Suspended, Some(at(3)), 0))
        .await?;
    assert!(f.record(run).await?.input == payload);
    assert!(f.history(run).await? == events);
    let loaded = f.claim_one(at(3)).await?;
    assert!(loaded.input == payload && loaded.events == events);
    assert!(loaded.mail.into_iter().map(|mail| mail.kind).eq(kinds));
    Ok(())
}

pub(super) async fn an_empty_payload_is_kept(f: Fixture) -> CaseResult {
    survives(&f, "empty", Payload::from_bytes(Vec::new())).await
}

pub(super) async fn a_mebibyte_is_kept(f: Fixture) -> CaseResult {
    let text = "\u{e9}".repeat(MEBIBYTE / 2);
    survives(&f, "large", Payload::encode(&text)?).await
}

pub(super) async fn every_byte_is_kept(f: Fixture) -> CaseResult {
    let bytes: Vec<u8> = (0..=255).cycle().take(1_000).collect();
    survives(&f, "bytes", Payload::from_bytes(bytes)).await
}

pub(super) async fn every_plane_of_unicode_is_kept(f: Fixture) -> CaseResult {
    let text: String = (0..=0x0010_ffff)
        .step_by(257)
        .filter_map(char::from_u32)
        .collect();
    survives(&f, "unicode", Payload::encode(&text)?).await
}

pub(super) async fn json_is_kept_as_it_was_written(f: Fixture) -> CaseResult {
    let odd = r#"{ "b":1, "a" : 1.0,"a":2,"n":1e400,"u":"\u0000\ud83d\ude00" }"#;
    survives(&f, "json", Payload::from_bytes(odd.as_bytes())).await
}

pub(super) async fn ids_and_workflows_may_look_like_sql(f: Fixture) -> CaseResult {
    for (n, text) in TEXTS.into_iter().enumerate() {
        let run = f.start_run(NewRun {
            workflow: text.to_owned(),
            ..new_run(text)
        });
        let run = run.await?;
        let found = f.store().find(&id(text)).await?.ok_or("not found")?;
        assert_eq!((found.run, found.workflow.as_str()), (run, text));
        let to_id = NewMail {
            to: MailTarget::Id(id(text)),
            ..mail(run, MailKind::Cancel)
        };
        assert_eq!(f.deliver(to_id).await?.run, run);
        let query = RunQuery {
            workflow: Some(text.to_owned()),
            limit: 10,
            ..RunQuery::default()
        };
        assert_eq!(f.store().list(&query).await?.runs.len(), 1);
        assert_eq!(f.claim(at(0)).await?.len(), 1, "run {n}");
    }
    Ok(())
}

pub(super) async fn names_and_reasons_may_look_like_sql(f: Fixture) -> CaseResult {
    let run = f.start_owned("a").await?;
    let mut seen = Vec::new();
    let mut events = Vec::new();
    for text in TEXTS {
        f.deliver(mail(run, signal_kind(text, 1))).await?;
        seen.push(signal_kind(text, 1));
        events.push(Event {
            step: Some(StepId::from_recorded(text)),
            ..completed("x", 1)
        });
    }
    f.committed(commit(run, 1, 0).events(events.clone()))
        .await?;
    assert_eq!(f.mailbox(run).await?, seen);
    assert_eq!(f.history(run).await?, events);
    for (n, text) in TEXTS.into_iter().enumerate() {
        let run = f.start_owned(&format!("parked-{n}")).await?;
        let park = commit(run, 1, 0).release(Status::Parked, None, 0);
        f.committed(park.reason(text)).await?;
        assert_eq!(f.record(run).await?.reason.as_deref(), Some(text));
    }
    Ok(())
}

pub(super) async fn a_reason_may_hold_any_character(f: Fixture) -> CaseResult {
    let run = f.start_owned("a").await?;
    let reason = "panicked at \u{0}\u{1}\n\t\u{1b}[31mred";
    f.committed(
        commit(run, 1, 0)
            .release(Status::Parked, None, 0)
            .reason(reason),
    )
    .await?;
    let recorded = f.record(run).await?.reason.ok_or("no reason")?;
    // A database whose texts cannot hold a NUL keeps its place with another character.
    let plain = |text: &str| text.replace(['\u{0}', '\u{2400}'], "\u{fffd}");
    assert_eq!(plain(&recorded), plain(reason));
    Ok(())
}

pub(super) async fn an_id_with_a_nul_is_nobodys(f: Fixture) -> CaseResult {
    f.start("a").await?;
    for unknown in ["a\u{0}", "\u{0}", "a\u{0}b"] {
        assert_eq!(f.store().find(&id(unknown)).await?, None);
        let to_id = NewMail {
            to: MailTarget::Id(id(unknown)),
            ..mail(crate::journal::RunKey::new(0), MailKind::Cancel)
        };
        assert_eq!(f.send(to_id).await?, MailOutcome::UnknownRun);
    }
    let query = RunQuery {
        workflow: Some("flow\u{0}".to_owned()),
        limit: 10,
        ..RunQuery::default()
    };
    assert!(f.store().list(&query).await?.runs.is_empty());
    Ok(())
}

pub(super) async fn a_deep_childs_long_id_is_kept(f: Fixture) -> CaseResult {
    let mut run_id = RunId::new("r".repeat(RunId::MAX_LEN))?;
    for _ in 0..40 {
        run_id = run_id.child(&StepId::new(
            "a_scope_of_some_length",
            "a_step_of_some_length",
            7,
        ));
    }
    let run = f.start(run_id.as_str()).await?;
    let found = f.store().find(&run_id).await?;
    assert_eq!(found.map(|found| found.run), Some(run));
    assert_eq!(f.claim_one(at(0)).await?.id, run_id);
    Ok(())
}

pub(super) async fn the_longest_id_of_a_child_can_be_indexed(f: Fixture) -> CaseResult {
    // Noise: an index that compresses what it holds gains nothing.
    let noise: String = (0..)
        .map(|n| format!("{:016x}", crate::random::unit(n, 0).to_bits()))
        .take(RunId::CHILD_MAX_LEN / 16)
        .collect();
    assert_eq!(noise.len(), RunId::CHILD_MAX_LEN);
    let longest = RunId::from_recorded(&noise);
    let run = f.start(longest.as_str()).await?;
    let found = f.store().find(&longest).await?;
    assert_eq!(found.map(|found| found.run), Some(run));
    Ok(())
}

/// One event of each kind.
fn every_kind() -> Vec<EventKind> {
    let failure = rich_failure();
    let (output, due) = (number(1), at(77));
    vec![
        EventKind::StepCompleted {
            output: output.clone(),
        },
        EventKind::StepAttemptFailed {
            attempt: 3,
            failure: failure.clone(),
            retry_at: due,
        },
        EventKind::StepFailed {
            failure: failure.clone(),
        },
        EventKind::TimerArmed { due },
        EventKind::TimerFired,
        EventKind::SignalAwaited { due: None },
        EventKind::SignalAwaited { due: Some(due) },
        EventKind::SignalReceived {
            payload: output.clone(),
        },
        EventKind::ChildStarted { child: id("a/b") },
        EventKind::ChildCompleted {
            output: output.clone(),
        },
        EventKind::ChildFailed {
            failure: failure.clone(),
        },
        EventKind::ChildCanceled,
        EventKind::CancelRequested,
        EventKind::RollbackStarted {
            failure: failure.clone(),
        },
        EventKind::Compensated,
        EventKind::CompensationAttemptFailed {
            attempt: 1,
            failure: failure.clone(),
            retry_at: due,
        },
        EventKind::CompensationFailed {
            failure: failure.clone(),
        },
        EventKind::Completed { output },
        EventKind::Failed { failure },
        EventKind::Canceled,
        EventKind::StepStarted { attempt: 1 },
        EventKind::StepInterrupted { attempt: 2 },
        EventKind::CompensationStarted { attempt: u32::MAX },
        EventKind::RollbackAbandoned,
    ]
}

/// A failure with all that a failure can carry.
fn rich_failure() -> Failure {
    let error = StepError::new(std::io::Error::other("re\u{0}set \u{1f4a5} 'quoted'"))
        .permanent()
        .retry_after(std::time::Duration::from_millis(1_500))
        .details(&("typed", 7, None::<u8>));
    let compensation = Failure::new(FailureKind::Panicked, "refund\nfailed");
    Failure::from_error(Box::new(error), "T")
        .at_step(&StepId::new("billing", "charge", 2), 5)
        .with_compensations(vec![compensation])
}

pub(super) async fn every_kind_of_event_is_kept(f: Fixture) -> CaseResult {
    let run = f.start_owned("a").await?;
    let kinds = every_kind();
    let codes: std::collections::BTreeSet<i64> = kinds.iter().map(EventKind::code).collect();
    assert_eq!(
        codes.len(),
        EventKind::NAMES.len(),
        "a kind is missing here"
    );
    let events: Vec<Event> = kinds.into_iter().map(|kind| event("x", kind)).collect();
    let step = commit(run, 1, 0).events(events.clone());
    f.committed(step.clone().release(Status::Suspended, Some(at(3)), 0))
        .await?;
    assert_eq!(f.history(run).await?, events);
    // Compared with what is there, each is found to be the same.
    f.committed(step).await?;
    assert_eq!(f.claim_one(at(3)).await?.events, events);
    Ok(())
}

pub(super) async fn a_rich_failure_of_a_child_is_kept(f: Fixture) -> CaseResult {
    let run = f.start("a").await?;
    let kind = MailKind::Child {
        step: StepId::new("s", "c", 1),
        outcome: Err(rich_failure()),
    };
    f.deliver(mail(run, kind.clone())).await?;
    assert_eq!(f.mailbox(run).await?, [kind]);
    Ok(())
}

pub(super) async fn events_without_a_step_are_kept(f: Fixture) -> CaseResult {
    let run = f.start_owned("a").await?;
    let events = [
        Event {
            step: None,
            ..completed("x", 1)
        },
        Event {
            step: Some(StepId::from_recorded("")),
            ..completed("x", 1)
        },
    ];
    f.committed(commit(run, 1, 0).events(events.clone()))
        .await?;
    assert_eq!(f.history(run).await?, events);
    Ok(())
}

async fn dated(f: &Fixture, name: &str, time: Timestamp) -> Fallible<()> {
    let run = f.start_run(NewRun {
        at: time,
        owner: Some(f.worker),
        ..new_run(name)
    });
    let run = run.await?;
    let events = [Event {
        at: time,
        ..completed("x", 1)
    }];
    let mut step = commit(run, 1, 0)
        .events(events.clone())
        .keep(Status::Suspended);
    (step.at, step.created_at) = (time, time);
    f.committed(step).await?;
    let record = f.record(run).await?;
    assert_eq!((record.created_at, record.updated_at), (time, time));
    assert_eq!(f.history(run).await?, events);
    Ok(())
}

pub(super) async fn times_are_kept_to_the_microsecond(f: Fixture) -> CaseResult {
    let micros = [i64::MIN, -1, 0, 1, 1_700_000_000_123_457, i64::MAX];
    for (n, micros) in micros.into_iter().enumerate() {
        dated(&f, &n.to_string(), Timestamp::from_micros(micros)).await?;
    }
    Ok(())
}

pub(super) async fn a_large_batch_of_large_payloads_is_written(f: Fixture) -> CaseResult {
    let run = f.start_owned("a").await?;
    let output = Payload::encode(&"x".repeat(64 << 10))?;
    let kind = EventKind::StepCompleted { output };
    let events: Vec<Event> = (0..128).map(|_| event("x", kind.clone())).collect();
    f.committed(commit(run, 1, 0).events(events)).await?;
    assert_eq!(f.history(run).await?.len(), 128);
    Ok(())
}
