//! The outside world: a payment provider, a warehouse and a carrier. They keep their books in a file
//! of their own, which no crash of ours rolls back, and take a request with a key they know for a
//! repeated one, as real providers do.

use std::{
    fs::{self, OpenOptions},
    io::{self, Write},
    path::PathBuf,
    sync::{Mutex, PoisonError},
    time::Duration,
};

use durable::prelude::*;
use serde::{Deserialize, Serialize};

use super::workflows::{Order, Parcel, Payment, Shipment};

/// Reaches the outside world. Given to the engine once; steps read it as application state.
#[derive(Debug)]
pub struct Shop {
    books: Mutex<PathBuf>,
    stall_in: Option<String>,
}

/// A request in the books.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Entry {
    /// What was asked for: `charge`, `refund`, `pack`, `hand_over`.
    pub action: String,
    /// The idempotency key of the request.
    pub key: String,
    /// What came of it.
    pub outcome: Outcome,
}

/// What came of a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Outcome {
    /// It was carried out.
    Done,
    /// It had been carried out before; nothing was done.
    Repeated,
    /// It was turned away.
    Refused,
}

impl Shop {
    /// A shop whose partners keep their books in this file. The step named `stall_in` says so on the
    /// standard output when its effect has happened, and then takes a minute to return.
    pub fn new(books: PathBuf, stall_in: Option<String>) -> Self {
        Self {
            books: Mutex::new(books),
            stall_in,
        }
    }

    /// Takes money from a card. The provider turns its very first request away.
    pub async fn charge(&self, step: StepCtx, order: &Order) -> Result<Payment, StepError> {
        if self.entries().map_err(StepError::new)?.is_empty() {
            self.write("charge", &step, Outcome::Refused)?;
            return Err(StepError::new("the payment provider is busy"));
        }
        let number = self.carry_out("charge", &step).await?;
        Ok(Payment {
            id: format!("pay-{number}"),
            cents: order.cents,
        })
    }

    /// Gives the money of a payment back.
    pub async fn refund(&self, step: &StepCtx, _payment: &Payment) -> Result<(), StepError> {
        self.carry_out("refund", step).await.map(drop)
    }

    /// Packs a shipment, and gives the number of its label.
    pub async fn pack(&self, step: StepCtx, _shipment: &Shipment) -> Result<String, StepError> {
        let number = self.carry_out("pack", &step).await?;
        Ok(format!("label-{number}"))
    }

    /// Hands a packed shipment to the carrier.
    pub async fn hand_over(
        &self,
        step: StepCtx,
        shipment: &Shipment,
        _label: &str,
    ) -> Result<Parcel, StepError> {
        if shipment.address == "Moon" {
            self.write("hand_over", &step, Outcome::Refused)?;
            return Err(StepError::new("no carrier delivers to the Moon").permanent());
        }
        let number = self.carry_out("hand_over", &step).await?;
        Ok(Parcel {
            tracking: format!("track-{number}"),
        })
    }

    /// Every request so far, oldest first.
    pub fn entries(&self) -> io::Result<Vec<Entry>> {
        let books = self.books.lock().unwrap_or_else(PoisonError::into_inner);
        match fs::read_to_string(&*books) {
            Ok(text) => text
                .lines()
                .map(|line| serde_json::from_str(line).map_err(io::Error::from))
                .collect(),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(Vec::new()),
            Err(error) => Err(error),
        }
    }

    /// Does what is asked unless it was done before under the same key; gives its number in the books.
    async fn carry_out(&self, action: &str, step: &StepCtx) -> Result<usize, StepError> {
        let key = step.idempotency_key();
        let entries = self.entries().map_err(StepError::new)?;
        let known = entries
            .iter()
            .position(|entry| entry.key == key && entry.outcome == Outcome::Done);
        let outcome = match known {
            Some(_) => Outcome::Repeated,
            None => Outcome::Done,
        };
        self.write(action, step, outcome)?;
        self.stall(action).await;
        Ok(known.unwrap_or(entries.len()))
    }

    fn write(&self, action: &str, step: &StepCtx, outcome: Outcome) -> Result<(), StepError> {
        let entry = Entry {
            action: action.to_owned(),
            key: step.idempotency_key(),
            outcome,
        };
        let append = || {
            let mut line = serde_json::to_string(&entry)?;
            line.push('\n');
            let books = self.books.lock().unwrap_or_else(PoisonError::into_inner);
            let mut file = OpenOptions::new().append(true).create(true).open(&*books)?;
            // One call, so that a line is written as a whole or not at all.
            file.write_all(line.as_bytes())
        };
        append().map_err(StepError::new)
    }

    async fn stall(&self, action: &str) {
        if self.stall_in.as_deref() == Some(action) {
            println!("inside {action}");
            tokio::time::sleep(Duration::from_secs(60)).await;
        }
    }
}
