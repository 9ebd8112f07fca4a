//! How far a backup is. The journal knows, whichever process did the work.

use std::{
    collections::BTreeMap,
    io::{self, IsTerminal},
    time::{Duration, Instant},
};

use durable::{
    Client, Status, Workflow,
    journal::{EventKind, StepId},
    printable,
};
use indicatif::{ProgressBar, ProgressStyle};

use super::{
    inventory::Inventory,
    workflows::{archive, backup},
};

/// Shows how far a run of `backup` is: a bar on a terminal, else a line now and then.
#[derive(Debug)]
pub struct Progress {
    client: Client,
    run: durable::Run<backup>,
    inventory: Option<Inventory>,
    /// Files of batches that are over, by the batch's number.
    over: BTreeMap<u32, u64>,
    display: Display,
}

#[derive(Debug)]
enum Display {
    Bar(ProgressBar),
    Lines { shown: u64, at: Instant },
}

/// The least time between two lines.
const LINE_EVERY: Duration = Duration::from_secs(1);

impl Progress {
    /// Nothing is shown before the first [`update`](Self::update).
    pub fn new(client: &Client, run: &durable::Run<backup>) -> Self {
        let display = if io::stderr().is_terminal() {
            let bar = ProgressBar::new(0);
            let style = "{wide_bar} {human_pos}/{human_len} files, {per_sec}, {eta} left";
            bar.set_style(
                ProgressStyle::with_template(style)
                    .unwrap_or_else(|_| ProgressStyle::default_bar()),
            );
            Display::Bar(bar)
        } else {
            Display::Lines {
                shown: u64::MAX,
                at: Instant::now(),
            }
        };
        Self {
            client: client.clone(),
            run: run.clone(),
            inventory: None,
            over: BTreeMap::new(),
            display,
        }
    }

    /// Reads the journal and shows what it says.
    pub async fn update(&mut self) -> durable::Result<()> {
        if self.inventory.is_none() {
            self.inventory = self.find_inventory().await?;
            self.announce();
        }
        let Some(total) = self.inventory.as_ref().map(|inventory| inventory.files) else {
            return Ok(());
        };
        let done = self.count().await?;
        self.show(done, total);
        Ok(())
    }

    /// Takes the display away.
    pub fn finish(&self) {
        if let Display::Bar(bar) = &self.display {
            bar.finish_and_clear();
        }
    }

    async fn find_inventory(&self) -> durable::Result<Option<Inventory>> {
        let history = self.client.history(self.run.id().as_str()).await?;
        let output = history.iter().find_map(|event| match &event.kind {
            EventKind::StepCompleted { output } if is(event.step.as_ref(), "inventory") => {
                Some(output)
            }
            _ => None,
        });
        Ok(output.map(|output| output.decode()).transpose()?)
    }

    fn announce(&self) {
        let Some(inventory) = &self.inventory else {
            return;
        };
        let say = |line: String| match &self.display {
            Display::Bar(bar) => bar.println(line),
            Display::Lines { .. } => eprintln!("{line}"),
        };
        for skipped in &inventory.skipped {
            say(format!("skipped {}", printable(skipped)));
        }
        let more = inventory.skipped_count - inventory.skipped.len() as u64;
        if more > 0 {
            say(format!("skipped {more} more of these"));
        }
    }

    /// How many files are stored.
    async fn count(&mut self) -> durable::Result<u64> {
        let prefix = format!("{}/", self.run.id());
        let mut under_way = 0;
        let mut runs = self.client.list().workflow(archive::NAME).page_size(1_000);
        loop {
            let page = runs.next_page().await?;
            if page.is_empty() {
                break;
            }
            for run in page {
                let Some(step) = run.id.as_str().strip_prefix(&prefix) else {
                    continue;
                };
                let batch = StepId::from_recorded(step).occurrence();
                if run.status == Status::Completed {
                    self.over.insert(batch, self.files_of(batch));
                } else {
                    under_way += self.stored_by(run.id.as_str()).await?;
                }
            }
        }
        Ok(self.over.values().sum::<u64>() + under_way)
    }

    fn files_of(&self, batch: u32) -> u64 {
        let batches = self.inventory.as_ref().map(|inventory| &inventory.batches);
        batches
            .and_then(|batches| batches.get(batch as usize))
            .map_or(0, |range| range.files.into())
    }

    async fn stored_by(&self, run: &str) -> durable::Result<u64> {
        let history = self.client.history(run).await?;
        let stored = history.iter().filter(|event| {
            matches!(event.kind, EventKind::StepCompleted { .. })
                && is(event.step.as_ref(), "store")
        });
        Ok(stored.count() as u64)
    }

    fn show(&mut self, done: u64, total: u64) {
        match &mut self.display {
            Display::Bar(bar) => {
                if bar.length() != Some(total) {
                    // What was done before this process is not counted as its speed.
                    bar.set_length(total);
                    bar.set_position(done);
                    bar.reset_eta();
                }
                bar.set_position(done);
            }
            Display::Lines { shown, at } => {
                if *shown == u64::MAX || (*shown != done && at.elapsed() >= LINE_EVERY) {
                    eprintln!("{done} of {total} files");
                    (*shown, *at) = (done, Instant::now());
                }
            }
        }
    }
}

fn is(step: Option<&StepId>, name: &str) -> bool {
    step.is_some_and(|step| step.name() == name)
}
