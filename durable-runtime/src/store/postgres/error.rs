//! From a driver's error to a [`StoreError`].

use std::{fmt, io, time::Duration};

use crate::store::{StoreError, StoreErrorKind};

/// Why a call on a connection failed.
#[derive(Debug)]
pub(super) enum Fault {
    /// The driver or the server said so.
    Driver(sqlx::Error),
    /// There was no answer in time; what was asked may have happened.
    Timeout(Duration),
    /// There was no connection in time; nothing was asked.
    NoConnection(Duration),
    /// The store was closed.
    Closed,
}

impl From<sqlx::Error> for Fault {
    fn from(error: sqlx::Error) -> Self {
        Self::Driver(error)
    }
}

/// Describes a failed call by what was being done, where, and what helps.
pub(super) fn describe(doing: &str, place: &impl fmt::Display, fault: Fault) -> StoreError {
    let (kind, advice) = match &fault {
        Fault::Driver(error) => classify(error),
        Fault::Timeout(_) => (
            StoreErrorKind::Unavailable,
            "there was no answer in time; the connection was given up, and the next call opens another",
        ),
        Fault::NoConnection(_) => (
            StoreErrorKind::Unavailable,
            "there was no connection in time; check that the server answers",
        ),
        Fault::Closed => (StoreErrorKind::Unavailable, "the store is closed"),
    };
    let message = format!("cannot {doing} in {place}: {advice}");
    let error = StoreError::new(kind, message);
    match fault {
        Fault::Driver(source) if is_statement_timeout(&source) => {
            error.timed_out().with_source(source)
        }
        Fault::Driver(source) => error.with_source(source),
        Fault::Timeout(after) => error
            .timed_out()
            .with_source(format!("no answer after {after:?}")),
        Fault::NoConnection(after) => error.with_source(format!("no answer after {after:?}")),
        Fault::Closed => error,
    }
}

/// Whether the server gave a statement up that took too long, as this store asks it to.
fn is_statement_timeout(error: &sqlx::Error) -> bool {
    let error = error.as_database_error();
    error.is_some_and(|error| error.code().as_deref() == Some("57014"))
}

const REFUSED_TLS: (StoreErrorKind, &str) = (
    StoreErrorKind::Open,
    "no encrypted connection could be agreed on; check `sslmode`, `sslrootcert`, and that the server's \
     certificate is valid for the host of the address",
);

fn classify(error: &sqlx::Error) -> (StoreErrorKind, &'static str) {
    match error {
        sqlx::Error::Database(error) => by_code(&error.code().unwrap_or_default()),
        // A certificate that is not accepted breaks the connection while it is being made.
        sqlx::Error::Io(error) if error.kind() == io::ErrorKind::InvalidData => REFUSED_TLS,
        sqlx::Error::Tls(_) => REFUSED_TLS,
        sqlx::Error::Io(error) if error.kind() == io::ErrorKind::NotFound => (
            StoreErrorKind::Unavailable,
            "a file is not there: the socket of a server that does not run, or what `sslrootcert`, \
             `sslcert` or `sslkey` names",
        ),
        sqlx::Error::Io(_) => (
            StoreErrorKind::Unavailable,
            "the server cannot be reached, or the connection broke; check that it runs and that host \
             and port are right",
        ),
        sqlx::Error::ColumnDecode { .. } | sqlx::Error::Decode(_) => (
            StoreErrorKind::Unreadable,
            "a row holds a value of an unexpected type; it was changed by hand, or by another version",
        ),
        sqlx::Error::Configuration(_) => (
            StoreErrorKind::Open,
            "the options of the connection do not fit together",
        ),
        sqlx::Error::Encode(_) => (
            StoreErrorKind::Refused,
            "a value cannot be written in the form that the database takes",
        ),
        _ => (StoreErrorKind::Internal, "a statement failed unexpectedly"),
    }
}

/// By SQLSTATE: <https://www.postgresql.org/docs/current/errcodes-appendix.html>.
fn by_code(code: &str) -> (StoreErrorKind, &'static str) {
    let busy = (
        StoreErrorKind::Busy,
        "the server could not do it at this moment; the call can be made again",
    );
    match code {
        "28P01" | "28000" => (
            StoreErrorKind::Denied,
            "the server refused the login; check user and password, and the server's `pg_hba.conf`",
        ),
        "42501" => (
            StoreErrorKind::Denied,
            "the role lacks a right; grant it, or open the database once with a role that owns the \
             schema",
        ),
        "3D000" => (
            StoreErrorKind::Open,
            "the database does not exist; create it with `CREATE DATABASE`, or correct the address",
        ),
        "53300" => (
            StoreErrorKind::Unavailable,
            "the server has no connection left; raise `max_connections`, or lower \
             `PostgresOptions::connections`",
        ),
        "53100" => (
            StoreErrorKind::Unavailable,
            "the server's disk is full; make room, and the call can be made again",
        ),
        "25006" => (
            StoreErrorKind::ReadOnly,
            "the server takes no writes; it is a standby, or was set to read only: connect to the \
             primary",
        ),
        "XX001" | "XX002" => (
            StoreErrorKind::Corrupt,
            "the server found damaged data; restore a backup, and check the server's disk and memory",
        ),
        // Serialization, deadlock, a plan that a migration has outdated.
        // A row that another transaction was inserting at the same time.
        "40001" | "40P01" | "0A000" | "23505" => busy,
        "55P03" => (
            StoreErrorKind::Locked,
            "somebody holds a row in a transaction that stays open; find it in `pg_locks` and \
             `pg_stat_activity`, and end it",
        ),
        "57014" => (
            StoreErrorKind::Unavailable,
            "the server ended the statement: it took too long, or somebody canceled it",
        ),
        // Memory and other resources, shutdowns, connections, I/O.
        _ if ["53", "57", "58", "08"]
            .iter()
            .any(|class| code.starts_with(class)) =>
        {
            (
                StoreErrorKind::Unavailable,
                "the server is short of something, shutting down or starting; the call can be made \
                 again",
            )
        }
        // Values that no column holds, rules of the tables, limits of the server.
        _ if ["22", "23", "54"]
            .iter()
            .any(|class| code.starts_with(class)) =>
        {
            (
                StoreErrorKind::Refused,
                "the database cannot hold what was to be written: it is too large for it, or breaks one of \
                 its rules",
            )
        }
        _ => (StoreErrorKind::Internal, "a statement failed unexpectedly"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_code_says_whether_trying_again_helps() {
        for (code, kind) in [
            ("40001", StoreErrorKind::Busy),
            ("40P01", StoreErrorKind::Busy),
            ("55P03", StoreErrorKind::Locked),
            ("0A000", StoreErrorKind::Busy),
            ("57014", StoreErrorKind::Unavailable),
            ("57P01", StoreErrorKind::Unavailable),
            ("57P03", StoreErrorKind::Unavailable),
            ("53300", StoreErrorKind::Unavailable),
            ("53100", StoreErrorKind::Unavailable),
            ("08006", StoreErrorKind::Unavailable),
            ("58030", StoreErrorKind::Unavailable),
            ("25006", StoreErrorKind::ReadOnly),
            ("28P01", StoreErrorKind::Denied),
            ("28000", StoreErrorKind::Denied),
            ("42501", StoreErrorKind::Denied),
            ("3D000", StoreErrorKind::Open),
            ("XX001", StoreErrorKind::Corrupt),
            ("XX000", StoreErrorKind::Internal),
            ("23505", StoreErrorKind::Busy),
            ("23514", StoreErrorKind::Refused),
            ("22021", StoreErrorKind::Refused),
            ("54000", StoreErrorKind::Refused),
            ("42P01", StoreErrorKind::Internal),
        ] {
            assert_eq!(by_code(code).0, kind, "{code}");
        }
    }

    #[test]
    fn a_message_names_what_failed_where_and_the_cause() {
        let fault = Fault::Timeout(Duration::from_secs(3));
        let error = describe("read a run", &"schema `a`", fault);
        let text = error.to_string();
        assert!(
            text.starts_with("cannot read a run in schema `a`: "),
            "{text}"
        );
        assert!(text.ends_with(": no answer after 3s"), "{text}");
        assert!(error.is_transient());
    }
}
