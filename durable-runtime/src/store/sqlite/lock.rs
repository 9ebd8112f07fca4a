//! The lock file beside the database, which tells whether another process is alive.
//!
//! Every open store holds a shared lock; the operating system lets go of it when the process ends,
//! however it ends. Who gets the exclusive lock therefore knows that nobody holds this file any more. Each
//! worker's row has the number of the file that it holds: so a lock file that was removed and made again tells
//! nothing about the workers that held the one before, whose leases count.

use std::{
    ffi::OsString,
    fs::{File, OpenOptions, TryLockError},
    path::{Path, PathBuf},
    time::{Duration, Instant},
};

use super::file;
use crate::store::{StoreError, StoreErrorKind};

const PAUSE: Duration = Duration::from_millis(5);

/// The shared lock of an open store.
#[derive(Debug)]
pub(super) struct LivenessLock {
    file: File,
    path: PathBuf,
    serial: i64,
    alone: bool,
}

impl LivenessLock {
    /// Takes the exclusive lock if no other store is open, else the shared one.
    pub(super) async fn acquire(database: &Path, patience: Duration) -> Result<Self, StoreError> {
        let mut name = OsString::from(database);
        name.push("-lock");
        let path = PathBuf::from(name);
        let mut options = OpenOptions::new();
        let options = options.read(true).write(true).create(true).truncate(false);
        let opened = file::private(options).open(&path).and_then(|file| {
            let serial = file::serial(&file.metadata()?);
            Ok((file, serial))
        });
        let (file, serial) =
            opened.map_err(|error| cannot(&path, StoreErrorKind::Open).with_source(error))?;
        let mut lock = Self {
            file,
            path,
            serial,
            alone: true,
        };
        match lock.file.try_lock() {
            Ok(()) => return Ok(lock),
            Err(TryLockError::WouldBlock) => lock.alone = false,
            Err(TryLockError::Error(error)) => {
                return Err(cannot(&lock.path, StoreErrorKind::Open).with_source(error));
            }
        }
        lock.share(patience).await?;
        Ok(lock)
    }

    /// The number of the lock file.
    pub(super) fn serial(&self) -> i64 {
        self.serial
    }

    /// Whether no other store held the lock file, in this process or another.
    pub(super) fn alone(&self) -> bool {
        self.alone
    }

    /// Lets others in, and stays locked for the life of the store.
    pub(super) async fn settle(&mut self, patience: Duration) -> Result<(), StoreError> {
        if self.alone {
            let unlocked = self.file.unlock();
            unlocked
                .map_err(|error| cannot(&self.path, StoreErrorKind::Open).with_source(error))?;
            self.share(patience).await?;
        }
        Ok(())
    }

    async fn share(&self, patience: Duration) -> Result<(), StoreError> {
        let start = Instant::now();
        loop {
            match self.file.try_lock_shared() {
                Ok(()) => return Ok(()),
                Err(TryLockError::WouldBlock) if start.elapsed() < patience => {
                    tokio::time::sleep(PAUSE).await;
                }
                Err(TryLockError::WouldBlock) => {
                    return Err(cannot(&self.path, StoreErrorKind::Busy));
                }
                Err(TryLockError::Error(error)) => {
                    return Err(cannot(&self.path, StoreErrorKind::Open).with_source(error));
                }
            }
        }
    }
}

fn cannot(path: &Path, kind: StoreErrorKind) -> StoreError {
    let advice = match kind {
        StoreErrorKind::Busy => "another process is opening the database; try again",
        _ => "check that the directory is writable and on a local disk",
    };
    StoreError::new(kind, format!("cannot lock `{}`: {advice}", path.display()))
}
