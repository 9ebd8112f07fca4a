//! The files that worker processes write and the checker reads.

use std::{
    collections::BTreeMap,
    fs::{self, File, OpenOptions},
    io::{self, BufRead, BufReader, ErrorKind, Write},
    path::{Path, PathBuf},
};

use durable::Result;
use serde::{Serialize, de::DeserializeOwned};

use super::{Ack, Effect, Life};

/// The folder of one test.
#[derive(Debug, Clone)]
pub struct Folder(PathBuf);

impl Folder {
    /// The files in this folder.
    pub fn new(path: impl Into<PathBuf>) -> Self {
        Self(path.into())
    }

    /// Where it is.
    pub fn path(&self) -> &Path {
        &self.0
    }

    /// Where a process writes what happens to it.
    pub fn log(&self, life: &str) -> PathBuf {
        self.0.join(format!("{life}.log"))
    }

    /// Writes down, in one call to the system, what a driver was told.
    ///
    /// # Errors
    ///
    /// When the file cannot be written.
    pub fn acknowledge(&self, driver: &str, ack: &Ack) -> io::Result<()> {
        append(&self.acks(driver), ack)
    }

    /// Writes down, in one call to the system, that a step body begins.
    ///
    /// # Errors
    ///
    /// When the file cannot be written.
    pub fn record(&self, effect: &Effect) -> io::Result<()> {
        append(&self.effects_file(), effect)
    }

    /// What a driver was told in all its lives.
    ///
    /// # Errors
    ///
    /// When the file cannot be read.
    pub fn acks_of(&self, driver: &str) -> Result<Vec<Ack>> {
        lines(&self.acks(driver))
    }

    /// What step bodies did, in order.
    ///
    /// # Errors
    ///
    /// When the file cannot be read.
    pub fn effects(&self) -> Result<Vec<Effect>> {
        lines(&self.effects_file())
    }

    /// The processes that have a log, with what they noticed. All of them are taken to be alive.
    ///
    /// # Errors
    ///
    /// When the folder cannot be read.
    pub fn lives(&self) -> Result<BTreeMap<String, Life>> {
        let mut lives = BTreeMap::new();
        for entry in self.0.read_dir()? {
            let path = entry?.path();
            if path.extension().is_some_and(|extension| extension == "log")
                && let Some(life) = path.file_stem().and_then(|stem| stem.to_str())
            {
                lives.insert(life.to_owned(), read_life(&path)?);
            }
        }
        Ok(lives)
    }

    fn acks(&self, driver: &str) -> PathBuf {
        self.0.join(format!("{driver}.acks"))
    }

    fn effects_file(&self) -> PathBuf {
        self.0.join("effects")
    }
}

fn read_life(log: &Path) -> Result<Life> {
    let mut life = Life::default();
    for line in BufReader::new(File::open(log)?).lines() {
        let line = line?;
        if line.contains("the lease was lost") {
            life.lease_losses += 1;
        }
        if let Some((_, run)) = line.split_once("ownership lost; the run goes on elsewhere run=") {
            life.lost_runs.push(run.trim().parse()?);
        }
    }
    Ok(life)
}

/// The file is opened to append, so that lines of several processes do not mix. A line that a kill
/// cut short is closed by the next one.
fn append(path: &Path, line: &impl Serialize) -> io::Result<()> {
    let mut file = OpenOptions::new().create(true).append(true).open(path)?;
    let text = format!("\n{}\n", serde_json::to_string(line)?);
    file.write_all(text.as_bytes())
}

/// The lines that are whole: others are being written, or their writer was killed.
fn lines<T: DeserializeOwned>(path: &Path) -> Result<Vec<T>> {
    let text = match fs::read_to_string(path) {
        Ok(text) => text,
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(Vec::new()),
        Err(error) => return Err(error.into()),
    };
    let whole = text
        .split_inclusive('\n')
        .map(|line| line.trim_end_matches('\n'))
        .filter(|line| line.ends_with('}'));
    let mut all = Vec::new();
    for line in whole {
        match serde_json::from_str(line) {
            Ok(line) => all.push(line),
            Err(error) if error.is_eof() => {}
            Err(error) => return Err(format!("{}: {error}: {line}", path.display()).into()),
        }
    }
    Ok(all)
}
