//! From an address to a server, without letting a password out.

mod parameters;
mod servers;
mod url;

use std::{fmt, net::IpAddr, sync::Arc};

use sqlx::{
    ConnectOptions,
    postgres::{PgConnectOptions, PgSslMode},
};

use crate::store::{StoreError, StoreErrorKind, address::Named};
use parameters::{ForDriver, meaning};
pub(super) use servers::Servers;
use url::encoded;

/// Where the tables are. Its `Debug` and `Display` name the servers, the database and the schema, and
/// never the password.
#[derive(Clone)]
pub(super) struct Address {
    pub(super) servers: Arc<Servers>,
    pub(super) schema: String,
}

impl Address {
    /// Takes `postgres://user:password@host:port/database` apart.
    pub(super) fn parse(url: &str, schema: &str) -> Result<Self, StoreError> {
        Self::parse_with(url, schema, |name| std::env::var(name).ok())
    }

    /// The same, with something else in place of the environment.
    fn parse_with(
        url: &str,
        schema: &str,
        variable: impl Fn(&str) -> Option<String>,
    ) -> Result<Self, StoreError> {
        let refuse = |why: String| StoreError::new(StoreErrorKind::Open, why);
        let Named::Postgres(rest) = Named::by(url)? else {
            return Err(refuse(
                "a PostgreSQL address begins with `postgres://`: \
                 `postgres://user:password@host:5432/database`"
                    .to_owned(),
            ));
        };
        let settings = url::take_apart(rest).map_err(refuse)?;
        let meaning = meaning(settings, variable).map_err(refuse)?;
        check_schema(schema)?;
        let hosts = meaning.hosts.iter().map(for_driver);
        let hosts = hosts.collect::<Option<Vec<_>>>();
        let servers = hosts.and_then(|hosts| Servers::new(hosts, meaning.connect_timeout));
        let servers = servers.ok_or_else(|| {
            refuse("the driver cannot read what the PostgreSQL address says".to_owned())
        })?;
        Ok(Self {
            servers: Arc::new(servers),
            schema: schema.to_owned(),
        })
    }

    /// Who logs in.
    pub(super) fn role(&self) -> &str {
        self.servers.current().get_username()
    }

    pub(super) fn database(&self) -> &str {
        let host = self.servers.current();
        host.get_database().unwrap_or(host.get_username())
    }

    /// What to warn about: a connection that others could listen to, or pretend to be the server on.
    pub(super) fn weak_encryption(&self) -> Option<String> {
        let is_weak = |host: &PgConnectOptions| {
            !(is_local(host) || matches!(host.get_ssl_mode(), PgSslMode::VerifyFull))
        };
        if !self.servers.all().iter().any(is_weak) {
            return None;
        }
        Some(format!(
            "the connection to {self} is not protected against somebody who pretends to be the server \
             (`sslmode` is not `verify-full`); add `?sslmode=verify-full` to the address, and \
             `&sslrootcert=FILE` if the server's certificate is not signed by a public authority"
        ))
    }
}

/// Parameters in the driver's form. Its error may quote a part of them, so it is not told.
fn for_driver(parameters: &ForDriver) -> Option<PgConnectOptions> {
    let parameters = parameters.iter();
    let parameters = parameters.map(|(name, value)| format!("{name}={}", encoded(value)));
    let address = format!("postgres:///?{}", parameters.collect::<Vec<_>>().join("&"));
    let options = address.parse::<PgConnectOptions>().ok()?;
    // Poolers refuse start parameters that they do not know; no float is ever read.
    Some(options.extra_float_digits(None).disable_statement_logging())
}

fn is_local(host: &PgConnectOptions) -> bool {
    let name = host.get_host();
    let ip = name.parse::<IpAddr>();
    host.get_socket().is_some()
        || name.starts_with('/')
        || name == "localhost"
        || ip.is_ok_and(|ip| ip.is_loopback())
}

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (database, schema) = (self.database(), &self.schema);
        write!(f, "schema `{schema}` of PostgreSQL database `{database}`")?;
        for (number, host) in self.servers.all().iter().enumerate() {
            let or = if number == 0 { "" } else { " or" };
            match (host.get_socket(), host.get_host()) {
                (Some(socket), _) => write!(f, "{or} at `{}`", socket.display())?,
                (None, name) if name.contains(':') => {
                    write!(f, "{or} on `[{name}]:{}`", host.get_port())?;
                }
                (None, name) => write!(f, "{or} on `{name}:{}`", host.get_port())?,
            }
        }
        Ok(())
    }
}

impl fmt::Debug for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{self}")
    }
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
        Address::parse_with(url, "durable", |_| None)
    }

    #[test]
    fn an_address_is_shown_without_its_secrets() {
        let url = format!("postgres://ops:{SECRET}@db.example:5433/orders?password={SECRET}");
        let address = parse(&url).unwrap();
        let weak = address.weak_encryption();
        let shown = format!("{address} {address:?} {:?} {weak:?}", address.servers);
        assert!(!shown.contains(SECRET), "{shown}");
        assert!(shown.contains("schema `durable`") && shown.contains("database `orders`"));
        assert!(shown.contains("`db.example:5433`"), "{shown}");
    }

    #[test]
    fn a_password_of_the_environment_is_not_shown() {
        let variable = |name: &str| (name == "PGPASSWORD").then(|| SECRET.to_owned());
        let address = Address::parse_with("postgres://db.example", "durable", variable).unwrap();
        let shown = format!("{address} {address:?} {:?}", address.servers);
        assert!(!shown.contains(SECRET), "{shown}");
    }

    #[test]
    fn every_host_is_shown() {
        let address = parse("postgres://u@one,two:1,[::1]:2,%2Ftmp/d").unwrap();
        assert_eq!(
            address.to_string(),
            "schema `durable` of PostgreSQL database `d` on `one:5432` or on `two:1` or on `[::1]:2` or \
             at `/tmp`"
        );
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
            format!("postgres://u:p@h/db?password=a&{SECRET}"),
            format!("postgres://u:p@h/db?password=a&{SECRET}=b"),
            "postgres://u:p@h/db?password=a&canary=b".to_owned(),
            format!("postgres://u:p@h#{SECRET}/db"),
            format!("postgres://u:p@h/db?connect_timeout={SECRET}"),
            format!("postgres://u:p@h/db?channel_binding={SECRET}"),
            format!("postgres://u:12/{SECRET}@h/db"),
        ];
        for url in addresses {
            let error = parse(&url).unwrap_err();
            assert_eq!(error.kind(), StoreErrorKind::Open);
            let shown = format!("{error} {error:?}");
            assert!(!shown.contains("canary"), "{shown}");
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
