//! Which file a database is: one path and one file behind it, however it was named.
//!
//! A database is opened by its absolute path without links, so that the log and the lock lie beside the file
//! itself and a change of the working directory changes nothing. What the path leads to is compared with what
//! was opened at every call: a file that was deleted, or in whose place another was put, gets no answer and
//! gives none.
//!
//! The file itself is never opened here once it exists: to close it would end the locks that SQLite holds on it
//! in this process.

use std::{
    fs::{self, Metadata, OpenOptions},
    io::{Error, ErrorKind},
    path::{Path, PathBuf},
    sync::{Mutex, PoisonError},
};

use crate::store::{StoreError, StoreErrorKind};

/// The most links that lead from one to the next.
const LINKS_MAX: usize = 40;

/// Held while a database is made, so that nobody here has it open when its maker closes it.
static MAKING: Mutex<()> = Mutex::new(());

/// An open database's file.
#[derive(Debug)]
pub(super) struct DatabaseFile {
    path: PathBuf,
    opened: Number,
}

impl DatabaseFile {
    /// Finds the file, and makes an empty one if there is none.
    pub(super) fn find(path: &Path) -> Result<PathBuf, StoreError> {
        let cannot = |error| cannot_open(path, error);
        let path = resolve(path, LINKS_MAX).map_err(cannot)?;
        make(&path).map_err(cannot)?;
        Self::with_one_name(path)
    }

    /// Finds a file that must be there.
    pub(super) fn existing(path: &Path) -> Result<PathBuf, StoreError> {
        match fs::canonicalize(path) {
            Ok(path) => Self::with_one_name(path),
            Err(error) if is_missing(&error) => Err(StoreError::new(
                StoreErrorKind::Missing,
                format!(
                    "there is no `{}`, and a client makes no database; start an engine on it once \
                     (`Engine::open`), or correct the address",
                    path.display()
                ),
            )),
            Err(error) => Err(cannot_open(path, error)),
        }
    }

    fn with_one_name(path: PathBuf) -> Result<PathBuf, StoreError> {
        let metadata = fs::metadata(&path).map_err(|error| cannot_open(&path, error))?;
        if names(&metadata) > 1 {
            return Err(StoreError::new(
                StoreErrorKind::Open,
                format!(
                    "`{}` has {} names (hard links), and SQLite keeps its log beside each of them: opened by two \
                     of its names it would be damaged; remove the others, or use a symbolic link",
                    path.display(),
                    names(&metadata)
                ),
            ));
        }
        Ok(path)
    }

    /// The file behind the path of a database that was just opened.
    pub(super) fn opened(path: PathBuf) -> Result<Self, StoreError> {
        match fs::metadata(&path) {
            Ok(metadata) => Ok(Self {
                opened: number(&metadata),
                path,
            }),
            Err(error) => Err(lost(&path, error)),
        }
    }

    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    /// Fails when the path no longer leads to the file that was opened.
    pub(super) fn check(&self) -> Result<(), StoreError> {
        match fs::metadata(&self.path) {
            Ok(metadata) if number(&metadata) == self.opened => Ok(()),
            Ok(_) => Err(StoreError::new(
                StoreErrorKind::Replaced,
                format!(
                    "another file was put in the place of `{}` while it was open; nothing is written until the \
                     file is back: stop every process that uses it before a database is replaced",
                    self.path.display()
                ),
            )),
            Err(error) => Err(lost(&self.path, error)),
        }
    }
}

fn cannot_open(path: &Path, error: Error) -> StoreError {
    let what = format!("cannot open `{}`", path.display());
    StoreError::new(StoreErrorKind::Open, what).with_source(error)
}

fn is_missing(error: &Error) -> bool {
    matches!(error.kind(), ErrorKind::NotFound | ErrorKind::NotADirectory)
}

fn lost(path: &Path, error: Error) -> StoreError {
    if is_missing(&error) {
        return StoreError::new(
            StoreErrorKind::Replaced,
            format!(
                "`{}` was deleted or moved while it was open; nothing is written until it is back",
                path.display()
            ),
        );
    }
    let what = format!("cannot look at `{}`", path.display());
    StoreError::new(StoreErrorKind::Unavailable, what).with_source(error)
}

/// The absolute path without links, also of a file that is not there yet.
fn resolve(path: &Path, links: usize) -> Result<PathBuf, Error> {
    match fs::canonicalize(path) {
        Err(error) if error.kind() == ErrorKind::NotFound => {}
        done => return done,
    }
    let folder = match path.parent() {
        Some(parent) if parent != Path::new("") => parent,
        _ => Path::new("."),
    };
    if let (Ok(target), Some(links)) = (fs::read_link(path), links.checked_sub(1)) {
        return resolve(&folder.join(target), links);
    }
    let name = path.file_name().ok_or(ErrorKind::InvalidInput)?;
    Ok(fs::canonicalize(folder)?.join(name))
}

/// Makes an empty file that its owner alone may read, unless there is one. The log gets the same rights.
fn make(path: &Path) -> Result<(), Error> {
    let _making = MAKING.lock().unwrap_or_else(PoisonError::into_inner);
    match private(OpenOptions::new().write(true).create_new(true)).open(path) {
        Err(error) if error.kind() == ErrorKind::AlreadyExists => Ok(()),
        made => made.map(drop),
    }
}

/// What tells one file from another.
#[cfg(unix)]
type Number = (u64, u64);

#[cfg(unix)]
fn number(metadata: &Metadata) -> Number {
    use std::os::unix::fs::MetadataExt;
    (metadata.dev(), metadata.ino())
}

#[cfg(unix)]
fn names(metadata: &Metadata) -> u64 {
    std::os::unix::fs::MetadataExt::nlink(metadata)
}

/// The number of a file in its folder, for as long as anybody holds it open.
#[cfg(unix)]
pub(super) fn serial(metadata: &Metadata) -> i64 {
    number(metadata).1.cast_signed()
}

/// What is made is for its owner alone.
#[cfg(unix)]
pub(super) fn private(options: &mut OpenOptions) -> &mut OpenOptions {
    std::os::unix::fs::OpenOptionsExt::mode(options, 0o600)
}

/// Elsewhere files have no numbers that the standard library tells: only that one is missing is noticed.
#[cfg(not(unix))]
type Number = ();

#[cfg(not(unix))]
fn number(_: &Metadata) -> Number {}

#[cfg(not(unix))]
fn names(_: &Metadata) -> u64 {
    1
}

#[cfg(not(unix))]
pub(super) fn serial(_: &Metadata) -> i64 {
    0
}

#[cfg(not(unix))]
pub(super) fn private(options: &mut OpenOptions) -> &mut OpenOptions {
    options
}
