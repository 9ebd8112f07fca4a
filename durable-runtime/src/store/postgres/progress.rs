//! Commits that were not written.

use sqlx::{PgConnection, Row};

use super::convert::{self, text};
use crate::store::{Commit, rules};

/// Whether what the commit writes is there already, written under the same epoch. Needs no lock: a
/// journal only grows.
pub(super) async fn is_repeated(
    connection: &mut PgConnection,
    commit: &Commit,
) -> Result<bool, sqlx::Error> {
    let run = sqlx::query(
        "SELECT epoch, owner IS NOT NULL, status FROM runs WHERE run = $1 AND created_at = $2",
    )
    .bind(commit.run.get())
    .bind(commit.created_at.as_micros())
    .fetch_optional(&mut *connection)
    .await?;
    let Some(run) = run else {
        return Ok(false);
    };
    let (epoch, is_owned): (i64, bool) = (run.try_get(0)?, run.try_get(1)?);
    if epoch != commit.epoch.get() {
        return Ok(false);
    }
    if commit.events.is_empty() {
        let status = convert::status(run.try_get(2)?)?;
        return Ok(!is_owned && rules::is_same_release(commit, status));
    }
    has_events(connection, commit).await
}

async fn has_events(connection: &mut PgConnection, commit: &Commit) -> Result<bool, sqlx::Error> {
    let rows = sqlx::query(
        "SELECT kind, step, data, at FROM journal WHERE run = $1 AND position >= $2 \
         ORDER BY position LIMIT $3",
    )
    .bind(commit.run.get())
    .bind(i64::from(commit.position))
    .bind(i64::try_from(commit.events.len()).unwrap_or(i64::MAX))
    .fetch_all(connection)
    .await?;
    if rows.len() < commit.events.len() {
        return Ok(false);
    }
    for (row, event) in rows.iter().zip(&commit.events) {
        let data = event.kind.encode();
        let step = event.step.as_ref().map(|step| text(step.as_str()));
        let same = i64::from(row.try_get::<i16, _>(0)?) == event.kind.code()
            && row.try_get::<Option<&str>, _>(1)? == step.as_deref()
            && row.try_get::<Option<&[u8]>, _>(2)? == data.as_ref().map(|data| data.as_bytes())
            && row.try_get::<i64, _>(3)? == event.at.as_micros();
        if !same {
            return Ok(false);
        }
    }
    Ok(true)
}
