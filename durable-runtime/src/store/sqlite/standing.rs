//! How a commit that could not simply be written stands to what is there.

use sqlx::{Row, SqliteConnection};

use super::convert::{self, unreadable};
use crate::{
    journal::{RunKey, WorkerId},
    store::{Commit, rules},
};

/// How a commit stands to what is there.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Standing {
    Fresh,
    Repeated,
    Lost,
}

/// Tells apart a commit that can be written, one that was written before, and one that came too
/// late.
pub(super) async fn standing(
    connection: &mut SqliteConnection,
    sender: Option<WorkerId>,
    commit: &Commit,
) -> Result<Standing, sqlx::Error> {
    let run = sqlx::query("SELECT epoch, owner, status FROM runs WHERE run = ? AND created_at = ?")
        .bind(commit.run.get())
        .bind(commit.created_at.as_micros())
        .fetch_optional(&mut *connection)
        .await?;
    let Some(run) = run else {
        return Ok(Standing::Lost);
    };
    let (epoch, owner, status): (i64, Option<i64>, i64) =
        (run.try_get(0)?, run.try_get(1)?, run.try_get(2)?);
    let is_owner = owner.is_some_and(|owner| sender.is_none_or(|sender| sender.get() == owner));
    if epoch != commit.epoch.get() {
        return Ok(Standing::Lost);
    }
    if commit.events.is_empty() {
        return Ok(if is_owner {
            match is_next(connection, commit.run, commit.position).await? {
                true => Standing::Fresh,
                false => Standing::Lost,
            }
        } else if owner.is_none() && rules::is_same_release(commit, convert::status(status)?) {
            Standing::Repeated
        } else {
            Standing::Lost
        });
    }
    Ok(match written(connection, commit.run, commit).await? {
        Written::All => Standing::Repeated,
        Written::Nothing if is_owner => Standing::Fresh,
        Written::Nothing | Written::Other => Standing::Lost,
    })
}

enum Written {
    Nothing,
    All,
    Other,
}

async fn written(
    connection: &mut SqliteConnection,
    run: RunKey,
    commit: &Commit,
) -> Result<Written, sqlx::Error> {
    let rows = sqlx::query(
        "SELECT kind, step, data, at FROM journal WHERE run = ? AND position >= ? \
         ORDER BY position LIMIT ?",
    )
    .bind(run.get())
    .bind(commit.position)
    .bind(i64::try_from(commit.events.len()).map_err(unreadable)?)
    .fetch_all(&mut *connection)
    .await?;
    if rows.is_empty() {
        return Ok(match is_next(connection, run, commit.position).await? {
            true => Written::Nothing,
            false => Written::Other,
        });
    }
    if rows.len() < commit.events.len() {
        return Ok(Written::Other);
    }
    for (row, event) in rows.iter().zip(&commit.events) {
        let data = event.kind.encode();
        let same = row.try_get::<i64, _>(0)? == event.kind.code()
            && row.try_get::<Option<&str>, _>(1)? == event.step.as_ref().map(|step| step.as_str())
            && row.try_get::<Option<&[u8]>, _>(2)? == data.as_ref().map(|data| data.as_bytes())
            && row.try_get::<i64, _>(3)? == event.at.as_micros();
        if !same {
            return Ok(Written::Other);
        }
    }
    Ok(Written::All)
}

/// Whether the event before this position is there.
async fn is_next(
    connection: &mut SqliteConnection,
    run: RunKey,
    position: u32,
) -> Result<bool, sqlx::Error> {
    let Some(before) = position.checked_sub(1) else {
        return Ok(true);
    };
    sqlx::query_scalar("SELECT EXISTS (SELECT 1 FROM journal WHERE run = ? AND position = ?)")
        .bind(run.get())
        .bind(before)
        .fetch_one(connection)
        .await
}
