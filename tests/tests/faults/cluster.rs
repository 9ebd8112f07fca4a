//! Worker processes on one database.

use std::{
    collections::BTreeSet,
    fmt::Write as _,
    fs::{self, File},
    io::Write as _,
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    sync::Once,
    time::{Duration, Instant, SystemTime},
};

use durable_tests::{
    TempDir, disk,
    history::{Ack, Database, Folder, History, Report, check},
    server,
    workload::{Assignment, Orders, Tuning},
};

/// After this long something is wrong, however slow the machine is.
const PATIENCE: Duration = Duration::from_secs(150);

/// Some workers, the database they share, and the folder they write into.
pub struct Cluster {
    store: &'static str,
    url: String,
    folder: Folder,
    workers: Vec<Worker>,
    disk: Disk,
    directory: TempDir,
    /// What goes with the cluster.
    database: Option<server::Database>,
}

/// What the workers write on.
#[derive(Debug, Clone, Copy)]
pub enum Disk {
    Sound,
    /// Each sync takes 30 ms longer.
    Slow,
}

impl Disk {
    /// A program on this disk.
    fn command(self, program: &str, delays: &Path) -> Command {
        match self {
            Self::Sound => Command::new(program),
            Self::Slow => disk::slow(program, delays),
        }
    }
}

/// One worker through its lives.
struct Worker {
    driver: String,
    runs: Vec<Assignment>,
    tuning: Tuning,
    lives: u32,
    process: Option<Child>,
}

impl Worker {
    fn life(&self) -> String {
        format!("{}.{}", self.driver, self.lives)
    }
}

impl Cluster {
    /// No workers yet, on the database at an address; a SQLite file of its own if there is none.
    pub fn new(store: &'static str, url: Option<&str>) -> Self {
        let directory = TempDir::new("faults").unwrap();
        let file = format!("sqlite://{}", directory.path().join("runs.db").display());
        Self {
            store,
            url: url.map_or(file, str::to_owned),
            folder: Folder::new(directory.path()),
            workers: Vec::new(),
            disk: Disk::Sound,
            directory,
            database: None,
        }
    }

    /// The same, and the database is gone when the cluster is.
    pub fn keeping(mut self, database: server::Database) -> Self {
        self.database = Some(database);
        self
    }

    /// The same on another disk.
    pub fn on(mut self, disk: Disk) -> Self {
        self.disk = disk;
        self
    }

    /// Starts a worker process; gives its number.
    pub fn add(&mut self, runs: Vec<Assignment>, tuning: Tuning) -> usize {
        let number = self.workers.len();
        self.workers.push(Worker {
            driver: format!("worker_{number}"),
            runs,
            tuning,
            lives: 0,
            process: None,
        });
        self.start(number);
        number
    }

    /// Starts the next life of a worker.
    pub fn start(&mut self, number: usize) {
        let delays = self.delays();
        let worker = &mut self.workers[number];
        assert!(worker.process.is_none(), "{} lives", worker.life());
        worker.lives += 1;
        let orders = Orders {
            url: self.url.clone(),
            folder: self.directory.path().to_owned(),
            life: worker.life(),
            driver: worker.driver.clone(),
            runs: worker.runs.clone(),
            tuning: worker.tuning,
        };
        let log = File::create(self.folder.log(&worker.life())).unwrap();
        let process = self
            .disk
            .command(env!("CARGO_BIN_EXE_fault_worker"), &delays)
            .arg(serde_json::to_string(&orders).unwrap())
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .stderr(log)
            .spawn()
            .expect("the program, or `strace` before it, starts; `apt-get install -y strace`");
        worker.process = Some(process);
    }

    /// Kills a worker, without a chance to tidy up.
    pub fn kill(&mut self, number: usize) {
        let mut process = self.workers[number].process.take().unwrap();
        process.kill().unwrap();
        process.wait().unwrap();
    }

    /// Kills a worker and starts its next life.
    pub fn kill_and_restart(&mut self, number: usize) {
        self.kill(number);
        self.start(number);
    }

    /// Asks a worker to end, and waits until it has.
    pub fn retire(&mut self, number: usize) {
        let mut process = self.workers[number].process.take().unwrap();
        drop(process.stdin.take());
        let life = self.workers[number].life();
        self.until("a worker ends when it is told to", || {
            process.try_wait().unwrap().is_some()
        });
        let status = process.wait().unwrap();
        assert!(status.success(), "{life}: {status}\n{}", self.story());
    }

    /// Starts the next life of a worker whenever it dies of its own accord, until something holds.
    /// Gives how often it died.
    pub fn restart_until(
        &mut self,
        number: usize,
        what: &str,
        holds: impl Fn(&Self) -> bool,
    ) -> usize {
        let deadline = Instant::now() + PATIENCE;
        let mut deaths = 0;
        while !holds(self) {
            assert!(
                Instant::now() < deadline,
                "not reached: {what}\n{}",
                self.story()
            );
            let process = self.workers[number].process.as_mut().unwrap();
            if process.try_wait().unwrap().is_some() {
                self.workers[number].process = None;
                deaths += 1;
                self.start(number);
            }
            std::thread::sleep(Duration::from_millis(20));
        }
        deaths
    }

    /// The settings of a worker's next life.
    pub fn tune(&mut self, number: usize, tuning: Tuning) {
        self.workers[number].tuning = tuning;
    }

    /// Stops a worker in the middle of whatever it does.
    pub fn pause(&self, number: usize) {
        self.signal(number, "STOP");
    }

    /// Lets a paused worker go on as if nothing had happened.
    pub fn resume(&self, number: usize) {
        self.signal(number, "CONT");
    }

    fn signal(&self, number: usize, signal: &str) {
        let process = self.workers[number].process.as_ref().unwrap();
        let script = format!("kill -{signal} {}", process.id());
        let status = Command::new("/bin/sh").args(["-c", &script]).status();
        assert!(status.unwrap().success(), "{script}");
    }

    /// The name of a worker's present life.
    pub fn life(&self, number: usize) -> String {
        self.workers[number].life()
    }

    /// What the present life of a worker has logged.
    pub fn log(&self, number: usize) -> String {
        fs::read_to_string(self.folder.log(&self.life(number))).unwrap()
    }

    /// Lets every worker pass that holds a run.
    pub fn open_gate(&self) {
        fs::write(self.directory.path().join("gate"), "").unwrap();
    }

    /// Lets the present life of one worker pass.
    pub fn open_gate_for(&self, number: usize) {
        let gate = format!("gate-{}", self.life(number));
        fs::write(self.directory.path().join(gate), "").unwrap();
    }

    /// Waits until the engine of each worker has started.
    pub fn until_ready(&self) {
        self.until("every engine starts", || {
            (0..self.workers.len()).all(|number| self.log(number).contains("fault_worker: ready"))
        });
    }

    fn delays(&self) -> PathBuf {
        self.directory.path().join("delays")
    }

    /// How often a sync of the worker that was started last was delayed.
    pub fn delayed_syncs(&self) -> usize {
        let delays = fs::read_to_string(self.delays()).unwrap();
        delays.matches("(DELAYED)").count()
    }

    /// How often a call of a worker's store has failed.
    pub fn troubles(&self, number: usize) -> usize {
        self.log(number).matches("the store failed").count()
    }

    /// Whether a worker's last trouble is over.
    pub fn is_well(&self, number: usize) -> bool {
        self.log(number).matches("the store works again").count() == self.troubles(number)
    }

    /// The files the workers write.
    pub fn folder(&self) -> &Folder {
        &self.folder
    }

    /// The address of the database.
    pub fn url(&self) -> &str {
        &self.url
    }

    /// How many step bodies have begun, by any worker.
    pub fn executions(&self) -> usize {
        self.folder.effects().unwrap().len()
    }

    /// Waits until so many step bodies have begun.
    pub fn until_executions(&self, count: usize) {
        self.until(&format!("{count} executions"), || {
            self.executions() >= count
        });
    }

    /// How many runs of all drivers are not known to have ended.
    pub fn missing(&self) -> usize {
        let missing = self.workers.iter().map(|worker| {
            let acks = self.folder.acks_of(&worker.driver).unwrap();
            let ended = acks.iter().filter_map(|ack| match ack {
                Ack::Ended { run, .. } => Some(run.as_str()),
                _ => None,
            });
            let ended: BTreeSet<_> = ended.collect();
            let missing = worker.runs.iter();
            missing
                .filter(|run| !ended.contains(run.id.as_str()))
                .count()
        });
        missing.sum()
    }

    /// Waits until every run has ended and its driver knows.
    pub fn until_all_ended(&self) {
        self.until("all runs end", || self.missing() == 0);
    }

    /// Waits for something that must come, or fails with all there is to know.
    pub fn until(&self, what: &str, mut holds: impl FnMut() -> bool) {
        let deadline = Instant::now() + PATIENCE;
        while !holds() {
            assert!(
                Instant::now() < deadline,
                "not reached: {what}\n{}",
                self.story()
            );
            std::thread::sleep(Duration::from_millis(20));
        }
    }

    /// Ends every worker, reads what there is, and judges it.
    pub async fn finish(mut self, fault: &str) -> Report {
        self.until("no connection stays in a transaction", || {
            let idle = self.query(async |mut database| database.idle_in_transaction().await);
            idle.unwrap() == 0
        });
        for number in 0..self.workers.len() {
            if self.workers[number].process.is_some() {
                self.retire(number);
            }
        }
        let history = self.history().await;
        let report = check(&history);
        print_row(fault, self.store, &report);
        assert!(
            report.violations.is_empty(),
            "{fault} on {}: {:#?}\n{}",
            self.store,
            report.violations,
            self.story()
        );
        report
    }

    /// What there is, with every process that is not alive taken to have ended.
    pub async fn history(&self) -> History {
        let drivers: Vec<_> = self.workers.iter().map(|w| w.driver.clone()).collect();
        let history = History::read(&self.folder, &drivers, &self.url).await;
        let mut history = history.unwrap();
        let alive: BTreeSet<_> = self
            .workers
            .iter()
            .filter(|worker| worker.process.is_some())
            .map(Worker::life)
            .collect();
        for (name, life) in &mut history.lives {
            life.ended = !alive.contains(name);
        }
        history
    }

    /// Asks the database something, from outside of the test's runtime.
    ///
    /// # Errors
    ///
    /// When it does not answer.
    pub fn query<T: Send>(
        &self,
        ask: impl AsyncFnOnce(Database) -> durable::Result<T> + Send,
    ) -> durable::Result<T> {
        let asking = || {
            let runtime = tokio::runtime::Runtime::new()?;
            let answer = async { ask(Database::connect(&self.url).await?).await };
            runtime.block_on(async { tokio::time::timeout(PATIENCE / 10, answer).await? })
        };
        std::thread::scope(|scope| scope.spawn(asking).join().unwrap())
    }

    /// What is left to do, and the ends of all logs.
    fn story(&self) -> String {
        let now = durable::journal::Timestamp::from(SystemTime::now());
        let mut story = format!(
            "{} runs are not known to have ended, at {}: {:#?}\n",
            self.missing(),
            now.as_micros(),
            self.query(async |mut database| database.unfinished().await)
        );
        for worker in &self.workers {
            for life in 1..=worker.lives {
                let name = format!("{}.{life}", worker.driver);
                let log = fs::read_to_string(self.folder.log(&name)).unwrap_or_default();
                let lines: Vec<_> = log.lines().collect();
                let end = lines[lines.len().saturating_sub(15)..].join("\n");
                writeln!(story, "--- {name}\n{end}").unwrap();
            }
        }
        story
    }
}

impl Drop for Cluster {
    fn drop(&mut self) {
        for worker in &mut self.workers {
            if let Some(process) = &mut worker.process {
                // It may have died already.
                let _ = process.kill();
                let _ = process.wait();
            }
        }
    }
}

/// A row of the table, past the capture of the test's output.
fn print_row(fault: &str, store: &str, report: &Report) {
    static HEAD: Once = Once::new();
    let mut out = std::io::stderr().lock();
    HEAD.call_once(|| {
        writeln!(
            out,
            "\n{:44} {:9} {:>5} {:>12} {:>5} {:>10} {:>9}",
            "fault", "store", "runs", "acknowledged", "lost", "duplicated", "repeated"
        )
        .unwrap();
    });
    writeln!(
        out,
        "{fault:44} {store:9} {:>5} {:>12} {:>5} {:>10} {:>9}",
        report.runs,
        report.acknowledged,
        report.lost(),
        report.duplicated(),
        report.repeated
    )
    .unwrap();
}
