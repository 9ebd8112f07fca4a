//! Whose runs are looked at for owners that are gone.
//!
//! Runs are found by their owner in an index. While somebody has a transaction open, the entries of all runs
//! that a worker has had since it began cannot be removed, and whoever looks at the worker passes them. So it
//! is remembered which workers were registered when nobody else had runs: only those who have gone since and
//! those who have come can have left some. From time to time, and after a failure, all owners are looked at:
//! nothing rests on what is remembered.

use std::sync::{Mutex, PoisonError};

use sqlx::{AssertSqlSafe, PgConnection};

/// How often what is remembered is used.
const USES: u32 = 100;

/// The owners of runs above number `$1`, by jumping through the index from one to the next: as many reads as
/// workers.
macro_rules! owners {
    ($above:literal) => {
        concat!(
            "WITH RECURSIVE owners (owner) AS ((SELECT owner FROM runs WHERE owner > ",
            $above,
            " ORDER BY owner LIMIT 1) UNION ALL \
             SELECT (SELECT r.owner FROM runs AS r WHERE r.owner > o.owner ORDER BY r.owner LIMIT 1) \
             FROM owners AS o WHERE o.owner IS NOT NULL)"
        )
    };
}

/// The owners of all runs.
pub(super) const OWNERS: &str = owners!("-1");

/// Whether an owner is registered. Runs whose owner is not are free for all: nobody else would free
/// them.
pub(super) const IS_GONE: &str =
    "owner IS NOT NULL AND NOT EXISTS (SELECT FROM workers AS w WHERE w.worker = owner)";

/// Whether any run has an owner that is gone, among workers `$2` and those above number `$1`; and who is
/// registered.
const SEARCH: &str = owners!("$1");

/// What is remembered of owners.
#[derive(Debug, Default)]
pub(super) struct Owners(Mutex<Option<Known>>);

#[derive(Debug, Clone)]
struct Known {
    /// Those who were registered.
    workers: Vec<i64>,
    /// The last of all.
    last: i64,
    uses: u32,
}

impl Owners {
    /// Has the next search look at all of them.
    pub(super) fn forget(&self) {
        self.set(None);
    }

    /// Whether any run has an owner that is gone.
    pub(super) async fn has_gone(
        &self,
        connection: &mut PgConnection,
    ) -> Result<bool, sqlx::Error> {
        let known = self.take().filter(|known| known.uses < USES);
        let known = known.unwrap_or(Known {
            workers: Vec::new(),
            last: -1,
            uses: 0,
        });
        let sql = format!(
            "{SEARCH} SELECT EXISTS (SELECT FROM owners WHERE {IS_GONE}) \
             OR EXISTS (SELECT FROM unnest($2::BIGINT[]) AS k (owner) WHERE {IS_GONE} \
             AND EXISTS (SELECT FROM runs AS r WHERE r.owner = k.owner)), \
             ARRAY(SELECT worker FROM workers)"
        );
        let (is_found, workers): (bool, Vec<i64>) = sqlx::query_as(AssertSqlSafe(sql))
            .bind(known.last)
            .bind(known.workers)
            .fetch_one(connection)
            .await?;
        if !is_found {
            self.set(Some(Known {
                last: workers.iter().copied().fold(known.last, i64::max),
                workers,
                uses: known.uses + 1,
            }));
        }
        Ok(is_found)
    }

    fn take(&self) -> Option<Known> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).take()
    }

    fn set(&self, known: Option<Known>) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = known;
    }
}
