//! What the parameters of an address mean: those of PostgreSQL's own library (libpq), with its
//! variables of the environment as their defaults.
//!
//! A parameter that would change what is promised and that the driver cannot follow is refused; one that
//! cannot matter here is taken and ignored.

use std::{collections::BTreeMap, time::Duration};

use super::url::Settings;

/// What is done with a parameter.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Use {
    /// It is followed.
    Followed,
    /// Nothing depends on it: the line is watched, encryption is agreed on and text is encoded in
    /// another way.
    Ignored,
    /// Only these values can be followed; others ask for something that is not there.
    Only(&'static [&'static str]),
}
use Use::{Followed, Ignored, Only};

/// Names, the variables that stand for them, and their use.
const PARAMETERS: &[(&str, &str, Use)] = &[
    ("host", "PGHOST", Followed),
    ("hostaddr", "PGHOSTADDR", Followed),
    ("port", "PGPORT", Followed),
    ("dbname", "PGDATABASE", Followed),
    ("user", "PGUSER", Followed),
    ("password", "PGPASSWORD", Followed),
    ("sslmode", "PGSSLMODE", Followed),
    ("ssl", "", Only(&["true"])),
    ("sslrootcert", "PGSSLROOTCERT", Followed),
    ("sslcert", "PGSSLCERT", Followed),
    ("sslkey", "PGSSLKEY", Followed),
    ("application_name", "PGAPPNAME", Followed),
    ("fallback_application_name", "", Followed),
    ("options", "PGOPTIONS", Followed),
    ("connect_timeout", "PGCONNECT_TIMEOUT", Followed),
    (
        "target_session_attrs",
        "PGTARGETSESSIONATTRS",
        Only(&["any", "read-write", "primary"]),
    ),
    (
        "channel_binding",
        "PGCHANNELBINDING",
        Only(&["disable", "prefer", "require"]),
    ),
    ("gssencmode", "PGGSSENCMODE", Only(&["disable", "prefer"])),
    (
        "ssl_min_protocol_version",
        "PGSSLMINPROTOCOLVERSION",
        Only(&["TLSv1", "TLSv1.1", "TLSv1.2"]),
    ),
    ("sslcertmode", "PGSSLCERTMODE", Only(&["allow"])),
    ("sslsni", "PGSSLSNI", Only(&["1"])),
    ("require_auth", "PGREQUIREAUTH", Only(&[])),
    ("requirepeer", "PGREQUIREPEER", Only(&[])),
    ("sslcrl", "PGSSLCRL", Only(&[])),
    ("sslcrldir", "PGSSLCRLDIR", Only(&[])),
    ("service", "", Only(&[])),
    ("keepalives", "", Ignored),
    ("keepalives_idle", "", Ignored),
    ("keepalives_interval", "", Ignored),
    ("keepalives_count", "", Ignored),
    ("tcp_user_timeout", "", Ignored),
    ("load_balance_hosts", "PGLOADBALANCEHOSTS", Ignored),
    ("sslnegotiation", "PGSSLNEGOTIATION", Ignored),
    ("sslcompression", "PGSSLCOMPRESSION", Ignored),
    ("client_encoding", "PGCLIENTENCODING", Ignored),
];

/// What the driver is given as it is.
const GIVEN: [&str; 6] = ["dbname", "user", "password", "sslcert", "sslkey", "options"];

/// Parameters that the driver knows, for one host.
pub(super) type ForDriver = Vec<(&'static str, String)>;

/// What an address means.
pub(super) struct Meaning {
    pub(super) hosts: Vec<ForDriver>,
    pub(super) connect_timeout: Option<Duration>,
}

/// Finds out what settings mean. The error says what to do, and shows no value.
pub(super) fn meaning(
    settings: Settings,
    variable: impl Fn(&str) -> Option<String>,
) -> Result<Meaning, String> {
    let known = Known::new(settings, variable)?;
    let mut common: Vec<(&'static str, &str)> = Vec::new();
    for name in GIVEN {
        common.extend(known.get(name).map(|value| (name, value)));
    }
    let name = known.get("application_name");
    let name = name.or_else(|| known.get("fallback_application_name"));
    common.push(("application_name", name.unwrap_or("durable")));
    let encryption = known.encryption()?;
    let mut hosts = Vec::new();
    for (host, port) in known.hosts()? {
        let mut all = common.clone();
        // Nobody listens in on a socket of this machine, and no certificate fits it.
        match host.is_some_and(|host| host.starts_with('/')) {
            true => all.push(("sslmode", "disable")),
            false => all.extend(encryption.iter().copied()),
        }
        all.extend(host.map(|host| ("host", host)));
        all.push(("port", port));
        let owned = |(name, value): (&'static str, &str)| (name, value.to_owned());
        hosts.push(all.into_iter().map(owned).collect());
    }
    Ok(Meaning {
        hosts,
        connect_timeout: known.connect_timeout()?,
    })
}

/// Settings of known names with values that can be followed.
struct Known(BTreeMap<&'static str, String>);

impl Known {
    fn new(settings: Settings, variable: impl Fn(&str) -> Option<String>) -> Result<Self, String> {
        let mut known = BTreeMap::new();
        let mut after_password = false;
        for (name, value) in settings {
            let Some((name, ..)) = PARAMETERS.iter().find(|(known, ..)| *known == name) else {
                return Err(unknown(&name, after_password));
            };
            after_password |= *name == "password";
            known.insert(*name, value);
        }
        for (name, variable_name, _) in PARAMETERS {
            let value = variable(variable_name).filter(|value| !value.is_empty());
            if let (Some(value), false) = (value, known.contains_key(name)) {
                known.insert(*name, value);
            }
        }
        for (name, variable_name, usage) in PARAMETERS {
            let (Some(value), Only(values)) = (known.get(name), usage) else {
                continue;
            };
            if !values.contains(&value.as_str()) {
                return Err(cannot_follow(name, variable_name, values));
            }
        }
        Ok(Self(known))
    }

    fn get(&self, name: &str) -> Option<&str> {
        self.0.get(name).map(String::as_str)
    }

    /// The hosts, each with its port.
    fn hosts(&self) -> Result<Vec<(Option<&str>, &str)>, String> {
        let hosts = match (self.get("host"), self.get("hostaddr")) {
            (Some(_), Some(_)) => {
                return Err(
                    "the PostgreSQL address (or `PGHOSTADDR`) has both `host` and `hostaddr`, \
                            of which one can be followed; leave one away"
                        .to_owned(),
                );
            }
            (host, address) => host.or(address).unwrap_or_default(),
        };
        let hosts: Vec<&str> = hosts.split(',').collect();
        let ports: Vec<&str> = self.get("port").unwrap_or_default().split(',').collect();
        if ports.len() != 1 && ports.len() != hosts.len() {
            return Err(format!(
                "the PostgreSQL address has {} hosts and {} ports; give one port, or one for each host",
                hosts.len(),
                ports.len()
            ));
        }
        let ports = ports.iter().cycle();
        hosts
            .iter()
            .zip(ports)
            .map(|(host, port)| one(host, port))
            .collect()
    }

    /// The driver's settings for encryption, never weaker than what was asked for.
    fn encryption(&self) -> Result<Vec<(&'static str, &str)>, String> {
        const MODES: [&str; 6] = [
            "disable",
            "allow",
            "prefer",
            "require",
            "verify-ca",
            "verify-full",
        ];
        let asked = self.get("sslmode").or(self.get("ssl").map(|_| "require"));
        let Some(mut mode) = MODES
            .iter()
            .position(|mode| *mode == asked.unwrap_or("prefer"))
        else {
            return Err(format!(
                "the PostgreSQL address (or `PGSSLMODE`) has an `sslmode` that is not known; known ones: {}",
                MODES.join(", ")
            ));
        };
        let root = self.get("sslrootcert");
        let is_public = root == Some("system");
        if is_public && asked.is_some_and(|asked| asked != "verify-full") {
            return Err(
                "the PostgreSQL address has `sslrootcert=system`, with which only \
                        `sslmode=verify-full` is safe; write that"
                    .to_owned(),
            );
        }
        // The driver does not bind channels. That a server proves by its certificate who it is protects
        // against the same: somebody who stands between.
        if is_public || self.get("channel_binding") == Some("require") {
            mode = MODES.len() - 1;
        }
        let mode = match (MODES[mode], root) {
            ("require", Some(_)) => "verify-ca",
            (mode, _) => mode,
        };
        let root = root
            .filter(|_| !is_public)
            .map(|root| ("sslrootcert", root));
        Ok([("sslmode", mode)].into_iter().chain(root).collect())
    }

    fn connect_timeout(&self) -> Result<Option<Duration>, String> {
        let Some(seconds) = self.get("connect_timeout") else {
            return Ok(None);
        };
        let seconds: i64 = seconds.trim().parse().map_err(|_| {
            "the PostgreSQL address (or `PGCONNECT_TIMEOUT`) has a `connect_timeout` that is no number \
             of seconds"
        })?;
        let seconds = u64::try_from(seconds).unwrap_or(0);
        Ok((seconds > 0).then(|| Duration::from_secs(seconds)))
    }
}

fn one<'a>(host: &'a str, port: &'a str) -> Result<(Option<&'a str>, &'a str), String> {
    let is_name = |c: char| c.is_alphanumeric() || "-_.:%".contains(c);
    let is_sound = host.starts_with('/') || host.chars().all(is_name);
    if !is_sound || host.contains(char::is_control) {
        return Err("the PostgreSQL address has a character in its host that no host has; write \
                    `postgres://user:password@host:5432/database`, and encode special characters of \
                    the password"
            .to_owned());
    }
    let port = if port.is_empty() { "5432" } else { port };
    if port.parse::<u16>().unwrap_or(0) == 0 {
        return Err("the PostgreSQL address cannot be read: a port is no number from 1 to 65535; write \
                    `postgres://user:password@host:5432/database`, and encode `:` in the password as \
                    `%3A`"
            .to_owned());
    }
    Ok(((!host.is_empty()).then_some(host), port))
}

/// What comes after a password may be the rest of it.
fn unknown(name: &str, after_password: bool) -> String {
    let is_plain = name
        .bytes()
        .all(|byte| byte.is_ascii_alphabetic() || byte == b'_');
    let which = match is_plain && !after_password {
        true => format!("a parameter `{name}`, which is not known"),
        false => {
            "a parameter that is not known (if `&` is meant in a password, encode it as `%26`)"
                .to_owned()
        }
    };
    let known = PARAMETERS.iter().filter(|(.., usage)| *usage != Only(&[]));
    let known: Vec<_> = known.map(|(name, ..)| *name).collect();
    format!(
        "the PostgreSQL address has {which}; known ones: {}",
        known.join(", ")
    )
}

fn cannot_follow(name: &str, variable: &str, values: &[&str]) -> String {
    let or = match variable {
        "" => String::new(),
        variable => format!(" (or `{variable}`)"),
    };
    let instead = match values {
        [] => "leave it away".to_owned(),
        values => format!("it can be {}", values.join(", ")),
    };
    format!("the PostgreSQL address{or} asks for a `{name}` that cannot be given; {instead}")
}

#[cfg(test)]
mod tests {
    use super::{super::url::take_apart, *};

    /// What the driver is told of each host, but the name of the application if nobody gave one.
    fn told(url: &str, variables: &[(&str, &str)]) -> Result<Vec<String>, String> {
        let (_, rest) = url.split_once("://").unwrap();
        let variable = |name: &str| {
            let mut variables = variables.iter();
            let found = variables.find(|(known, _)| *known == name);
            found.map(|(_, value)| (*value).to_owned())
        };
        let hosts = meaning(take_apart(rest)?, variable)?.hosts.into_iter();
        let plain = hosts.map(|host| {
            let parts = host.iter().map(|(name, value)| format!("{name}={value}"));
            let parts = parts.filter(|part| part != "application_name=durable");
            parts.collect::<Vec<_>>().join(" ")
        });
        Ok(plain.collect())
    }

    #[test]
    fn addresses_are_understood_as_hosters_print_them() {
        for (url, expected) in [
            // Neon
            (
                "postgresql://neondb_owner:npg_x1@ep-dark-1-pooler.eu-central-1.aws.neon.tech/neondb\
                 ?sslmode=require&channel_binding=require",
                "dbname=neondb user=neondb_owner password=npg_x1 sslmode=verify-full \
                 host=ep-dark-1-pooler.eu-central-1.aws.neon.tech port=5432",
            ),
            (
                "postgres://alex:p@ep-dark-1.aws.neon.tech/neondb?sslmode=require&options=endpoint%3Dep-dark-1",
                "dbname=neondb user=alex password=p options=endpoint=ep-dark-1 sslmode=require \
                 host=ep-dark-1.aws.neon.tech port=5432",
            ),
            // Supabase
            (
                "postgresql://postgres.abcd:[pass]@aws-0-eu.pooler.supabase.com:5432/postgres",
                "dbname=postgres user=postgres.abcd password=[pass] sslmode=prefer \
                 host=aws-0-eu.pooler.supabase.com port=5432",
            ),
            // Heroku
            (
                "postgres://u4d:pd7c@ec2-1-2-3-4.compute-1.amazonaws.com:5432/d6t?ssl=true",
                "dbname=d6t user=u4d password=pd7c sslmode=require \
                 host=ec2-1-2-3-4.compute-1.amazonaws.com port=5432",
            ),
            // Amazon RDS
            (
                "postgres://ops:p%40ss@shop.c9.eu-west-1.rds.amazonaws.com:5432/shop?sslmode=verify-full\
                 &sslrootcert=/etc/ssl/global-bundle.pem&connect_timeout=10&target_session_attrs=read-write",
                "dbname=shop user=ops password=p@ss sslmode=verify-full \
                 sslrootcert=/etc/ssl/global-bundle.pem host=shop.c9.eu-west-1.rds.amazonaws.com port=5432",
            ),
            // Crunchy Bridge
            (
                "postgres://application:x9@p.abc.db.postgresbridge.com:5432/postgres?sslmode=require&gssencmode=disable",
                "dbname=postgres user=application password=x9 sslmode=require \
                 host=p.abc.db.postgresbridge.com port=5432",
            ),
            // Azure
            (
                "postgresql://ops%40shop:p@shop.postgres.database.azure.com/shop?sslmode=require&keepalives=1&keepalives_idle=30",
                "dbname=shop user=ops@shop password=p sslmode=require \
                 host=shop.postgres.database.azure.com port=5432",
            ),
            // Google Cloud SQL
            (
                "postgresql://ops:p@/shop?host=/cloudsql/shop:europe-west3:main",
                "dbname=shop user=ops password=p sslmode=disable host=/cloudsql/shop:europe-west3:main port=5432",
            ),
            // DigitalOcean, Aiven
            (
                "postgresql://doadmin:AVNS_x@db.k.db.ondigitalocean.com:25060/defaultdb?sslmode=require",
                "dbname=defaultdb user=doadmin password=AVNS_x sslmode=require \
                 host=db.k.db.ondigitalocean.com port=25060",
            ),
            // What libpq knows besides.
            (
                "postgres://h/d?sslmode=require&sslrootcert=ca.pem&sslmode=&fallback_application_name=x",
                "dbname=d application_name=x sslmode=verify-ca sslrootcert=ca.pem host=h port=5432",
            ),
            (
                "postgres://h?sslrootcert=system&client_encoding=utf8&sslnegotiation=direct",
                "sslmode=verify-full host=h port=5432",
            ),
            (
                "postgres://?hostaddr=10.0.0.7",
                "sslmode=prefer host=10.0.0.7 port=5432",
            ),
        ] {
            let told = told(url, &[]).unwrap_or_else(|error| panic!("{url}: {error}"));
            assert_eq!(told, [expected], "{url}");
        }
    }

    #[test]
    fn several_hosts_have_a_port_each_or_one_for_all() {
        for (url, expected) in [
            ("postgres://a,b/", ["host=a port=5432", "host=b port=5432"]),
            ("postgres://a:1,b/", ["host=a port=1", "host=b port=5432"]),
            (
                "postgres:///?host=a,b&port=7",
                ["host=a port=7", "host=b port=7"],
            ),
            (
                "postgres:///?host=a,b&port=7,8",
                ["host=a port=7", "host=b port=8"],
            ),
            (
                "postgres://[::1]:1,[fe80::1]",
                ["host=::1 port=1", "host=fe80::1 port=5432"],
            ),
        ] {
            let told = told(url, &[]).unwrap();
            assert_eq!(
                told,
                expected.map(|host| format!("sslmode=prefer {host}")),
                "{url}"
            );
        }
        let error = told("postgres://a,b,c/?port=1,2", &[]).unwrap_err();
        assert!(error.contains("3 hosts and 2 ports"), "{error}");
    }

    #[test]
    fn what_cannot_be_followed_is_refused_and_never_weakened() {
        for (parameters, advice) in [
            ("channel_binding=always", "disable, prefer, require"),
            ("sslmode=verify_full", "verify-full"),
            ("sslmode=require&sslrootcert=system", "sslmode=verify-full"),
            ("target_session_attrs=standby", "read-write"),
            ("target_session_attrs=read-only", "primary"),
            ("require_auth=scram-sha-256", "leave it away"),
            ("ssl_min_protocol_version=TLSv1.3", "TLSv1.2"),
            ("sslcrl=/etc/crl", "leave it away"),
            ("gssencmode=require", "disable"),
            ("service=shop", "leave it away"),
            ("ssl=false", "true"),
            ("connect_timeout=soon", "seconds"),
            ("hostaddr=10.0.0.7", "one can be followed"),
            ("port=0", "65535"),
            ("host=a b", "encode special characters"),
            ("pgbouncer=true", "`pgbouncer`"),
        ] {
            let error = told(&format!("postgres://h/d?{parameters}"), &[]).unwrap_err();
            assert!(error.contains(advice), "{parameters}: {error}");
        }
    }

    #[test]
    fn variables_stand_in_for_what_the_address_does_not_say() {
        let variables = [
            ("PGHOST", "there"),
            ("PGPORT", "7"),
            ("PGPASSWORD", "secret"),
            ("PGUSER", ""),
            ("PGSSLMODE", "require"),
            ("PGCHANNELBINDING", "require"),
        ];
        assert_eq!(
            told("postgres://here", &variables).unwrap(),
            ["password=secret sslmode=verify-full host=here port=7"]
        );
        assert_eq!(
            told("postgres://:p@/?port=1", &variables).unwrap(),
            ["password=p sslmode=verify-full host=there port=1"]
        );
        let misspelled = [("PGSSLMODE", "verify_full")];
        let error = told("postgres://here", &misspelled).unwrap_err();
        assert!(error.contains("`PGSSLMODE`"), "{error}");
    }

    #[test]
    fn a_time_to_connect_that_is_not_above_zero_is_none() {
        for (value, expected) in [("10", Some(10)), ("0", None), ("-1", None)] {
            let settings = take_apart(&format!("h?connect_timeout={value}")).unwrap();
            let timeout = meaning(settings, |_| None).unwrap().connect_timeout;
            assert_eq!(timeout, expected.map(Duration::from_secs), "{value}");
        }
    }
}
