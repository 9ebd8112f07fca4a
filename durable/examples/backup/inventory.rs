//! What there is to back up. A listing may be long, so it goes to a file in the target; the journal
//! holds where each batch is in it.

use std::{
    fs::{self, File},
    io::{Read, Seek, SeekFrom},
    path::{Path, PathBuf},
};

use durable::{StepCtx, StepError, printable};
use serde::{Deserialize, Serialize};

use super::{
    fault::{Fault, target},
    files::{self, Draft},
    workflows::{Batch, Job},
};

/// The most files of a batch.
const FILES_MAX: u32 = 200;
/// The most bytes of a batch's part of the listing, which keeps payloads small.
const BYTES_MAX: u64 = 256 * 1024;
/// The most problems, or skipped files, that are named one by one.
const NAMED_MAX: usize = 20;

/// The listing of a source.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Inventory {
    /// The file that holds the listing: sorted paths, one JSON string a line.
    pub file: String,
    /// How many files.
    pub files: u64,
    /// The listing in parts.
    pub batches: Vec<Range>,
    /// Some of what is left out, with the reason.
    pub skipped: Vec<String>,
    /// How much is left out in all.
    pub skipped_count: u64,
}

/// A part of the listing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Range {
    /// Where it starts, in bytes.
    pub offset: u64,
    /// How long it is, in bytes.
    pub bytes: u64,
    /// How many files it lists.
    pub files: u32,
}

/// Lists the source. Fails when any part of it cannot be listed.
pub async fn take(step: StepCtx, job: &Job) -> Result<Inventory, StepError> {
    let job = job.clone();
    tokio::task::spawn_blocking(move || take_blocking(step.run_id().as_str(), &job))
        .await
        .map_err(StepError::new)?
}

/// The paths of a batch.
pub async fn read(batch: &Batch) -> Result<Vec<String>, StepError> {
    let (file, range) = (PathBuf::from(&batch.inventory), batch.range);
    tokio::task::spawn_blocking(move || read_blocking(&file, range))
        .await
        .map_err(StepError::new)?
}

/// Problems in words: the first few, and how many there are.
pub fn describe(problems: &[String]) -> String {
    let what = match problems.len() {
        1 => "1 file could not be backed up".to_owned(),
        count => format!("{count} files could not be backed up"),
    };
    let mut text = format!("{what}, so no manifest was written:");
    for problem in problems.iter().take(NAMED_MAX) {
        text.push_str("\n  ");
        text.push_str(&printable(problem).to_string());
    }
    if problems.len() > NAMED_MAX {
        text.push_str(&format!("\n  and {} more", problems.len() - NAMED_MAX));
    }
    text
}

fn take_blocking(run: &str, job: &Job) -> Result<Inventory, StepError> {
    let mut walk = Walk::default();
    walk.folder(Path::new(&job.source), "");
    while let Some(folder) = walk.folders.pop() {
        walk.folder(&Path::new(&job.source).join(&folder), &folder);
    }
    if !walk.problems.is_empty() {
        let text = describe(&walk.problems);
        return Err(StepError::new(text).details(&Fault::Source).permanent());
    }
    walk.paths.sort_unstable();
    let (text, batches) = listing(&walk.paths)?;
    let file = files::work(&job.target).join(format!("inventory-{run}"));
    Draft::new(&job.target)
        .and_then(|draft| draft.write(&text, &file))
        .map_err(target(&file))?;
    Ok(Inventory {
        file: file.to_string_lossy().into_owned(),
        files: walk.paths.len() as u64,
        batches,
        skipped_count: walk.skipped.len() as u64,
        skipped: walk.skipped.into_iter().take(NAMED_MAX).collect(),
    })
}

/// The text of the listing, and its parts.
fn listing(paths: &[String]) -> Result<(Vec<u8>, Vec<Range>), StepError> {
    let mut text = Vec::new();
    let mut batches = Vec::new();
    let mut batch = Range {
        offset: 0,
        bytes: 0,
        files: 0,
    };
    for path in paths {
        serde_json::to_writer(&mut text, path).map_err(StepError::new)?;
        text.push(b'\n');
        batch.files += 1;
        batch.bytes = text.len() as u64 - batch.offset;
        if batch.files == FILES_MAX || batch.bytes >= BYTES_MAX {
            batches.push(batch);
            batch = Range {
                offset: text.len() as u64,
                bytes: 0,
                files: 0,
            };
        }
    }
    if batch.files > 0 {
        batches.push(batch);
    }
    Ok((text, batches))
}

fn read_blocking(file: &Path, range: Range) -> Result<Vec<String>, StepError> {
    let read = || {
        let mut file = File::open(file)?;
        file.seek(SeekFrom::Start(range.offset))?;
        let mut text = String::new();
        file.take(range.bytes).read_to_string(&mut text)?;
        text.lines()
            .map(|line| serde_json::from_str(line).map_err(std::io::Error::from))
            .collect::<std::io::Result<Vec<String>>>()
    };
    let paths = read().map_err(target(file))?;
    if paths.len() != range.files as usize {
        let why = "the inventory is not what it was when it was written";
        return Err(Fault::Target.at(file.display(), why).permanent());
    }
    Ok(paths)
}

/// A walk through the source. Symbolic links are not followed.
#[derive(Debug, Default)]
struct Walk {
    folders: Vec<String>,
    paths: Vec<String>,
    skipped: Vec<String>,
    problems: Vec<String>,
}

impl Walk {
    fn folder(&mut self, folder: &Path, path: &str) {
        let cannot = |error| format!("{}: cannot be listed: {error}", folder.display());
        let entries = match fs::read_dir(folder) {
            Ok(entries) => entries,
            Err(error) => return self.problems.push(cannot(error)),
        };
        for entry in entries {
            match entry.and_then(|entry| Ok((entry.file_type()?, entry.file_name()))) {
                Ok((kind, name)) => self.entry(kind, &name, path),
                Err(error) => self.problems.push(cannot(error)),
            }
        }
    }

    fn entry(&mut self, kind: fs::FileType, name: &std::ffi::OsStr, folder: &str) {
        let join = |name: &str| match folder {
            "" => name.to_owned(),
            folder => format!("{folder}/{name}"),
        };
        let shown = join(&name.to_string_lossy());
        if kind.is_symlink() {
            self.skipped.push(format!("{shown}: a symbolic link"));
        } else if !kind.is_dir() && !kind.is_file() {
            self.skipped
                .push(format!("{shown}: neither a file nor a folder"));
        } else if name.to_str().is_none() {
            // The manifest is JSON: it has no way to write such a name.
            self.problems
                .push(format!("{shown}: its name is not valid UTF-8"));
        } else if kind.is_dir() {
            self.folders.push(shown);
        } else {
            self.paths.push(shown);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn batches_cover_the_listing_without_gap_and_keep_their_bounds() {
        let paths: Vec<_> = (0..1_001).map(|n| format!("folder/{n:05}")).collect();
        let (text, batches) = listing(&paths).unwrap();
        let files: u32 = batches.iter().map(|batch| batch.files).sum();
        assert_eq!(files, 1_001);
        assert!(batches.iter().all(|batch| batch.files <= FILES_MAX));
        let mut end = 0;
        for batch in &batches {
            assert_eq!(batch.offset, end);
            end += batch.bytes;
        }
        assert_eq!(end, text.len() as u64);
    }

    #[test]
    fn long_paths_make_small_batches() {
        let paths: Vec<_> = (0..200)
            .map(|n| format!("{n}{}", "x".repeat(4_000)))
            .collect();
        let (_, batches) = listing(&paths).unwrap();
        assert!(batches.len() > 1);
        assert!(batches.iter().all(|batch| batch.bytes < BYTES_MAX + 5_000));
    }
}
