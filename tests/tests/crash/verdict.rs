//! What must be true of an order that went through crashes: in the journal, and in the books of the
//! outside world.

use std::{fs, path::Path};

/// How the order is to end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Saga {
    /// It is delivered.
    Delivered,
    /// It cannot be delivered, and is undone.
    Undone,
}

impl Saga {
    pub fn address(self) -> &'static str {
        match self {
            Self::Delivered => "12 Harbor Street",
            Self::Undone => "Moon",
        }
    }

    /// The events that must be in the journals exactly once, in this order.
    fn milestones(self) -> &'static [&'static str] {
        match self {
            Self::Delivered => &[
                "order-1 step_completed charge",
                "order-1 timer_armed cooling_off",
                "order-1 timer_fired cooling_off",
                "order-1 signal_received approval",
                "order-1 child_started parcel",
                "order-1 child_completed parcel",
                "order-1 completed ",
                "order-1/parcel step_completed pack",
                "order-1/parcel step_completed hand_over",
                "order-1/parcel completed ",
            ],
            Self::Undone => &[
                "order-1 step_completed charge",
                "order-1 timer_armed cooling_off",
                "order-1 timer_fired cooling_off",
                "order-1 signal_received approval",
                "order-1 child_started parcel",
                "order-1 child_failed parcel",
                "order-1 rollback_started ",
                "order-1 compensated charge",
                "order-1 failed ",
                "order-1/parcel step_completed pack",
                "order-1/parcel step_failed hand_over",
                "order-1/parcel failed ",
            ],
        }
    }

    /// Each action of the outside world: how often it takes effect, and how often it is turned away.
    fn effects(self) -> &'static [(&'static str, usize, usize)] {
        match self {
            Self::Delivered => &[
                ("charge", 1, 1),
                ("refund", 0, 0),
                ("pack", 1, 0),
                ("hand_over", 1, 0),
            ],
            Self::Undone => &[
                ("charge", 1, 1),
                ("refund", 1, 0),
                ("pack", 1, 0),
                ("hand_over", 0, 1),
            ],
        }
    }
}

/// Checks an order that has ended after so many crashes.
pub fn check(saga: Saga, crashes: usize, journal: &str, folder: &Path) {
    check_journal(saga, journal);
    let books = fs::read_to_string(folder.join("books.jsonl")).unwrap();
    let books: Vec<serde_json::Value> = books
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    let mut needed = 0;
    for (action, done, refused) in saga.effects() {
        needed += done + refused;
        let entries: Vec<_> = books
            .iter()
            .filter(|entry| entry["action"] == *action)
            .collect();
        let count = |outcome: &str| entries.iter().filter(|e| e["outcome"] == outcome).count();
        assert_eq!(count("done"), *done, "{action}: {books:#?}");
        assert!(entries.len() >= done + refused, "{action}: {books:#?}");
        let mut keys: Vec<_> = entries.iter().map(|entry| entry["key"].as_str()).collect();
        keys.dedup();
        assert!(keys.len() <= 1, "{action} changed its key: {keys:?}");
    }
    // The saga does one thing after the other, so a crash cuts short one body at most.
    assert!(books.len() <= needed + crashes, "{crashes}: {books:#?}");
}

fn check_journal(saga: Saga, journal: &str) {
    // How the run came there depends on the crashes; what it went through does not.
    let passing = [
        "step_started",
        "step_attempt_failed",
        "signal_awaited",
        "compensation_started",
    ];
    let events: Vec<_> = journal
        .lines()
        .filter(|line| !passing.iter().any(|kind| line.contains(kind)))
        .collect();
    assert_eq!(events, saga.milestones(), "{journal}");
}
