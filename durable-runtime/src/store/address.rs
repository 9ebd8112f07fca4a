//! Which kind of database an address names.
//!
//! An address may hold a password, at any place when it was mistyped. So what is not understood is
//! refused and not shown: neither in the error, nor as the name of a file.

use super::{StoreError, StoreErrorKind};

/// A kind of database, and what it makes of an address.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Named<'a> {
    /// `memory:`.
    Memory,
    /// A SQLite file: its path, or a `file:` address of SQLite's own.
    Sqlite(&'a str),
    /// A PostgreSQL database: what comes after `postgres://`.
    Postgres(&'a str),
}

impl<'a> Named<'a> {
    /// Looks at an address.
    pub(crate) fn by(address: &'a str) -> Result<Self, StoreError> {
        // What is copied into a variable often ends with a line.
        let trimmed = address.trim();
        if trimmed == "memory:" {
            return Ok(Self::Memory);
        }
        for scheme in ["postgres://", "postgresql://"] {
            if let Some(rest) = without(trimmed, scheme) {
                return Ok(Self::Postgres(rest));
            }
        }
        for scheme in ["sqlite://", "sqlite:"] {
            if let Some(path) = without(address.trim_start(), scheme) {
                return a_path(path);
            }
        }
        a_path(address)
    }
}

/// What comes after a scheme, whether it is written in small letters or not.
fn without<'a>(address: &'a str, scheme: &str) -> Option<&'a str> {
    let (start, rest) = address.split_at_checked(scheme.len())?;
    start.eq_ignore_ascii_case(scheme).then_some(rest)
}

/// Takes for the path of a file only what looks like nothing else.
fn a_path(path: &str) -> Result<Named<'_>, StoreError> {
    let local = path.strip_prefix("file:").unwrap_or(path);
    let begins = |starts: &[&str]| starts.iter().any(|start| local.starts_with(start));
    let is_plain = begins(&["/", "./", "../"]) && !begins(&["//"]) || path == ":memory:";
    let has_drive = cfg!(windows) && local.get(1..3) == Some(":\\");
    // Parameters are told apart later.
    let name = local.split('?').next().unwrap_or_default();
    if local.contains("://") || name.contains([':', '=']) && !(is_plain || has_drive) {
        return Err(not_understood(path));
    }
    Ok(Named::Sqlite(path))
}

fn not_understood(address: &str) -> StoreError {
    let bare = address.trim_start();
    // A single word in front of `://` is no password.
    let scheme = bare.split_once("://").map(|(scheme, _)| scheme);
    let scheme = scheme.filter(|scheme| scheme.bytes().all(|byte| byte.is_ascii_alphanumeric()));
    let begins = scheme.map_or(String::new(), |scheme| format!(" (`{scheme}://`)"));
    let advice = if bare.starts_with(['"', '\'', '`']) {
        "take the quotes around it away"
    } else if without(bare, "jdbc:").is_some() {
        "leave `jdbc:` away, and put user and password before the host"
    } else if !bare.contains("://") && bare.contains('=') {
        "if it is a list such as `host=.. user=.. password=..`, write it in the form of the first of \
         these"
    } else {
        "check how it begins"
    };
    StoreError::new(
        StoreErrorKind::Open,
        format!(
            "the address of the database{begins} is not understood, and is not shown because it may hold a \
             password; {advice}; there are `postgres://user:password@host:5432/database`, \
             `sqlite://runs.db`, a path such as `/var/lib/shop/runs.db` (`./` before a name with `:` or \
             `=`), and `memory:`"
        ),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_kind_is_known_by_how_it_begins() {
        for (address, named) in [
            ("memory:", Named::Memory),
            ("postgres://h/db", Named::Postgres("h/db")),
            ("postgresql://h/db", Named::Postgres("h/db")),
            (" Postgres://h/db\n", Named::Postgres("h/db")),
            ("sqlite://runs.db", Named::Sqlite("runs.db")),
            ("SQLITE:runs.db", Named::Sqlite("runs.db")),
            ("sqlite:///tmp/a=b.db", Named::Sqlite("/tmp/a=b.db")),
            ("sqlite::memory:", Named::Sqlite(":memory:")),
            ("file:runs.db", Named::Sqlite("file:runs.db")),
            ("runs.db", Named::Sqlite("runs.db")),
            ("/tmp/tail ", Named::Sqlite("/tmp/tail ")),
            ("/tmp/host=a:b@c?.db", Named::Sqlite("/tmp/host=a:b@c?.db")),
            ("data/runs.db", Named::Sqlite("data/runs.db")),
            ("./a=b:c.db", Named::Sqlite("./a=b:c.db")),
            ("../größe.db", Named::Sqlite("../größe.db")),
            ("", Named::Sqlite("")),
        ] {
            assert_eq!(Named::by(address).unwrap(), named, "{address:?}");
        }
    }

    #[test]
    fn what_is_not_understood_is_refused_and_not_shown() {
        const SECRET: &str = "canary";
        for (address, advice) in [
            ("\"postgres://u:canary@h/db\"", "quotes"),
            ("'host=h password=canary'", "quotes"),
            ("host=h password=canary", "host=.. user=.."),
            ("password=canary", "host=.. user=.."),
            (
                "Server=h;User Id=u;Password=canary",
                "postgres://user:password@",
            ),
            ("jdbc:postgresql://h/db?password=canary", "jdbc:"),
            ("mysql://u:canary@h/db", "`mysql://`"),
            ("sqllite://u:canary", "`sqllite://`"),
            ("u:canary://h/db", "how it begins"),
            ("sqlite3:canary", "sqlite://runs.db"),
            ("postgres:u:canary@h/db", "postgres://"),
            ("postgres:/u:canary@h/db", "postgres://"),
            ("u:canary@h/db", "postgres://"),
            ("postgres//u:canary@h/db", "postgres://"),
            ("//u:canary@h/db", "postgres://"),
            ("sqlite://u:canary@h/db", "sqlite://runs.db"),
            ("sqlite://postgres://u:canary@h/db", "postgres://"),
            ("sqlite:file://u:canary@h/db", "postgres://"),
            ("postgres\u{200b}://u:canary@h/db", "postgres://"),
            ("/tmp/postgres://u:canary@h/db", "postgres://"),
        ] {
            let error = Named::by(address).unwrap_err();
            assert_eq!(error.kind(), StoreErrorKind::Open, "{address}");
            let shown = format!("{error} {error:?}");
            assert!(!shown.contains(SECRET), "{shown}");
            assert!(shown.contains(advice), "{address}: {shown}");
        }
    }
}
