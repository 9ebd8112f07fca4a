//! The command line.

use std::path::Path;

/// What to measure, and how to print it.
#[derive(Debug, Clone)]
pub struct Args {
    /// On which store.
    pub store: StoreKind,
    /// Only this workload.
    pub workload: Option<String>,
    /// One JSON object a line.
    pub json: bool,
    /// The database of a worker process that another process kills.
    pub database: Option<String>,
}

/// A kind of store.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum StoreKind {
    /// A SQLite file.
    Sqlite,
    /// Memory.
    Memory,
}

impl StoreKind {
    /// Its name on the command line.
    pub fn name(self) -> &'static str {
        match self {
            Self::Sqlite => "sqlite",
            Self::Memory => "memory",
        }
    }

    /// The address of a fresh database in a folder.
    pub fn url(self, folder: &Path) -> String {
        match self {
            Self::Sqlite => format!("sqlite://{}", folder.join("bench.db").display()),
            Self::Memory => "memory:".to_owned(),
        }
    }
}

const USAGE: &str = "usage: bench --store sqlite|memory [--workload NAME] [--json]\nworkloads: ";

impl Args {
    /// Reads the command line.
    pub fn parse(mut words: impl Iterator<Item = String>) -> durable::Result<Self> {
        let usage = || format!("{USAGE}{}", crate::workloads::NAMES.join(" "));
        let mut args = Self {
            store: StoreKind::Sqlite,
            workload: None,
            json: false,
            database: None,
        };
        while let Some(word) = words.next() {
            match word.as_str() {
                "--json" => args.json = true,
                "--store" => {
                    args.store = match words.next().as_deref() {
                        Some("sqlite") => StoreKind::Sqlite,
                        Some("memory") => StoreKind::Memory,
                        _ => return Err(usage().into()),
                    };
                }
                "--workload" => args.workload = Some(words.next().ok_or_else(usage)?),
                "--database" => args.database = Some(words.next().ok_or_else(usage)?),
                _ => return Err(usage().into()),
            }
        }
        Ok(args)
    }
}
