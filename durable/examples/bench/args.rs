//! The command line.

/// What to measure, and how to print it.
#[derive(Debug, Clone)]
pub struct Args {
    /// On which store.
    pub store: StoreKind,
    /// On which PostgreSQL server; a private one if there is none.
    pub url: Option<String>,
    /// Only this workload.
    pub workload: Option<String>,
    /// One JSON object a line.
    pub json: bool,
    /// The database of a worker process that another process kills.
    pub database: Option<String>,
    /// The file in which it leaves its traces.
    pub trace: Option<String>,
}

/// A kind of store.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum StoreKind {
    /// A SQLite file.
    Sqlite,
    /// PostgreSQL.
    Postgres,
    /// Memory.
    Memory,
}

impl StoreKind {
    /// Its name on the command line.
    pub fn name(self) -> &'static str {
        match self {
            Self::Sqlite => "sqlite",
            Self::Postgres => "postgres",
            Self::Memory => "memory",
        }
    }
}

const USAGE: &str = "usage: bench --store sqlite|postgres|memory [--url ADDRESS] [--workload NAME] [--json]\nworkloads: ";

impl Args {
    /// Reads the command line.
    pub fn parse(mut words: impl Iterator<Item = String>) -> durable::Result<Self> {
        let usage = || format!("{USAGE}{}", crate::workloads::NAMES.join(" "));
        let mut args = Self {
            store: StoreKind::Sqlite,
            url: None,
            workload: None,
            json: false,
            database: None,
            trace: None,
        };
        while let Some(word) = words.next() {
            match word.as_str() {
                "--json" => args.json = true,
                "--store" => {
                    args.store = match words.next().as_deref() {
                        Some("sqlite") => StoreKind::Sqlite,
                        Some("postgres") => StoreKind::Postgres,
                        Some("memory") => StoreKind::Memory,
                        _ => return Err(usage().into()),
                    };
                }
                "--url" => args.url = Some(words.next().ok_or_else(usage)?),
                "--workload" => args.workload = Some(words.next().ok_or_else(usage)?),
                "--database" => args.database = Some(words.next().ok_or_else(usage)?),
                "--trace" => args.trace = Some(words.next().ok_or_else(usage)?),
                _ => return Err(usage().into()),
            }
        }
        Ok(args)
    }
}
