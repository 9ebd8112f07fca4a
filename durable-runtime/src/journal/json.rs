//! Events as JSON, for people and programs. The journal's own encoding is
//! [`EventKind::encode`](super::EventKind::encode).

use serde::{Serialize, Serializer, ser::SerializeMap};

use super::{Event, Payload, Timestamp};

/// `at` (RFC 3339), `step` (`null` for events of the run as a whole), `kind` (its name), and what the
/// kind says: `output`, `payload`, `failure`, `attempt`, `retry_at`, `due`, `child`. Names that are there stay.
impl Serialize for Event {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(None)?;
        map.serialize_entry("at", &time(self.at))?;
        map.serialize_entry("step", &self.step)?;
        map.serialize_entry("kind", self.kind.name())?;
        self.kind.show(&mut map)?;
        map.end()
    }
}

/// A time, with all its digits.
pub(super) fn time(at: Timestamp) -> String {
    format!("{at:.6}")
}

impl Payload {
    /// The value, for people to look at; what is no JSON, as text.
    pub(crate) fn to_json(&self) -> serde_json::Value {
        let text = || String::from_utf8_lossy(self.as_bytes()).into_owned();
        self.decode()
            .unwrap_or_else(|_| serde_json::Value::String(text()))
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::{
        failure::{Failure, FailureKind},
        journal::{EventKind, StepId},
    };

    fn as_json(kind: EventKind) -> serde_json::Value {
        let step = kind
            .is_terminal()
            .then_some(())
            .map_or(Some("pay"), |()| None);
        let event = Event {
            at: Timestamp::from_micros(1_000_001),
            step: step.map(StepId::from_recorded),
            kind,
        };
        serde_json::to_value(event).unwrap()
    }

    #[test]
    fn an_event_says_when_where_and_what_in_json() {
        let output = Payload::from_bytes(*br#"{"cents":7}"#);
        assert_eq!(
            as_json(EventKind::StepCompleted { output }),
            json!({
                "at": "1970-01-01T00:00:01.000001Z",
                "step": "pay",
                "kind": "step_completed",
                "output": { "cents": 7 },
            })
        );
        let failure = Failure::new(FailureKind::Timeout, "too slow");
        let due = Timestamp::from_micros(2_500_000);
        assert_eq!(
            as_json(EventKind::StepAttemptFailed {
                attempt: 1,
                failure,
                retry_at: due,
            }),
            json!({
                "at": "1970-01-01T00:00:01.000001Z",
                "step": "pay",
                "kind": "step_attempt_failed",
                "attempt": 1,
                "failure": { "kind": "timeout", "message": "too slow" },
                "retry_at": "1970-01-01T00:00:02.500000Z",
            })
        );
        let wait = as_json(EventKind::SignalAwaited { due: None });
        assert_eq!(wait["due"], json!(null));
        let end = as_json(EventKind::Canceled);
        assert_eq!(
            (&end["step"], &end["kind"]),
            (&json!(null), &json!("canceled"))
        );
    }

    #[test]
    fn a_value_that_is_no_json_is_shown_as_text() {
        assert_eq!(Payload::from_bytes(*b"{oops").to_json(), json!("{oops"));
    }

    #[test]
    fn the_journal_keeps_times_as_numbers() {
        let due = Timestamp::from_micros(2_500_000);
        let encoded = EventKind::TimerArmed { due }.encode().unwrap();
        assert_eq!(encoded.as_bytes(), b"2500000");
    }
}
