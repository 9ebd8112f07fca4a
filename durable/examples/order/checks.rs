//! What must be true in the end, checked against the books of the outside world.

use durable::{Client, Status, journal::EventKind};

use crate::{
    DELIVERED, UNDONE,
    shop::{Entry, Outcome},
    workflows::order,
};

/// Prints what the outside world was asked to do.
pub fn print_books(entries: &[Entry]) {
    println!("What the payment provider, the warehouse and the carrier were asked:");
    for Entry {
        action,
        key,
        outcome,
    } in entries
    {
        let outcome = match outcome {
            Outcome::Done => "done",
            Outcome::Repeated => "known key, nothing done",
            Outcome::Refused => "refused",
        };
        println!("  {action:<9}  {key:<47}  {outcome}");
    }
    println!();
}

/// Checks everything; prints what holds, and fails when anything does not.
pub async fn run(client: &Client, entries: &[Entry]) -> durable::Result<()> {
    let books = Books(entries);
    let receipt = client.attach::<order>(DELIVERED).await?.result().await;
    let failure = client.attach::<order>(UNDONE).await?.result().await;
    let failure = failure.err().map(|error| error.to_string());
    let failed = client.status(UNDONE).await?.status == Status::Failed;
    let checks = [
        (
            "the first order was charged once, though its process died inside the charge",
            books.are(DELIVERED, "charge", 1, 1) && books.are(DELIVERED, "refund", 0, 0),
        ),
        (
            "it was packed once, though the next process died while packing, and sent once",
            books.are(DELIVERED, "pack", 1, 1) && books.are(DELIVERED, "hand_over", 1, 0),
        ),
        (
            "it completed, with the receipt of that one charge",
            receipt.is_ok_and(|receipt| receipt.payment.cents == 4_900),
        ),
        (
            "the second order was charged once and refunded once, through a crash in the refund",
            books.are(UNDONE, "charge", 1, 0) && books.are(UNDONE, "refund", 1, 1),
        ),
        (
            "it failed with the carrier's own words",
            failed && failure.is_some_and(|text| text.contains("delivers to the Moon")),
        ),
        (
            "each result was recorded once",
            recorded_once(client, DELIVERED).await? && recorded_once(client, UNDONE).await?,
        ),
    ];
    println!("Checked:");
    for (what, holds) in checks {
        println!("  {}  {what}", if holds { "yes" } else { "NO " });
    }
    if checks.iter().any(|(_, holds)| !holds) {
        return Err("a promise was broken".into());
    }
    println!("{EXPLANATION}");
    Ok(())
}

const EXPLANATION: &str = "
What happened: each step's result is written to the journal before the next step starts. A new
process runs the workflow from the top, but a step whose result is recorded is not executed again.
The step that was cut short is, with the same idempotency key, so the provider recognizes it. The
rollback is journaled in the same way.";

struct Books<'e>(&'e [Entry]);

impl Books<'_> {
    /// Whether an order, or its child, asked for an action so often: carried out, and recognized.
    fn are(&self, order: &str, action: &str, done: usize, repeated: usize) -> bool {
        let count = |outcome| {
            let entries = self.0.iter();
            entries
                .filter(|entry| entry.key.starts_with(order) && entry.action == action)
                .filter(|entry| entry.outcome == outcome)
                .count()
        };
        count(Outcome::Done) == done && count(Outcome::Repeated) == repeated
    }
}

/// Whether no step of a run has two results in the journal.
async fn recorded_once(client: &Client, id: &str) -> durable::Result<bool> {
    let history = client.history(id).await?;
    let mut steps: Vec<_> = history
        .iter()
        .filter(|event| matches!(event.kind, EventKind::StepCompleted { .. }))
        .filter_map(|event| event.step.clone())
        .collect();
    let all = steps.len();
    steps.sort();
    steps.dedup();
    Ok(all > 0 && steps.len() == all)
}
