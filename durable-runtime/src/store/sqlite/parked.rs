//! Parked runs that a worker has not tried.
//!
//! Runs that the same workers have parked lie together in an index, and the search jumps from one such group to
//! the next: what it costs does not depend on how many runs are parked.

use sqlx::SqliteConnection;

use super::claim::{Chosen, drives, excepted, is_excepted, limit};
use crate::store::Claim;
use crate::store::codes::code;

/// A group is a workflow and who has parked, as a JSON list. Both are read off the index: of a row, what lies
/// behind its input is not.
pub(super) const PARKED: &str = concat!(
    "WITH RECURSIVE groups (name) AS (\
     SELECT (SELECT json_array(workflow, coalesce(parked_by, '')) FROM runs WHERE status = ",
    code!(parked),
    " \
     ORDER BY workflow, coalesce(parked_by, '') LIMIT 1) UNION ALL \
     SELECT coalesce(\
     (SELECT json_array(n.workflow, coalesce(n.parked_by, '')) FROM runs AS n \
     WHERE n.status = ",
    code!(parked),
    " AND n.workflow = g.name ->> 0 AND coalesce(n.parked_by, '') > g.name ->> 1 \
     ORDER BY coalesce(n.parked_by, '') LIMIT 1), \
     (SELECT json_array(n.workflow, coalesce(n.parked_by, '')) FROM runs AS n \
     WHERE n.status = ",
    code!(parked),
    " AND n.workflow > g.name ->> 0 \
     ORDER BY n.workflow, coalesce(n.parked_by, '') LIMIT 1)) \
     FROM groups AS g WHERE g.name IS NOT NULL) \
     SELECT r.run, r.status FROM groups AS g CROSS JOIN runs AS r ON r.status = ",
    code!(parked),
    " \
     AND r.workflow = g.name ->> 0 AND coalesce(r.parked_by, '') = g.name ->> 1 \
     WHERE instr(g.name ->> 1, ',' || ?1 || ',') = 0 AND r.owner IS NULL AND NOT ",
    is_excepted!(),
    " AND EXISTS (SELECT 1 FROM workers AS w WHERE w.worker = ?1 AND ",
    drives!("g.name ->> 0"),
    ") LIMIT ?2"
);

/// Such runs, in ascending order.
pub(super) async fn parked(
    connection: &mut SqliteConnection,
    claim: &Claim,
) -> Result<Vec<Chosen>, sqlx::Error> {
    let mut runs: Vec<Chosen> = sqlx::query_as(PARKED)
        .bind(claim.worker.get())
        .bind(limit(claim))
        .bind(excepted(claim))
        .fetch_all(connection)
        .await?;
    runs.sort_unstable();
    Ok(runs)
}
