//! Runs that are there already.

use std::collections::HashMap;

use sqlx::{PgConnection, Row};

use super::convert::{self, text};
use crate::store::{NewRun, columns::There};

/// Those of the runs that are there, by id.
pub(super) async fn existing(
    connection: &mut PgConnection,
    runs: &[&NewRun],
) -> Result<HashMap<String, There>, sqlx::Error> {
    let ids: Vec<_> = runs.iter().map(|new| text(new.id.as_str())).collect();
    let rows = sqlx::query(
        "SELECT id, run, workflow, input, parent, seed, epoch, owner FROM runs WHERE id = ANY ($1)",
    )
    .bind(ids)
    .fetch_all(connection)
    .await?;
    rows.iter()
        .map(|row| Ok((row.try_get(0)?, convert::there(row, 1)?)))
        .collect()
}
