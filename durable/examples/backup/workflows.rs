//! The backup as workflows: everything durable about this example is in this file.

use std::time::Duration;

use durable::prelude::*;
use serde::{Deserialize, Serialize};

use super::{
    blob,
    fault::Fault,
    inventory::{self, Inventory, Range},
    manifest,
};

/// The most batches that are archived side by side.
const BATCHES_AT_ONCE: usize = 4;
/// The most files of a batch that are stored side by side.
const FILES_AT_ONCE: usize = 4;

/// Backs a folder up: lists it, has each batch of files archived by a child run, and writes the
/// manifest when every file is stored.
#[durable::workflow]
pub async fn backup(ctx: &Ctx, job: Job) -> durable::Result<Summary> {
    let inventory = ctx
        .step("inventory", |step| inventory::take(step, &job))
        .await?;
    let mut entries = Vec::new();
    let mut unreadable = Vec::new();
    for batches in inventory.batches.chunks(BATCHES_AT_ONCE) {
        let archived = durable::try_join_all(
            batches
                .iter()
                .map(|batch| ctx.child::<archive>("batch", Batch::of(&job, &inventory, *batch))),
        )
        .await?;
        for batch in archived {
            entries.extend(batch.entries);
            unreadable.extend(batch.unreadable);
        }
    }
    if !unreadable.is_empty() {
        return Err(inventory::describe(&unreadable).into());
    }
    let summary = ctx
        .step("manifest", |_| manifest::write(&job, &entries))
        .await?;
    Ok(summary)
}

/// Stores the files of one batch. A file that cannot be read is noted and the others are stored; a
/// target that cannot be written ends it.
#[durable::workflow]
pub async fn archive(ctx: &Ctx, batch: Batch) -> durable::Result<Archived> {
    let paths = ctx.step("list", |_| inventory::read(&batch)).await?;
    let mut archived = Archived::default();
    for some in paths.chunks(FILES_AT_ONCE) {
        let stored = durable::join_all(some.iter().map(|path| {
            ctx.step("store", |_| blob::store(&batch.job, path))
                .retry(Retry::linear().initial_delay(Duration::from_millis(300)))
        }))
        .await;
        for result in stored {
            match result {
                Ok(entry) => archived.entries.push(entry),
                Err(failure) if Fault::of(&failure) == Some(Fault::Source) => {
                    archived.unreadable.push(failure.message().to_owned());
                }
                Err(failure) => return Err(failure.into()),
            }
        }
    }
    Ok(archived)
}

/// What is to be backed up, and where to. Both paths are absolute.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Job {
    /// The folder to back up.
    pub source: String,
    /// The folder that receives blobs and manifest.
    pub target: String,
}

/// A part of the inventory for one child run.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Batch {
    /// The whole job.
    pub job: Job,
    /// The inventory's file.
    pub inventory: String,
    /// Which of its files.
    pub range: Range,
}

impl Batch {
    fn of(job: &Job, inventory: &Inventory, range: Range) -> Self {
        Self {
            job: job.clone(),
            inventory: inventory.file.clone(),
            range,
        }
    }
}

/// What became of a batch.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub struct Archived {
    /// The files that are stored, in the order of the inventory.
    pub entries: Vec<Entry>,
    /// Why each of the others is not, with its path.
    pub unreadable: Vec<String>,
}

/// A stored file, as the manifest lists it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Entry {
    /// The path relative to the source, with `/` between its parts.
    pub path: String,
    /// The size in bytes.
    pub size: u64,
    /// The SHA-256 of the content, in lower-case hexadecimal; names the blob.
    pub sha256: String,
}

/// What a finished backup holds.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Summary {
    /// How many files.
    pub files: u64,
    /// Their size together, in bytes.
    pub bytes: u64,
    /// How many distinct contents.
    pub blobs: u64,
}
