//! Opening connections, one at a time and with pauses that grow while the server is away.

use std::{
    hash::{BuildHasher, RandomState},
    sync::Arc,
    time::Duration,
};

use sqlx::{AssertSqlSafe, Executor, PgConnection};
use tokio::{sync::Mutex, time::Instant};

use super::{
    PostgresOptions,
    address::{Address, Servers},
};

const FIRST_PAUSE: Duration = Duration::from_millis(50);
const LONGEST_PAUSE: Duration = Duration::from_secs(2);

/// Opens connections that are set up the way all statements rely on.
///
/// When a server comes back, each process has at most one login under way, and processes spread theirs
/// over time.
#[derive(Debug)]
pub(super) struct Connector {
    servers: Arc<Servers>,
    call_timeout: Duration,
    setup: String,
    pacing: Mutex<Pacing>,
}

impl Connector {
    pub(super) fn new(address: &Address, options: &PostgresOptions) -> Self {
        Self {
            servers: Arc::clone(&address.servers),
            call_timeout: options.call_timeout,
            setup: setup(&address.schema, options.call_timeout),
            pacing: Mutex::new(Pacing::up_to(LONGEST_PAUSE)),
        }
    }

    /// Opens a connection. Its statements wait for what others have locked for so long; if zero, for as
    /// long as a statement may take.
    pub(super) async fn connect(
        &self,
        lock_timeout: Duration,
    ) -> Result<PgConnection, sqlx::Error> {
        let mut pacing = self.pacing.lock().await;
        pacing.wait().await;
        // Until it has succeeded: a caller may give up waiting.
        pacing.slow_down();
        let mut connection = self.servers.connect(self.call_timeout).await?;
        let lock_timeout = lock_timeout.as_millis();
        let setup = format!("{}; SET lock_timeout TO {lock_timeout}", self.setup);
        connection
            .execute(sqlx::raw_sql(AssertSqlSafe(setup)))
            .await?;
        *pacing = Pacing::up_to(LONGEST_PAUSE);
        Ok(connection)
    }
}

/// When the next attempt may be made.
#[derive(Debug)]
pub(super) struct Pacing {
    longest: Duration,
    failures: u32,
    not_before: Option<Instant>,
}

impl Pacing {
    pub(super) fn up_to(longest: Duration) -> Self {
        Self {
            longest,
            failures: 0,
            not_before: None,
        }
    }

    pub(super) async fn wait(&self) {
        if let Some(not_before) = self.not_before {
            tokio::time::sleep_until(not_before).await;
        }
    }

    pub(super) fn slow_down(&mut self) {
        let longest = FIRST_PAUSE
            .saturating_mul(1 << self.failures.min(16))
            .min(self.longest);
        self.failures += 1;
        // Anywhere from the half to the whole of it.
        let share = RandomState::new().hash_one(self.failures) % 512 + 512;
        let pause = longest.mul_f64(share as f64 / 1024.0);
        self.not_before = Some(Instant::now() + pause);
    }
}

/// What every session is set to, whatever server, database or role prefer.
fn setup(schema: &str, call_timeout: Duration) -> String {
    let schema = quoted(schema);
    let timeout = call_timeout.as_millis().clamp(1, i32::MAX as u128);
    format!(
        "SET search_path TO {schema}, pg_temp;
        -- Each statement must see what was committed before it began.
        SET default_transaction_isolation TO 'read committed';
        SET default_transaction_read_only TO off;
        SELECT set_config('synchronous_commit', 'on', FALSE)
        WHERE current_setting('synchronous_commit') = 'off';
        -- What nobody waits for any more ends.
        SET statement_timeout TO {timeout};
        SET idle_in_transaction_session_timeout TO {timeout};
        SET tcp_keepalives_idle TO 30;
        -- All joins are from a list of keys to an index. Plans are made once, on tables that may still
        -- be empty, so the planner is not left the choice to read a whole table instead.
        SET plan_cache_mode TO force_generic_plan;
        SET enable_seqscan TO off;
        SET enable_hashjoin TO off;
        SET enable_mergejoin TO off;
        SET jit TO off;
        SET client_min_messages TO warning"
    )
}

/// A name as an SQL identifier.
pub(super) fn quoted(name: &str) -> String {
    format!("\"{}\"", name.replace('"', "\"\""))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_grow_to_a_bound_and_are_never_the_same_for_all() {
        let pause = |failures| {
            let mut pacing = Pacing {
                failures,
                ..Pacing::up_to(LONGEST_PAUSE)
            };
            let now = Instant::now();
            pacing.slow_down();
            pacing.not_before.unwrap() - now
        };
        for (failures, longest) in [(0, 50), (1, 100), (4, 800), (6, 2_000), (9_999, 2_000)] {
            let longest = Duration::from_millis(longest);
            let pauses: Vec<_> = (0..64).map(|_| pause(failures)).collect();
            let bound = longest + Duration::from_millis(20);
            assert!(pauses.iter().all(|p| *p >= longest / 2 && *p < bound));
            let (least, most) = (pauses.iter().min(), pauses.iter().max());
            assert!(most.unwrap().saturating_sub(*least.unwrap()) > longest / 8);
        }
    }

    #[test]
    fn a_quoted_name_cannot_end_early() {
        assert_eq!(quoted("a\"; DROP"), "\"a\"\"; DROP\"");
    }
}
