//! Which run a command line means.

use durable::{Client, ListedRun, Status, Workflow};
use sha2::{Digest, Sha256};

use super::{
    files,
    workflows::{Job, backup},
};

/// What the journal says about backups of this source to this target.
#[derive(Debug)]
pub enum Attempt {
    /// There is none, or the last one is over and another is wanted: start this run.
    Start(String),
    /// One was interrupted: go on with this run.
    GoOn(String),
    /// The last one is finished, at this time, and its manifest is there.
    Finished(ListedRun),
}

impl Attempt {
    /// The run's id is made from source and target, so that the same command finds it again, and from
    /// the number of the attempt, so that a failed backup can be made again.
    pub async fn find(client: &Client, job: &Job, again: bool) -> durable::Result<Self> {
        let prefix = prefix(job);
        let Some(last) = last(client, &prefix).await? else {
            return Ok(Self::Start(format!("{prefix}1")));
        };
        let number: u32 = last.id.as_str().trim_start_matches(&prefix).parse()?;
        Ok(match last.status {
            Status::Completed if !again && files::manifest(&job.target).exists() => {
                Self::Finished(last)
            }
            status if status.is_terminal() => Self::Start(format!("{prefix}{}", number + 1)),
            _ => Self::GoOn(last.id.to_string()),
        })
    }
}

fn prefix(job: &Job) -> String {
    let mut hasher = Sha256::new();
    hasher.update(&job.source);
    hasher.update([0]);
    hasher.update(&job.target);
    let hash = format!("{:x}", hasher.finalize());
    format!("backup-{}-", hash.get(..16).unwrap_or(&hash))
}

/// The newest run whose id starts like this.
async fn last(client: &Client, prefix: &str) -> durable::Result<Option<ListedRun>> {
    let mut runs = client.list().workflow(backup::NAME);
    loop {
        let page = runs.next_page().await?;
        if page.is_empty() {
            return Ok(None);
        }
        if let Some(run) = page
            .into_iter()
            .find(|run| run.id.as_str().starts_with(prefix))
        {
            return Ok(Some(run));
        }
    }
}
