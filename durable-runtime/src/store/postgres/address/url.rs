//! An address taken apart as PostgreSQL's own library (libpq) does it.
//!
//! It differs from the rules for web addresses: `?` and `#` may stand in a password as they are, there
//! may be several hosts, and `+` means itself. An `@` more than the one before the hosts is refused: a
//! part of the password would be taken for a host or a database, and be shown.

use std::string::FromUtf8Error;

/// The settings that an address gives, in its order: the later one of a name counts.
pub(super) type Settings = Vec<(String, String)>;

const FORM: &str = "write `postgres://user:password@host:5432/database`, and encode special characters \
    of the password as `%40` for `@`, `%2F` for `/`, `%3A` for `:`, `%25` for `%`";

/// Takes apart what comes after `postgres://`. The error says what to do and shows nothing.
pub(super) fn take_apart(rest: &str) -> Result<Settings, String> {
    let unreadable = |why: &str| format!("the PostgreSQL address cannot be read: {why}; {FORM}");
    let path_at = rest.find('/').unwrap_or(rest.len());
    let mut settings = Settings::new();
    let hosts_at = match rest.match_indices('@').collect::<Vec<_>>()[..] {
        [] => 0,
        [(at, _)] if at < path_at => {
            user(&rest[..at], &mut settings).map_err(unreadable)?;
            at + 1
        }
        _ => {
            return Err(unreadable(
                "it has an `@` more than the one before the host",
            ));
        }
    };
    let rest = &rest[hosts_at..];
    let (place, parameters) = rest.split_once('?').unwrap_or((rest, ""));
    let (hosts, database) = place.split_once('/').unwrap_or((place, ""));
    self::hosts(hosts, &mut settings).map_err(unreadable)?;
    give("dbname", database, &mut settings).map_err(unreadable)?;
    for parameter in parameters.split('&').filter(|part| !part.is_empty()) {
        let (name, value) = parameter
            .split_once('=')
            .ok_or_else(|| unreadable("a parameter after `?` has no `=`"))?;
        let name = decoded(name).map_err(unreadable)?;
        give(&name, value, &mut settings).map_err(unreadable)?;
    }
    Ok(settings)
}

fn user(text: &str, settings: &mut Settings) -> Result<(), &'static str> {
    let (user, password) = text.split_once(':').unwrap_or((text, ""));
    if user.contains(['?', '#', '&', '=']) {
        return Err("the user has a special character, or the host comes after a `?`");
    }
    give("user", user, settings)?;
    give("password", password, settings)
}

/// `host:port,[::1]:port,%2Ftmp`: names and ports as two lists.
fn hosts(text: &str, settings: &mut Settings) -> Result<(), &'static str> {
    let (mut names, mut ports) = (Vec::new(), Vec::new());
    for host in text.split(',') {
        let (name, port) = match host.strip_prefix('[') {
            Some(host) => host.split_once(']').ok_or("a `[` has no `]`")?,
            None => host.split_at(host.find(':').unwrap_or(host.len())),
        };
        // Without a number, what comes next may be a password.
        if !port.is_empty() && (!port.starts_with(':') || port.len() == 1) {
            return Err("after a host comes neither its end nor `:` with a port");
        }
        names.push(decoded(name)?);
        ports.push(port.trim_start_matches(':'));
    }
    if names.iter().any(|name| !name.is_empty()) {
        settings.push(("host".to_owned(), names.join(",")));
    }
    if ports.iter().any(|port| !port.is_empty()) {
        settings.push(("port".to_owned(), ports.join(",")));
    }
    Ok(())
}

fn give(name: &str, value: &str, settings: &mut Settings) -> Result<(), &'static str> {
    if !value.is_empty() {
        settings.push((name.to_owned(), decoded(value)?));
    }
    Ok(())
}

fn decoded(text: &str) -> Result<String, &'static str> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.bytes();
    while let Some(byte) = rest.next() {
        bytes.push(match byte {
            b'%' => code(rest.next(), rest.next()).ok_or("after a `%` come no two hex digits")?,
            byte => byte,
        });
    }
    let text = String::from_utf8(bytes);
    text.map_err(|_: FromUtf8Error| "what stands encoded in it is not UTF-8")
}

fn code(high: Option<u8>, low: Option<u8>) -> Option<u8> {
    let digit = |byte: Option<u8>| char::from(byte?).to_digit(16);
    let code = u8::try_from(digit(high)? * 16 + digit(low)?).ok()?;
    (code != 0).then_some(code)
}

/// Text as a part of an address that everybody reads alike.
pub(super) fn encoded(text: &str) -> String {
    let parts = text.bytes().map(|byte| match byte.is_ascii_alphanumeric() {
        true => char::from(byte).to_string(),
        false => format!("%{byte:02X}"),
    });
    parts.collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn settings(rest: &str) -> Vec<String> {
        let settings = take_apart(rest).unwrap().into_iter();
        settings
            .map(|(name, value)| format!("{name}={value}"))
            .collect()
    }

    #[test]
    fn an_address_is_taken_apart_as_libpq_does_it() {
        for (rest, expected) in [
            ("", &[] as &[&str]),
            ("h", &["host=h"]),
            ("u@h/d", &["user=u", "host=h", "dbname=d"]),
            (
                "u:p@h:1/d",
                &["user=u", "password=p", "host=h", "port=1", "dbname=d"],
            ),
            (":p@/d", &["password=p", "dbname=d"]),
            // As they are, in a password.
            (
                "u:p?a#b:c&d=e@h",
                &["user=u", "password=p?a#b:c&d=e", "host=h"],
            ),
            ("u:p%40%2F%3f@h", &["user=u", "password=p@/?", "host=h"]),
            (
                "a:1,b,[::1]:3/d",
                &["host=a,b,::1", "port=1,,3", "dbname=d"],
            ),
            ("%2Ftmp/d", &["host=/tmp", "dbname=d"]),
            ("/d?host=/tmp&port=1", &["dbname=d", "host=/tmp", "port=1"]),
            ("h?a=b+c%20d&e=&f=g", &["host=h", "a=b+c d", "f=g"]),
            ("h/a/b#c", &["host=h", "dbname=a/b#c"]),
        ] {
            assert_eq!(settings(rest), expected, "{rest}");
        }
    }

    #[test]
    fn what_could_be_read_in_two_ways_is_refused_and_not_shown() {
        for rest in [
            "u:p@canary@h/d",
            "u:12/canary@h/d",
            "u:12/w?canary=1@h/d",
            "u:12?user=canary@h/d@x",
            "h/d?password=can@ary",
            "host?user=canary@h",
            "u:%zz-canary@h",
            "u:canary%00@h",
            "u:canary%ff@h",
            "u:canary%4@h",
            "u:p@[::1canary/d",
            "u:p@[::1]canary/d",
            "u:/canary",
            "u:,canary",
            "h/d?canary",
        ] {
            let error = take_apart(rest).unwrap_err();
            assert!(error.contains("%40"), "{error}");
            assert!(!error.contains("canary"), "{error}");
        }
    }

    #[test]
    fn what_was_encoded_is_read_as_it_was() {
        let text = "a@/:?#[]&=+ %\"'größe\u{1b}";
        assert_eq!(decoded(&encoded(text)).as_deref(), Ok(text));
    }
}
