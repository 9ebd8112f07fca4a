//! Runs that have an owner and are damaged, so that they cannot be freed with the others.
//!
//! SQLite writes the row of a run as a whole, with its input. When it finds damage in a transaction it writes
//! nothing more in it: so who is damaged is looked for outside, and the transaction is made again without them.

use sqlx::SqliteConnection;

use super::{error::may_be_of_a_row, read::if_it_can_be_read, writer::roll_back};

#[derive(Debug, Default)]
pub(super) struct Damaged {
    rows: Vec<i64>,
    journals: Vec<i64>,
}

impl Damaged {
    /// Finds them after a transaction failed, for whatever reason, and is over. The error comes back when it
    /// was another reason.
    pub(super) async fn find(
        connection: &mut SqliteConnection,
        error: sqlx::Error,
    ) -> Result<Self, sqlx::Error> {
        if !may_be_of_a_row(&error) {
            return Err(error);
        }
        roll_back(connection).await?;
        let owned: Vec<i64> = sqlx::query_scalar("SELECT run FROM runs WHERE owner IS NOT NULL")
            .fetch_all(&mut *connection)
            .await?;
        let mut damaged = Self::default();
        for run in owned {
            // The last column, for which SQLite goes through all of the row.
            let row = "SELECT updated_at FROM runs WHERE run = ?";
            if if_it_can_be_read(connection, row, run).await?.is_none() {
                damaged.rows.push(run);
            }
            let last = "SELECT coalesce(max(position), 0) FROM journal WHERE run = ?";
            if if_it_can_be_read(connection, last, run).await?.is_none() {
                damaged.journals.push(run);
            }
        }
        match damaged.rows.is_empty() && damaged.journals.is_empty() {
            true => Err(error),
            false => Ok(damaged),
        }
    }

    /// Those whose rows are damaged.
    pub(super) fn rows(&self) -> impl Iterator<Item = i64> {
        self.rows.iter().copied()
    }

    /// Those whose rows or journals are damaged.
    pub(super) fn rows_and_journals(&self) -> impl Iterator<Item = i64> {
        self.rows().chain(self.journals.iter().copied())
    }
}
