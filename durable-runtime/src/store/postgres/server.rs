//! What kind of server answers, and whether it can be built on.

use sqlx::{Executor, PgConnection, Row};

use super::{
    address::Address,
    error::{Fault, describe},
};
use crate::store::{StoreError, StoreErrorKind};

const OLDEST: i32 = 140_000;

/// Refuses a transaction pooler: two connections that are open at the same time must have two sessions,
/// and keep them.
pub(super) async fn refuse_pooler(
    first: &mut PgConnection,
    second: &mut PgConnection,
    address: &Address,
) -> Result<(), StoreError> {
    let mut sessions = Vec::new();
    for _ in 0..3 {
        for connection in [&mut *first, &mut *second] {
            let session = session_of(connection).await;
            sessions.push(session.map_err(|error| describe("look at sessions", address, error))?);
        }
    }
    if are_own(&sessions) {
        return Ok(());
    }
    Err(StoreError::new(
        StoreErrorKind::Unsupported,
        format!(
            "there is a transaction pooler in front of {address}: statements of one connection are \
             executed in the sessions of others, which gives wrong answers without an error; connect \
             to the server itself, or set the pooler to session mode (`pool_mode = session`)"
        ),
    ))
}

/// Whether sessions that were seen in turns belong to one of two connections each.
fn are_own(sessions: &[i32]) -> bool {
    let [first, second, ..] = *sessions else {
        return false;
    };
    let turns = sessions.chunks(2);
    first != second && turns.into_iter().all(|turn| turn == [first, second])
}

/// In the simple protocol, which a pooler cannot get wrong.
async fn session_of(connection: &mut PgConnection) -> Result<i32, Fault> {
    let row = connection
        .fetch_one(sqlx::raw_sql("SELECT pg_backend_pid()"))
        .await?;
    Ok(row.try_get(0)?)
}

/// Refuses a server that is too old, takes no writes or cannot hold every text, and gives what to warn
/// about.
pub(super) async fn inspect(
    connection: &mut PgConnection,
    address: &Address,
) -> Result<Vec<String>, StoreError> {
    let server = ask(connection)
        .await
        .map_err(|error| describe("look at the server's settings", address, error.into()))?;
    server.judge(address)
}

#[derive(Debug, Clone)]
struct Server {
    version: i32,
    encoding: String,
    is_standby: bool,
    fsync: String,
    full_page_writes: String,
    synchronous_commit: String,
}

async fn ask(connection: &mut PgConnection) -> Result<Server, sqlx::Error> {
    let row = sqlx::query(
        "SELECT current_setting('server_version_num')::INTEGER, current_setting('server_encoding'), \
         pg_is_in_recovery(), current_setting('fsync'), current_setting('full_page_writes'), \
         (SELECT reset_val FROM pg_settings WHERE name = 'synchronous_commit')",
    )
    .fetch_one(connection)
    .await?;
    Ok(Server {
        version: row.try_get(0)?,
        encoding: row.try_get(1)?,
        is_standby: row.try_get(2)?,
        fsync: row.try_get(3)?,
        full_page_writes: row.try_get(4)?,
        synchronous_commit: row.try_get(5)?,
    })
}

impl Server {
    fn judge(&self, address: &Address) -> Result<Vec<String>, StoreError> {
        let unsupported = |message| Err(StoreError::new(StoreErrorKind::Unsupported, message));
        if self.version < OLDEST {
            return unsupported(format!(
                "the server of {address} is PostgreSQL {}, and 14 is the oldest that works; upgrade it",
                self.version / 10_000
            ));
        }
        if self.encoding != "UTF8" {
            return unsupported(format!(
                "{address} is encoded in {}, which cannot hold every text; create a database with \
                 `ENCODING 'UTF8'`",
                self.encoding
            ));
        }
        if self.is_standby {
            return Err(StoreError::new(
                StoreErrorKind::ReadOnly,
                format!("the server of {address} is a standby; connect to the primary"),
            ));
        }
        Ok(self.warnings(address))
    }

    fn warnings(&self, address: &Address) -> Vec<String> {
        let mut warnings = Vec::new();
        for (name, value) in [
            ("fsync", &self.fsync),
            ("full_page_writes", &self.full_page_writes),
        ] {
            if value == "off" {
                warnings.push(format!(
                    "the server of {address} runs with `{name} = off`: when its machine crashes, \
                     acknowledged runs, signals and results may be lost and the database damaged; set \
                     it to `on` and restart the server"
                ));
            }
        }
        if self.synchronous_commit == "off" {
            warnings.push(format!(
                "the server of {address} is set to `synchronous_commit = off`, which would lose \
                 acknowledged writes in a crash; this store's own connections set it to `on`"
            ));
        }
        warnings
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn address() -> Address {
        Address::parse("postgres://u:canary@h/db", "durable").unwrap()
    }

    fn sound() -> Server {
        Server {
            version: 140_000,
            encoding: "UTF8".to_owned(),
            is_standby: false,
            fsync: "on".to_owned(),
            full_page_writes: "on".to_owned(),
            synchronous_commit: "remote_apply".to_owned(),
        }
    }

    #[test]
    fn sessions_that_are_shared_or_change_give_a_pooler_away() {
        assert!(are_own(&[1, 2, 1, 2, 1, 2]));
        for sessions in [
            [1, 1, 1, 1, 1, 1],
            [1, 2, 2, 1, 1, 2],
            [1, 2, 1, 2, 1, 1],
            [1, 2, 3, 4, 5, 6],
        ] {
            assert!(!are_own(&sessions), "{sessions:?}");
        }
        assert!(!are_own(&[]));
    }

    #[test]
    fn a_sound_server_is_taken_without_a_word() {
        assert!(sound().judge(&address()).unwrap().is_empty());
    }

    #[test]
    fn a_server_that_cannot_be_built_on_is_refused_with_advice() {
        let cases = [
            (
                Server {
                    version: 130_015,
                    ..sound()
                },
                StoreErrorKind::Unsupported,
                "PostgreSQL 13",
            ),
            (
                Server {
                    encoding: "LATIN1".to_owned(),
                    ..sound()
                },
                StoreErrorKind::Unsupported,
                "ENCODING 'UTF8'",
            ),
            (
                Server {
                    is_standby: true,
                    ..sound()
                },
                StoreErrorKind::ReadOnly,
                "primary",
            ),
        ];
        for (server, kind, advice) in cases {
            let error = server.judge(&address()).unwrap_err();
            assert_eq!(error.kind(), kind);
            assert!(error.to_string().contains(advice), "{error}");
        }
    }

    #[test]
    fn settings_that_lose_data_are_warned_about() {
        let off = || "off".to_owned();
        let server = Server {
            fsync: off(),
            full_page_writes: off(),
            synchronous_commit: off(),
            ..sound()
        };
        let warnings = server.judge(&address()).unwrap();
        for (warning, setting) in warnings.iter().zip([
            "`fsync = off`",
            "`full_page_writes = off`",
            "`synchronous_commit = off`",
        ]) {
            assert!(warning.contains(setting), "{warning}");
        }
        assert_eq!(warnings.len(), 3);
    }
}
