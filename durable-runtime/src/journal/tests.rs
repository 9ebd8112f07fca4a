//! Every kind of event as it is written, byte for byte: journals of all builds are made of this.

use super::{Event, EventKind, Payload, RunId, StepId, Timestamp};
use crate::failure::{Failure, FailureKind};

/// A kind, and what stands for it in a journal and in the JSON that people read.
struct Written {
    kind: EventKind,
    code: i64,
    name: &'static str,
    /// Its data in a journal.
    data: Option<&'static str>,
    /// What its JSON says besides time, step and name.
    shown: &'static str,
}

fn written(
    kind: EventKind,
    (code, name): (i64, &'static str),
    data: Option<&'static str>,
    shown: &'static str,
) -> Written {
    Written {
        kind,
        code,
        name,
        data,
        shown,
    }
}

const VALUE: Option<&str> = Some(r#"{"cents":7}"#);
const FAILURE: Option<&str> = Some(r#"{"kind":"timeout","message":"too slow"}"#);
const RETRY: Option<&str> =
    Some(r#"{"attempt":3,"retry_at":2500000,"failure":{"kind":"timeout","message":"too slow"}}"#);
const DUE: Option<&str> = Some("2500000");

const OUTPUT_SHOWN: &str = r#","output":{"cents":7}"#;
const FAILURE_SHOWN: &str = r#","failure":{"kind":"timeout","message":"too slow"}"#;
const RETRY_SHOWN: &str = r#","attempt":3,"failure":{"kind":"timeout","message":"too slow"},"retry_at":"1970-01-01T00:00:02.500000Z""#;
const DUE_SHOWN: &str = r#","due":"1970-01-01T00:00:02.500000Z""#;

/// Every kind, and both forms of the one that has two. What stands here never changes.
fn golden() -> Vec<Written> {
    use EventKind::*;
    let output = Payload::from_bytes(*br#"{"cents":7}"#);
    let failure = Failure::new(FailureKind::Timeout, "too slow");
    let (attempt, due) = (3, Timestamp::from_micros(2_500_000));
    let child = RunId::from_recorded("order-1/ship");
    let of_step = step_events(&output, &failure, (attempt, due));
    let of_run = run_events(&output, &failure, (attempt, due));
    let of_waits = vec![
        written(TimerArmed { due }, (4, "timer_armed"), DUE, DUE_SHOWN),
        written(TimerFired, (5, "timer_fired"), None, ""),
        written(
            SignalAwaited { due: Some(due) },
            (6, "signal_awaited"),
            DUE,
            DUE_SHOWN,
        ),
        written(
            SignalAwaited { due: None },
            (6, "signal_awaited"),
            None,
            r#","due":null"#,
        ),
        written(
            SignalReceived {
                payload: output.clone(),
            },
            (7, "signal_received"),
            VALUE,
            r#","payload":{"cents":7}"#,
        ),
        written(
            ChildStarted { child },
            (8, "child_started"),
            Some(r#""order-1/ship""#),
            r#","child":"order-1/ship""#,
        ),
        written(
            ChildCompleted { output },
            (9, "child_completed"),
            VALUE,
            OUTPUT_SHOWN,
        ),
        written(
            ChildFailed { failure },
            (10, "child_failed"),
            FAILURE,
            FAILURE_SHOWN,
        ),
        written(ChildCanceled, (11, "child_canceled"), None, ""),
    ];
    [of_step, of_waits, of_run].into_iter().flatten().collect()
}

fn step_events(
    output: &Payload,
    failure: &Failure,
    (attempt, retry_at): (u32, Timestamp),
) -> Vec<Written> {
    use EventKind::*;
    let (output, failure) = (output.clone(), failure.clone());
    vec![
        written(
            StepCompleted { output },
            (1, "step_completed"),
            VALUE,
            OUTPUT_SHOWN,
        ),
        written(
            StepAttemptFailed {
                attempt,
                failure: failure.clone(),
                retry_at,
            },
            (2, "step_attempt_failed"),
            RETRY,
            RETRY_SHOWN,
        ),
        written(
            StepFailed { failure },
            (3, "step_failed"),
            FAILURE,
            FAILURE_SHOWN,
        ),
        written(
            StepStarted { attempt },
            (20, "step_started"),
            Some("3"),
            r#","attempt":3"#,
        ),
        written(
            StepInterrupted { attempt },
            (21, "step_interrupted"),
            Some("3"),
            r#","attempt":3"#,
        ),
    ]
}

fn run_events(
    output: &Payload,
    failure: &Failure,
    (attempt, retry_at): (u32, Timestamp),
) -> Vec<Written> {
    use EventKind::*;
    let (output, failure) = (output.clone(), || failure.clone());
    vec![
        written(CancelRequested, (12, "cancel_requested"), None, ""),
        written(
            RollbackStarted { failure: failure() },
            (13, "rollback_started"),
            FAILURE,
            FAILURE_SHOWN,
        ),
        written(Compensated, (14, "compensated"), None, ""),
        written(
            CompensationAttemptFailed {
                attempt,
                failure: failure(),
                retry_at,
            },
            (15, "compensation_attempt_failed"),
            RETRY,
            RETRY_SHOWN,
        ),
        written(
            CompensationFailed { failure: failure() },
            (16, "compensation_failed"),
            FAILURE,
            FAILURE_SHOWN,
        ),
        written(Completed { output }, (17, "completed"), VALUE, OUTPUT_SHOWN),
        written(
            Failed { failure: failure() },
            (18, "failed"),
            FAILURE,
            FAILURE_SHOWN,
        ),
        written(Canceled, (19, "canceled"), None, ""),
        written(
            CompensationStarted { attempt },
            (22, "compensation_started"),
            Some("3"),
            r#","attempt":3"#,
        ),
        written(RollbackAbandoned, (23, "rollback_abandoned"), None, ""),
    ]
}

#[test]
fn every_kind_is_here() {
    let mut here: Vec<_> = golden().iter().map(|one| (one.code, one.name)).collect();
    here.sort_unstable();
    here.dedup();
    assert_eq!(here, EventKind::NAMES);
}

#[test]
fn an_event_is_written_the_same_byte_for_byte_by_every_build() {
    for one in golden() {
        let data = one.kind.encode();
        let text = data.as_ref().map(|data| str::from_utf8(data.as_bytes()));
        assert_eq!(text.transpose(), Ok(one.data), "{}", one.name);
        assert_eq!((one.kind.code(), one.kind.name()), (one.code, one.name));
    }
}

#[test]
fn what_was_written_is_read_as_what_it_was() {
    for one in golden() {
        let data = one.data.map(|data| Payload::from_bytes(data.as_bytes()));
        let read = EventKind::decode(one.code, data);
        assert_eq!(read.ok(), Some(one.kind), "{}", one.name);
    }
}

#[test]
fn people_read_an_event_in_the_same_words_whatever_build_shows_it() {
    let at = Timestamp::from_micros(1_000_001);
    for one in golden() {
        let event = Event {
            at,
            step: Some(StepId::from_recorded("pay")),
            kind: one.kind,
        };
        let expected = format!(
            r#"{{"at":"1970-01-01T00:00:01.000001Z","step":"pay","kind":"{}"{}}}"#,
            one.name, one.shown
        );
        assert_eq!(serde_json::to_string(&event).ok(), Some(expected));
    }
}

#[test]
fn only_the_values_of_users_count_as_payload() {
    for one in golden() {
        let holds_value = one.data == VALUE;
        let expected = one.data.filter(|_| holds_value).map_or(0, str::len);
        assert_eq!(one.kind.payload_bytes(), expected, "{}", one.name);
    }
}

#[test]
fn the_end_of_a_run_is_told_by_its_event() {
    let ends: Vec<_> = golden()
        .into_iter()
        .filter(|one| one.kind.is_terminal())
        .map(|one| one.name)
        .collect();
    assert_eq!(ends, ["completed", "failed", "canceled"]);
}

#[test]
fn a_kind_that_is_not_known_is_an_error_and_so_is_data_that_does_not_fit() {
    let number = || Some(Payload::from_bytes(*b"7"));
    let unknown = [
        (0, None),
        (24, None),
        (-1, number()),
        (i64::MAX, None),
        // Data that is missing, and data of another form.
        (1, None),
        (2, number()),
        (3, number()),
        (4, None),
        (20, None),
        (8, number()),
        (6, Some(Payload::from_bytes(*b"{oops"))),
    ];
    for (code, data) in unknown {
        let error = EventKind::decode(code, data)
            .expect_err("it was read")
            .to_string();
        assert!(
            error.contains(&format!("kind {code} cannot be read")),
            "{error}"
        );
    }
}

/// The texts of a database's migrations, in their order.
fn migrations(database: &str) -> Vec<String> {
    let folder = format!("{}/migrations/{database}", env!("CARGO_MANIFEST_DIR"));
    let entries = std::fs::read_dir(folder).expect("a folder of migrations");
    let mut files: Vec<_> = entries.map(|entry| entry.expect("a file").path()).collect();
    files.sort();
    let texts = files.iter().map(std::fs::read_to_string);
    texts.map(|text| text.expect("a text")).collect()
}

/// The numbers and names of kinds in each `CASE` over them.
fn cases(text: &str) -> Vec<Vec<(i64, String)>> {
    let cases = text.split("CASE j.kind").skip(1);
    cases
        .map(|case| {
            let whens = case
                .split("ELSE")
                .next()
                .expect("a beginning")
                .split("WHEN ");
            let pairs = whens.filter_map(|when| when.split_once(" THEN '"));
            pairs
                .map(|(code, name)| (code, name.split('\'').next().expect("a name")))
                .map(|(code, name)| (code.parse().expect("a number"), name.to_owned()))
                .collect()
        })
        .collect()
}

#[test]
fn the_views_of_a_database_call_every_kind_by_its_name() {
    let names: Vec<_> = EventKind::NAMES
        .iter()
        .map(|(code, name)| (*code, (*name).to_owned()))
        .collect();
    for database in ["sqlite", "postgres"] {
        let cases: Vec<_> = migrations(database)
            .iter()
            .flat_map(|text| cases(text))
            .collect();
        for case in &cases {
            let strange: Vec<_> = case.iter().filter(|kind| !names.contains(kind)).collect();
            assert!(strange.is_empty(), "{database}: {strange:?}");
        }
        // The last one is the view that there is.
        assert_eq!(cases.last(), Some(&names), "{database}");
    }
}

#[test]
fn numbers_and_names_stand_for_one_kind_each() {
    let codes = EventKind::NAMES.iter().map(|(code, _)| *code);
    assert!(codes.eq(1..=23), "the next number is the next row");
    let names: std::collections::BTreeSet<_> =
        EventKind::NAMES.iter().map(|(_, name)| name).collect();
    assert_eq!(names.len(), EventKind::NAMES.len());
}
