//! What some tests need that not every machine has, and what becomes of a test where it is missing.
//!
//! Such a test begins with [`needs!`](macro@crate::needs). Where something is missing, the test says so on
//! standard error, with how to install it, and passes without having run. With
//! `DURABLE_TEST_REQUIRE=all` it fails instead.

use std::{any::type_name, env, io::Write, sync::OnceLock};

use durable::Result;

use crate::disk;
#[cfg(unix)]
use crate::server;

/// What turns a skipped test into a failed one, if it is `all`.
const REQUIRE: &str = "DURABLE_TEST_REQUIRE";

/// Something that not every machine has.
#[derive(Debug, Clone, Copy)]
pub enum Need {
    /// A PostgreSQL database: on a server of the tests' own, or on the one that
    /// `DURABLE_TEST_POSTGRES_URL` names.
    Database,
    /// PostgreSQL's server programs, for a server that may be stopped and killed.
    Server,
    /// PostgreSQL's connection pooler.
    Pooler,
    /// What makes certificates.
    Certificates,
    /// A disk whose syncs take long.
    SlowDisk,
    /// A file system that is soon full.
    SmallDisk,
}

impl Need {
    /// Why it is not here and what to do, or nothing if it is here. Looked up once in a process.
    fn missing(self) -> Option<&'static str> {
        static FOUND: [OnceLock<Option<String>>; 6] = [const { OnceLock::new() }; 6];
        let found = FOUND.get(self as usize)?;
        let missing = found.get_or_init(|| self.look().err().map(|error| error.to_string()));
        missing.as_deref()
    }

    #[cfg(unix)]
    fn look(self) -> Result<()> {
        match self {
            Self::Database => server::Database::available(),
            Self::Server => server::Server::available(),
            Self::Pooler => server::Pooler::available(),
            Self::Certificates => server::Authority::available(),
            Self::SlowDisk => disk::slow_is_available(),
            Self::SmallDisk => disk::SmallDisk::mount().map(drop),
        }
    }

    #[cfg(not(unix))]
    fn look(self) -> Result<()> {
        match self {
            Self::SlowDisk => disk::slow_is_available(),
            Self::SmallDisk => disk::SmallDisk::mount().map(drop),
            _ => Err("a PostgreSQL server of the tests' own needs Unix".into()),
        }
    }
}

/// Whether a test is to be skipped; says so if it is.
///
/// # Panics
///
/// When something is missing and `DURABLE_TEST_REQUIRE=all` demands it.
pub fn is_skipped(test: &str, needs: &[Need]) -> bool {
    let mut missing = needs.iter().filter_map(|need| need.missing());
    let Some(why) = missing.next() else {
        return false;
    };
    let demanded = env::var_os(REQUIRE).is_some_and(|value| value == "all");
    assert!(!demanded, "{REQUIRE}=all, and {why}");
    // In one piece, past what captures the output of a test. Who cannot be told is not told.
    let line = format!("SKIPPED {test}: {why}\n");
    let _ = std::io::stderr().write_all(line.as_bytes());
    true
}

/// The path of the fn in which an item of its own stands.
pub fn path_of<T>(_: T) -> String {
    let path = type_name::<T>().rsplit_once("::").unwrap_or_default().0;
    path.replace("::{{closure}}", "")
}

/// What a skipped test returns.
pub trait Skipped {
    /// Nothing went wrong.
    fn skipped() -> Self;
}

impl Skipped for () {
    fn skipped() -> Self {}
}

impl<E> Skipped for Result<(), E> {
    fn skipped() -> Self {
        Ok(())
    }
}

/// Ends a test here, with a word on standard error, if this machine lacks something that it needs:
/// `needs!(Server, Pooler);`. The names are those of [`Need`](crate::needs::Need).
#[macro_export]
macro_rules! needs {
    ($($need:ident),+) => {
        fn here() {}
        if $crate::needs::is_skipped(
            &$crate::needs::path_of(here),
            &[$($crate::needs::Need::$need),+],
        ) {
            return $crate::needs::Skipped::skipped();
        }
    };
}
