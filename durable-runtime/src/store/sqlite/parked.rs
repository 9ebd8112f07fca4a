//! Parked runs that a worker has not tried.
//!
//! Runs that the same workers have parked lie together in an index, and the search jumps from one such group to
//! the next: what it costs does not depend on how many runs are parked.

use sqlx::SqliteConnection;

use super::claim::drives;
use crate::store::Claim;

pub(super) const PARKED: &str = concat!(
    "WITH RECURSIVE groups (run) AS (\
     SELECT (SELECT run FROM runs WHERE status = 8 \
     ORDER BY workflow, coalesce(parked_by, '') LIMIT 1) UNION ALL \
     SELECT coalesce(\
     (SELECT n.run FROM runs AS n WHERE n.status = 8 AND n.workflow = r.workflow \
     AND coalesce(n.parked_by, '') > coalesce(r.parked_by, '') \
     ORDER BY coalesce(n.parked_by, '') LIMIT 1), \
     (SELECT n.run FROM runs AS n WHERE n.status = 8 AND n.workflow > r.workflow \
     ORDER BY n.workflow, coalesce(n.parked_by, '') LIMIT 1)) \
     FROM groups AS g CROSS JOIN runs AS r ON r.run = g.run) \
     SELECT r.run FROM groups AS g CROSS JOIN runs AS f ON f.run = g.run \
     CROSS JOIN runs AS r ON r.status = 8 AND r.workflow = f.workflow \
     AND coalesce(r.parked_by, '') = coalesce(f.parked_by, '') \
     WHERE instr(coalesce(f.parked_by, ''), ',' || ?1 || ',') = 0 AND r.owner IS NULL \
     AND EXISTS (SELECT 1 FROM workers AS w WHERE w.worker = ?1 AND ",
    drives!("f.workflow"),
    ") LIMIT ?2"
);

/// The numbers of such runs, in ascending order.
pub(super) async fn parked(
    connection: &mut SqliteConnection,
    claim: &Claim,
) -> Result<Vec<i64>, sqlx::Error> {
    let mut runs: Vec<i64> = sqlx::query_scalar(PARKED)
        .bind(claim.worker.get())
        .bind(i64::try_from(claim.limit).unwrap_or(i64::MAX))
        .fetch_all(connection)
        .await?;
    runs.sort_unstable();
    Ok(runs)
}
