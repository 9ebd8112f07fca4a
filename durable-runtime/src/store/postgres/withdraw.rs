//! Mail to runs that were parked in the middle of their rollback, and that has no effect on them.
//!
//! `write_batch` takes such a run for any that is parked. What it has written to it is withdrawn at once, before
//! anybody is told.

use sqlx::PgConnection;

use super::batch::Written;
use crate::{
    status::Status,
    store::{Batch, rules},
};

/// The codes of [`Status::Parked`] and [`Status::Compensating`].
pub(super) const PARKED: i16 = 8;
const COMPENSATING: i16 = 3;

/// The runs of `$1` that were parked in their rollback and that nobody has tried again; without the mail `$2`,
/// and without being due for it. 12 and 13 begin a rollback; mail from 3 on makes a parked run due.
const WITHDRAW: &str = "WITH undone AS MATERIALIZED (SELECT r.run FROM runs AS r WHERE r.run = ANY ($1) \
     AND r.status = 8 AND r.owner IS NULL AND EXISTS \
     (SELECT FROM journal AS j WHERE j.run = r.run AND j.kind IN (12, 13)) \
     ORDER BY r.run FOR NO KEY UPDATE OF r), \
     withdrawn AS (DELETE FROM mailbox AS m USING undone AS u WHERE m.run = u.run AND m.mail = ANY ($2)), \
     rests AS (UPDATE runs AS r SET due = NULL FROM undone AS u WHERE r.run = u.run AND NOT EXISTS \
     (SELECT FROM mailbox AS m WHERE m.run = u.run AND m.kind >= 3 AND m.mail <> ALL ($2))) \
     SELECT run FROM undone";

/// Withdraws mail of a batch that has no effect, and says what its runs are doing.
pub(super) async fn withdraw(
    connection: &mut PgConnection,
    batch: &Batch,
    written: &mut Written,
) -> Result<(), sqlx::Error> {
    let outgoing = batch.commits.iter().flat_map(|commit| &commit.outgoing);
    let mail = batch.mail.iter().chain(outgoing).zip(&mut written.mail);
    let mut without_effect: Vec<_> = mail
        .filter(|(new, _)| rules::refusal(Status::Compensating, &new.kind).is_some())
        .filter_map(|(_, arrival)| arrival.as_mut())
        .filter(|arrival| arrival.status == PARKED)
        .collect();
    if without_effect.is_empty() {
        return Ok(());
    }
    let runs: Vec<i64> = without_effect.iter().map(|a| a.run.get()).collect();
    let numbers = without_effect.iter().filter_map(|arrival| arrival.number);
    let numbers: Vec<i64> = numbers.map(|number| number.get()).collect();
    let undone: Result<Vec<i64>, _> = sqlx::query_scalar(WITHDRAW)
        .bind(runs)
        .bind(numbers)
        .fetch_all(connection)
        .await;
    let undone = match undone {
        // The batch is written: what the server says to this must not make anybody send it again.
        Err(sqlx::Error::Database(_)) => return Ok(()),
        undone => undone?,
    };
    for arrival in &mut without_effect {
        if undone.contains(&arrival.run.get()) {
            arrival.status = COMPENSATING;
            arrival.number = None;
        }
    }
    Ok(())
}
