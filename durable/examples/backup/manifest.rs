//! The last step: what the backup holds, in one file that is complete or not there.

use std::{collections::BTreeSet, fs, io};

use durable::StepError;

use super::{
    blob,
    fault::{Fault, target},
    files::{self, Draft},
    workflows::{Entry, Job, Summary},
};

/// Writes the manifest of entries that are sorted by path, after making sure of their blobs, and
/// removes what was left over on the way.
pub async fn write(job: &Job, entries: &[Entry]) -> Result<Summary, StepError> {
    let (job, entries) = (job.clone(), entries.to_vec());
    tokio::task::spawn_blocking(move || write_blocking(&job, &entries))
        .await
        .map_err(StepError::new)?
}

fn write_blocking(job: &Job, entries: &[Entry]) -> Result<Summary, StepError> {
    let hashes: BTreeSet<_> = entries.iter().map(|entry| &entry.sha256).collect();
    for hash in &hashes {
        let place = blob::place(&job.target, hash);
        if !place.is_file() {
            let why = "the blob has been removed since it was stored";
            return Err(Fault::Target.at(place.display(), why).permanent());
        }
    }
    let text = render(entries).map_err(StepError::new)?;
    let place = files::manifest(&job.target);
    Draft::new(&job.target)
        .and_then(|draft| draft.write(text.as_bytes(), &place))
        .map_err(target(&place))?;
    remove_work(&job.target).map_err(target(&files::work(&job.target)))?;
    Ok(Summary {
        files: entries.len() as u64,
        bytes: entries.iter().map(|entry| entry.size).sum(),
        blobs: hashes.len() as u64,
    })
}

/// A JSON array with one entry a line.
fn render(entries: &[Entry]) -> Result<String, serde_json::Error> {
    let lines: Vec<_> = entries
        .iter()
        .map(serde_json::to_string)
        .collect::<Result<_, _>>()?;
    Ok(format!("[\n{}\n]\n", lines.join(",\n")))
}

fn remove_work(target: &str) -> io::Result<()> {
    match fs::remove_dir_all(files::work(target)) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
        _ => Ok(()),
    }
}
