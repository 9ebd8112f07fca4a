//! The worker process: the part that gets killed. It speaks to its parent by lines on the standard
//! output.

use std::{
    io::{self, BufRead, BufReader},
    path::Path,
    process::{Child, Command, ExitStatus, Stdio},
    sync::mpsc::{self, Receiver, RecvTimeoutError},
    time::{Duration, SystemTime},
};

use crate::{
    shop::Shop,
    workflows::{Approval, Order, order},
};

/// The hidden first argument of a worker process.
pub const ROLE: &str = "worker";

/// How long anything that a worker process does may take.
const PATIENCE: Duration = Duration::from_secs(10);

/// What a worker process is told to do.
#[derive(Debug, Clone, Copy)]
pub enum Task {
    /// Take an order in, and approve it.
    Take,
    /// Nothing: the engine finds by itself what there is to go on with.
    GoOn,
}

/// Runs an engine in this process until the order has ended.
pub async fn run(mut args: impl Iterator<Item = String>) -> durable::Result<()> {
    let mut next = || {
        args.next()
            .ok_or("a worker takes: FOLDER TASK ORDER [STEP]")
    };
    let (folder, task, id) = (next()?, next()?, next()?);
    let folder = Path::new(&folder);
    let engine = durable::Engine::builder()
        .state(Shop::new(books(folder), args.next()))
        .open(&database(folder))
        .await?;
    if task == "take" {
        let run = engine.client().start::<order>(&id, sample(&id)).await?;
        let by = "ops".to_owned();
        run.signal(order::approval, Approval { by }).await?;
    }
    println!("approved");
    let run = engine.client().attach::<order>(&id).await?;
    match run.result().await {
        Ok(_) => {}
        Err(error) if error.kind() == durable::ErrorKind::Failed => {}
        Err(error) => return Err(error.into()),
    }
    engine.shutdown().await
}

fn sample(id: &str) -> Order {
    let (item, address) = match id {
        "order-1001" => ("a kettle", "12 Harbor Street"),
        _ => ("a telescope", "Moon"),
    };
    Order {
        item: item.to_owned(),
        cents: 4_900,
        card: "4242 4242 4242 4242".to_owned(),
        address: address.to_owned(),
        cooling_off: Duration::from_millis(500),
    }
}

/// The address of the engine's database.
pub fn database(folder: &Path) -> String {
    format!("sqlite://{}", folder.join("orders.db").display())
}

/// The file of the outside world's books.
pub fn books(folder: &Path) -> std::path::PathBuf {
    folder.join("books.jsonl")
}

/// A worker process, seen from its parent. Killed when dropped.
#[derive(Debug)]
pub struct Worker {
    child: Child,
    lines: Receiver<io::Result<String>>,
}

/// When and where a worker was killed.
#[derive(Debug)]
pub struct Kill {
    /// When.
    pub at: SystemTime,
    /// The step it was in.
    pub step: &'static str,
    /// Its process id.
    pub pid: u32,
}

impl Worker {
    /// Starts this program again as a worker; see [`Shop::new`] for `stall_in`.
    pub fn spawn(
        folder: &Path,
        task: Task,
        order: &str,
        stall_in: Option<&str>,
    ) -> io::Result<Self> {
        let task = match task {
            Task::Take => "take",
            Task::GoOn => "go-on",
        };
        let mut child = Command::new(std::env::current_exe()?)
            .arg(ROLE)
            .arg(folder)
            .args([task, order])
            .args(stall_in)
            .stdout(Stdio::piped())
            .spawn()?;
        let (sender, lines) = mpsc::channel();
        if let Some(output) = child.stdout.take() {
            std::thread::spawn(move || {
                BufReader::new(output)
                    .lines()
                    .try_for_each(|line| sender.send(line))
            });
        }
        Ok(Self { child, lines })
    }

    /// The process id.
    pub fn pid(&self) -> u32 {
        self.child.id()
    }

    /// Waits until the process has said all of these lines, in any order.
    fn says(&self, expected: &[&str]) -> durable::Result<()> {
        let mut missing = expected.to_vec();
        while !missing.is_empty() {
            let line = match self.lines.recv_timeout(PATIENCE) {
                Ok(line) => line?,
                Err(RecvTimeoutError::Timeout | RecvTimeoutError::Disconnected) => {
                    return Err(format!("worker {} did not say {missing:?}", self.pid()).into());
                }
            };
            missing.retain(|expected| *expected != line);
        }
        Ok(())
    }

    /// Kills the process while it is inside a step, once its order is approved: on Unix, `SIGKILL`.
    pub fn kill_inside(mut self, step: &'static str) -> durable::Result<Kill> {
        self.says(&[&format!("inside {step}"), "approved"])?;
        let pid = self.pid();
        self.child.kill()?;
        let at = SystemTime::now();
        let status = self.child.wait()?;
        if status.success() {
            return Err(format!("worker {pid} had ended before it was killed").into());
        }
        Ok(Kill { at, step, pid })
    }

    /// Waits for the process to end by itself.
    pub fn ends(mut self) -> durable::Result<ExitStatus> {
        // Its standard output is closed when it ends, and only then.
        loop {
            match self.lines.recv_timeout(PATIENCE) {
                Ok(line) => drop(line?),
                Err(RecvTimeoutError::Disconnected) => return Ok(self.child.wait()?),
                Err(RecvTimeoutError::Timeout) => {
                    return Err(format!("worker {} does not end", self.pid()).into());
                }
            }
        }
    }
}

impl Drop for Worker {
    fn drop(&mut self) {
        // Fails only for a process that has ended.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
