//! A run's history as a table for people.

use std::{
    fmt::Write,
    time::{Duration, SystemTime},
};

use durable::{
    journal::{Event, EventKind, Payload, Timestamp},
    printable,
};

use crate::worker::Kill;

/// The longest payload that is shown in full, in characters.
const PAYLOAD_MAX: usize = 72;

/// Lines of text, each with the time it belongs to.
#[derive(Debug, Default)]
pub struct Timeline {
    rows: Vec<Row>,
}

#[derive(Debug)]
struct Row {
    at: SystemTime,
    name: String,
    text: String,
}

impl Timeline {
    /// Adds the events of a run; `prefix` stands before the names of its steps.
    pub fn add_history(&mut self, prefix: &str, history: &[Event]) {
        for event in history {
            let name = match &event.step {
                Some(step) => format!("{prefix}{step}"),
                None => prefix.trim_end_matches('/').to_owned(),
            };
            self.rows.push(Row {
                at: event.at.into(),
                name,
                text: describe(event),
            });
        }
    }

    /// Adds the death of a worker.
    pub fn add_kill(&mut self, kill: &Kill) {
        self.rows.push(Row {
            at: kill.at,
            name: String::new(),
            text: format!(
                "---- process {} killed inside `{}` ----",
                kill.pid, kill.step
            ),
        });
    }

    /// The table, in order of time; times count from `start`.
    pub fn render(mut self, start: SystemTime) -> String {
        self.rows.sort_by_key(|row| row.at);
        let width = self
            .rows
            .iter()
            .map(|row| row.name.len())
            .max()
            .unwrap_or(0);
        let mut table = String::new();
        for Row { at, name, text } in self.rows {
            let seconds = at.duration_since(start).unwrap_or_default().as_secs_f64();
            // Writing to a string cannot fail.
            let (name, text) = (printable(&name).to_string(), printable(&text));
            let _ = writeln!(table, "  {seconds:>6.3} s  {name:<width$}  {text}");
        }
        table
    }
}

fn describe(event: &Event) -> String {
    match &event.kind {
        EventKind::StepCompleted { output } => format!("done: {}", show(output)),
        EventKind::StepAttemptFailed {
            attempt,
            failure,
            retry_at,
        } => format!(
            "attempt {attempt} failed: {}; again in {}",
            failure.message(),
            wait(event.at, *retry_at)
        ),
        EventKind::StepFailed { failure } => format!("failed for good: {}", failure.message()),
        EventKind::TimerArmed { due } => format!("sleeps for {}", wait(event.at, *due)),
        EventKind::TimerFired => "wakes up".to_owned(),
        EventKind::SignalAwaited { .. } => "waits for the signal".to_owned(),
        EventKind::SignalReceived { payload } => format!("signal: {}", show(payload)),
        EventKind::ChildStarted { child } => format!("starts child run {child}"),
        EventKind::ChildCompleted { output } => format!("child run done: {}", show(output)),
        EventKind::ChildFailed { failure } => format!("child run failed: {}", failure.message()),
        EventKind::RollbackStarted { .. } => "FAILED; undoing what was done".to_owned(),
        EventKind::Compensated => "undone".to_owned(),
        EventKind::Completed { .. } => "COMPLETED".to_owned(),
        EventKind::Failed { failure } => format!("FAILED: {failure}"),
        other => other.name().replace('_', " "),
    }
}

fn wait(from: Timestamp, until: Timestamp) -> String {
    let millis = until.since(from).as_millis();
    format!(
        "{:?}",
        Duration::from_millis(u64::try_from(millis).unwrap_or(u64::MAX))
    )
}

fn show(payload: &Payload) -> String {
    let text = String::from_utf8_lossy(payload.as_bytes());
    if text.chars().count() <= PAYLOAD_MAX {
        return text.into_owned();
    }
    text.chars()
        .take(PAYLOAD_MAX)
        .chain("...".chars())
        .collect()
}

#[cfg(test)]
mod tests {
    use durable::{Failure, FailureKind};

    use super::*;

    #[test]
    fn what_a_failure_says_does_nothing_to_a_terminal_and_passes_for_no_line() {
        let said = "\u{1b}[2J\n---- process 1 killed inside `charge` ----\r";
        let event = Event {
            at: Timestamp::from_micros(0),
            step: None,
            kind: EventKind::StepFailed {
                failure: Failure::new(FailureKind::Application, said),
            },
        };
        let mut timeline = Timeline::default();
        timeline.add_history("order/", &[event]);
        let table = timeline.render(SystemTime::UNIX_EPOCH);
        assert_eq!(table.lines().count(), 1, "{table}");
        assert!(!table.trim_end().contains(char::is_control), "{table:?}");
    }
}
