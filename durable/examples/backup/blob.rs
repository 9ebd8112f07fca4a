//! One file into one blob: hashed and compressed in a single pass, verified, and then put in place
//! under its hash in one motion.

use std::{
    fs::{self, File, Metadata},
    io::{self, ErrorKind, Read, Write},
    path::{Path, PathBuf},
};

use durable::StepError;
use sha2::{Digest, Sha256};

use super::{
    fault::{Fault, target},
    files::{self, Draft},
    workflows::{Entry, Job},
};

const BUFFER: usize = 128 * 1024;

/// Stores a file of the source. Storing it again is harmless, which is what a step must be.
pub async fn store(job: &Job, path: &str) -> Result<Entry, StepError> {
    let (job, path) = (job.clone(), path.to_owned());
    tokio::task::spawn_blocking(move || store_blocking(&job, &path))
        .await
        .map_err(StepError::new)?
}

/// Where the blob with this hash is.
pub fn place(target: &str, sha256: &str) -> PathBuf {
    files::blobs(target).join(format!("{sha256}.zst"))
}

fn store_blocking(job: &Job, path: &str) -> Result<Entry, StepError> {
    let (mut source, before) = open(&job.source, path)?;
    let draft = Draft::new(&job.target).map_err(|error| blame_target(path, &error))?;
    let (size, sha256) = copy(&mut source, &draft.path, path)?;
    let after = source
        .metadata()
        .map_err(|error| unreadable(path, &error))?;
    if size != before.len() || changed(&before, &after) {
        // Not permanent: it may hold still the next time.
        return Err(Fault::Source.at(path, "it changed while it was read"));
    }
    if hash_of_blob(&draft.path).map_err(target(&draft.path))? != sha256 {
        return Err(Fault::Target.at(path, "what was written does not read back the same"));
    }
    draft
        .put(&place(&job.target, &sha256))
        .map_err(|error| blame_target(path, &error))?;
    Ok(Entry {
        path: path.to_owned(),
        size,
        sha256,
    })
}

/// Opens a file that was a regular file when it was listed, and must still be one.
fn open(source: &str, path: &str) -> Result<(File, Metadata), StepError> {
    let full = Path::new(source).join(path);
    let kind = fs::symlink_metadata(&full).map_err(|error| unreadable(path, &error))?;
    if !kind.is_file() {
        let why = "it is no longer a regular file";
        return Err(Fault::Source.at(path, why).permanent());
    }
    let file = File::open(&full).map_err(|error| unreadable(path, &error))?;
    let metadata = file.metadata().map_err(|error| unreadable(path, &error))?;
    Ok((file, metadata))
}

/// Reads the source once: what is hashed is what is compressed. Gives size and hash.
fn copy(source: &mut File, draft: &Path, path: &str) -> Result<(u64, String), StepError> {
    let blame = |error: io::Error| blame_target(path, &error);
    let file = File::create(draft).map_err(blame)?;
    let mut encoder = zstd::Encoder::new(file, zstd::DEFAULT_COMPRESSION_LEVEL).map_err(blame)?;
    let mut hasher = Sha256::new();
    let mut buffer = vec![0; BUFFER];
    let mut size = 0;
    loop {
        let count = match source.read(&mut buffer) {
            Ok(0) => break,
            Ok(count) => count,
            Err(error) if error.kind() == ErrorKind::Interrupted => continue,
            Err(error) => return Err(unreadable(path, &error)),
        };
        hasher.update(&buffer[..count]);
        encoder.write_all(&buffer[..count]).map_err(blame)?;
        size += count as u64;
    }
    let file = encoder.finish().map_err(blame)?;
    file.sync_all().map_err(blame)?;
    Ok((size, format!("{:x}", hasher.finalize())))
}

fn changed(before: &Metadata, after: &Metadata) -> bool {
    before.len() != after.len() || before.modified().ok() != after.modified().ok()
}

/// The hash of what a blob unpacks to.
fn hash_of_blob(blob: &Path) -> io::Result<String> {
    let mut decoder = zstd::Decoder::new(File::open(blob)?)?;
    let mut hasher = Sha256::new();
    io::copy(&mut decoder, &mut hasher)?;
    Ok(format!("{:x}", hasher.finalize()))
}

fn unreadable(path: &str, error: &io::Error) -> StepError {
    let why = match error.kind() {
        ErrorKind::NotFound => "it has vanished since it was listed".to_owned(),
        _ => format!("cannot be read: {error}"),
    };
    Fault::Source.at(path, why).permanent()
}

fn blame_target(path: &str, error: &io::Error) -> StepError {
    Fault::Target.at(path, format!("cannot be stored: {error}"))
}
