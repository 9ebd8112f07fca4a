//! From an address to a server, without letting a password out.

use std::{fmt, net::IpAddr};

use sqlx::postgres::{PgConnectOptions, PgSslMode};

use crate::store::{StoreError, StoreErrorKind};

/// Where the tables are. Its `Debug` and `Display` name the server, the database and the schema, and
/// never the password.
#[derive(Clone)]
pub(super) struct Address {
    pub(super) connect: PgConnectOptions,
    pub(super) schema: String,
}

impl Address {
    /// Takes `postgres://user:password@host:port/database` apart.
    pub(super) fn parse(url: &str, schema: &str) -> Result<Self, StoreError> {
        let refuse = |why: &str| Err(StoreError::new(StoreErrorKind::Open, why));
        if !(url.starts_with("postgres://") || url.starts_with("postgresql://")) {
            return refuse(
                "a PostgreSQL address begins with `postgres://`: \
                 `postgres://user:password@host:5432/database`",
            );
        }
        if let Some(parameter) = unknown_parameter(url) {
            return refuse(&format!(
                "the PostgreSQL address has a parameter `{parameter}`, which is not known; known \
                 ones: {}",
                PARAMETERS.join(", ")
            ));
        }
        check_schema(schema)?;
        // The parser's error may quote a part of the address, so only its kind is told.
        let Ok(connect) = url.parse::<PgConnectOptions>() else {
            return refuse(
                "the PostgreSQL address cannot be read; write \
                 `postgres://user:password@host:5432/database`, and encode special characters of the \
                 password as `%40` for `@`, `%2F` for `/`, `%3A` for `:`, `%23` for `#`, `%3F` for `?`",
            );
        };
        let connect = match connect.get_application_name() {
            Some(_) => connect,
            None => connect.application_name("durable"),
        };
        Ok(Self {
            // Poolers refuse start parameters that they do not know; no float is ever read.
            connect: connect.extra_float_digits(None),
            schema: schema.to_owned(),
        })
    }

    fn database(&self) -> &str {
        let user = self.connect.get_username();
        self.connect.get_database().unwrap_or(user)
    }

    /// What to warn about: a connection that others could listen to, or pretend to be the server on.
    pub(super) fn weak_encryption(&self) -> Option<String> {
        let mode = self.connect.get_ssl_mode();
        if self.is_local() || matches!(mode, PgSslMode::VerifyFull) {
            return None;
        }
        Some(format!(
            "the connection to {self} is not protected against somebody who pretends to be the server \
             (`sslmode` is not `verify-full`); add `?sslmode=verify-full` to the address, and \
             `&sslrootcert=FILE` if the server's certificate is not signed by a public authority"
        ))
    }

    fn is_local(&self) -> bool {
        let host = self.connect.get_host();
        let ip = host.trim_matches(['[', ']']).parse::<IpAddr>();
        self.connect.get_socket().is_some()
            || host.starts_with('/')
            || host == "localhost"
            || ip.is_ok_and(|ip| ip.is_loopback())
    }
}

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (database, schema) = (self.database(), &self.schema);
        write!(f, "schema `{schema}` of PostgreSQL database `{database}` ")?;
        match self.connect.get_socket() {
            Some(socket) => write!(f, "at `{}`", socket.display()),
            None => write!(
                f,
                "on `{}:{}`",
                self.connect.get_host(),
                self.connect.get_port()
            ),
        }
    }
}

impl fmt::Debug for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{self}")
    }
}

/// The parameters that the driver understands. It would log others with their values.
const PARAMETERS: &[&str] = &[
    "sslmode",
    "sslrootcert",
    "sslcert",
    "sslkey",
    "host",
    "hostaddr",
    "port",
    "dbname",
    "user",
    "password",
    "application_name",
    "options",
];

/// The name of the first parameter that is not known.
fn unknown_parameter(url: &str) -> Option<&str> {
    let (_, parameters) = url.split_once('?')?;
    let parameters = parameters.split('#').next().unwrap_or_default();
    let mut names = parameters
        .split('&')
        .map(|parameter| parameter.split('=').next().unwrap_or_default());
    names.find(|name| !name.is_empty() && !PARAMETERS.contains(name))
}

/// PostgreSQL cuts off longer names, so that two of them would be one.
fn check_schema(schema: &str) -> Result<(), StoreError> {
    let why = if schema.is_empty() {
        "it is empty"
    } else if schema.len() > 63 {
        "it has more than 63 bytes"
    } else if schema.contains('\0') {
        "it contains a NUL character"
    } else if schema.starts_with("pg_") || schema == "information_schema" {
        "PostgreSQL keeps such names for itself"
    } else {
        return Ok(());
    };
    Err(StoreError::new(
        StoreErrorKind::Open,
        format!("the schema name {schema:?} cannot be used: {why}"),
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECRET: &str = "canary-7f3a";

    fn parse(url: &str) -> Result<Address, StoreError> {
        Address::parse(url, "durable")
    }

    #[test]
    fn an_address_is_shown_without_its_secrets() {
        let url = format!("postgres://ops:{SECRET}@db.example:5433/orders?password={SECRET}");
        let address = parse(&url).unwrap();
        let shown = format!("{address} {address:?} {:?}", address.weak_encryption());
        assert!(!shown.contains(SECRET), "{shown}");
        assert!(shown.contains("schema `durable`") && shown.contains("database `orders`"));
        assert!(shown.contains("`db.example:5433`"), "{shown}");
    }

    #[test]
    fn an_address_that_cannot_be_read_is_refused_without_showing_it() {
        let addresses = [
            format!("mysql://u:{SECRET}@h/db"),
            format!("postgres://u:{SECRET}@[bad/db"),
            format!("postgres://u:p@h:{SECRET}/db"),
            format!("postgres://u:p@h/db?sslmode={SECRET}"),
            format!("postgres://u:p@h/db?port={SECRET}"),
            format!("postgres://u:p@h/db?pasword={SECRET}"),
        ];
        for url in addresses {
            let error = parse(&url).unwrap_err();
            assert_eq!(error.kind(), StoreErrorKind::Open);
            let shown = format!("{error} {error:?}");
            assert!(!shown.contains(SECRET), "{shown}");
        }
        let error = parse("postgres://h/db?pasword=x").unwrap_err();
        assert!(error.to_string().contains("`pasword`"), "{error}");
    }

    #[test]
    fn a_remote_connection_that_does_not_verify_its_server_is_warned_about() {
        let warned = |url: &str| parse(url).unwrap().weak_encryption().is_some();
        for url in [
            "postgres://db.example/a",
            "postgres://10.0.0.7/a?sslmode=require",
            "postgres://db.example/a?sslmode=verify-ca",
            "postgres://localhost.example/a?sslmode=disable",
        ] {
            assert!(warned(url), "{url}");
        }
        for url in [
            "postgres://db.example/a?sslmode=verify-full",
            "postgres://127.0.0.1/a",
            "postgres://[::1]/a",
            "postgres://localhost/a",
            "postgres://%2Fvar%2Frun%2Fpostgresql/a",
            "postgres:///a?host=/tmp",
        ] {
            assert!(!warned(url), "{url}");
        }
    }

    #[test]
    fn a_schema_name_that_postgresql_would_change_is_refused() {
        for schema in ["", "pg_mine", "information_schema", "a\0b", &"x".repeat(64)] {
            let error = Address::parse("postgres://h/db", schema).unwrap_err();
            assert_eq!(error.kind(), StoreErrorKind::Open, "{schema:?}");
        }
        for schema in ["durable", "My \"orders\"; --", "größe", &"x".repeat(63)] {
            assert!(Address::parse("postgres://h/db", schema).is_ok());
        }
    }
}
