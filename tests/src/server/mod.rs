//! A PostgreSQL server of the tests' own, with the durability that a real one has.
//!
//! It lives in a directory of its own on a port of its own, and goes away with whoever started it,
//! also when that process is killed.

mod authority;
mod database;
mod pooler;
mod programs;

use std::{
    fs,
    io::Write,
    net::{Ipv4Addr, TcpListener},
    os::unix::fs::PermissionsExt,
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    thread,
    time::{Duration, Instant},
};

use durable::Result;

pub use authority::Authority;
pub use database::Database;
pub use pooler::{PoolMode, Pooler};
use programs::{Programs, run};

use crate::{TempDir, proxy::Proxy};

/// How long a server may take to start or stop before something is wrong with it.
const PATIENCE: Duration = Duration::from_secs(60);

/// A private server. Dropping it stops it and removes its data.
#[derive(Debug)]
pub struct Server {
    programs: Programs,
    port: u16,
    /// Ends the server and removes the directory when its standard input closes: on drop, and when
    /// this process dies in whatever way.
    watchdog: Child,
    directory: TempDir,
}

impl Server {
    /// Makes and starts a server.
    ///
    /// # Errors
    ///
    /// When the server programs are not installed (the message says how to), or the server does not
    /// start.
    pub fn start() -> Result<Self> {
        Self::with_data(|programs, data| {
            let mut initdb = programs.command("initdb");
            initdb.arg("--pgdata").arg(data);
            // Without `--no-sync` it takes seconds; the server itself syncs as always.
            initdb.args(["--username=durable", "--auth=trust", "--no-sync"]);
            run(initdb.args(["--encoding=UTF8", "--locale=C"])).map(drop)
        })
    }

    /// Makes and starts a standby that streams from this server. From when this returns, a commit
    /// here is acknowledged only when the standby has it on disk.
    ///
    /// # Errors
    ///
    /// When the copy fails or the standby does not start.
    pub async fn synchronous_standby(&self) -> Result<Self> {
        let standby = Self::copy_of(&self.url())?;
        database::make_synchronous(&self.url()).await?;
        Ok(standby)
    }

    /// Makes and starts a standby that streams from this server over a line that leads here, and that
    /// no commit waits for: what does not get through the line is acknowledged all the same.
    ///
    /// # Errors
    ///
    /// When the copy fails or the standby does not start.
    pub fn asynchronous_standby(&self, line: &Proxy) -> Result<Self> {
        Self::copy_of(&address(line.port(), "postgres"))
    }

    /// A standby of the server at an address.
    fn copy_of(url: &str) -> Result<Self> {
        Self::with_data(|programs, data| {
            let mut copy = programs.command("pg_basebackup");
            copy.arg("--pgdata").arg(data);
            copy.args(["--write-recovery-conf", "--checkpoint=fast", "--no-sync"]);
            run(copy.arg("--dbname").arg(url)).map(drop)
        })
    }

    /// Whether there are programs to run one, and somebody to run them.
    pub(crate) fn available() -> Result<()> {
        Self::prepare().map(drop)
    }

    /// The programs, and a directory of theirs.
    fn prepare() -> Result<(Programs, TempDir)> {
        let mut programs = Programs::find()?;
        let directory = TempDir::new("postgres")?;
        programs.give(directory.path())?;
        Ok((programs, directory))
    }

    fn with_data(make: impl FnOnce(&Programs, &Path) -> Result<()>) -> Result<Self> {
        let (programs, directory) = Self::prepare()?;
        let watchdog = watch(&programs, directory.path())?;
        let mut server = Self {
            programs,
            port: 0,
            watchdog,
            directory,
        };
        make(&server.programs, &server.data())?;
        server.configure()?;
        server.start_again()?;
        Ok(server)
    }

    /// Chooses a free port and writes the settings.
    fn configure(&mut self) -> Result<()> {
        self.port = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?
            .local_addr()?
            .port();
        let settings = format!(
            "listen_addresses = '127.0.0.1'\n\
             port = {}\n\
             unix_socket_directories = '{}'\n\
             max_connections = 200\n\
             shared_buffers = 64MB\n\
             deadlock_timeout = 100ms\n\
             log_line_prefix = '%m [%p] %a '\n",
            self.port,
            self.directory.path().display()
        );
        self.set(&settings)
    }

    /// Adds settings, which count from its next start.
    fn set(&self, settings: &str) -> Result<()> {
        let file = self.data().join("postgresql.conf");
        let mut file = fs::OpenOptions::new().append(true).open(file)?;
        Ok(file.write_all(settings.as_bytes())?)
    }

    /// Has it offer encrypted connections, with a certificate for a name: `DNS:host`, `IP:address`.
    ///
    /// # Errors
    ///
    /// When the certificate cannot be made, or the server does not take it.
    pub fn encrypt(&self, authority: &Authority, name: &str) -> Result<()> {
        let mut programs = self.programs.clone();
        let (certificate, key) = (
            self.data().join("server.crt"),
            self.data().join("server.key"),
        );
        authority.sign(name, &certificate, &key)?;
        // The server wants its key for itself.
        fs::set_permissions(&key, fs::Permissions::from_mode(0o600))?;
        for file in [&certificate, &key] {
            programs.give(file)?;
        }
        self.restart_with("ssl = on\n")
    }

    /// Has it note what each statement costs, in the view `pg_stat_statements` of a database that has the
    /// extension.
    ///
    /// # Errors
    ///
    /// When the server does not start with it: PostgreSQL's additional modules are not installed.
    pub fn count_pages(&self) -> Result<()> {
        self.restart_with("shared_preload_libraries = 'pg_stat_statements'\n")
    }

    fn restart_with(&self, settings: &str) -> Result<()> {
        self.set(settings)?;
        run(self.control("stop").arg("--mode=fast"))?;
        self.start_again()
    }

    /// The address of the server's first database.
    pub fn url(&self) -> String {
        self.url_of("postgres")
    }

    /// The address of one of its databases.
    pub fn url_of(&self, database: &str) -> String {
        address(self.port, database)
    }

    /// Where it listens, on the loopback address.
    pub fn port(&self) -> u16 {
        self.port
    }

    /// A new, empty database.
    ///
    /// # Errors
    ///
    /// When the server refuses.
    pub async fn database(&self) -> Result<Database> {
        Database::on(self).await
    }

    /// Starts a server that was stopped or killed.
    ///
    /// # Errors
    ///
    /// When it does not start; the message has the end of its log.
    pub fn start_again(&self) -> Result<()> {
        let deadline = Instant::now() + PATIENCE;
        loop {
            let mut start = self.control("start");
            start.arg("--log").arg(self.directory.path().join("log"));
            match run(&mut start) {
                Ok(_) => return Ok(()),
                // What was left of a killed server holds its memory for a moment.
                Err(_) if Instant::now() < deadline && self.is_still_held() => {
                    thread::sleep(Duration::from_millis(20));
                }
                Err(error) => return Err(format!("{error}\n{}", self.log()).into()),
            }
        }
    }

    /// Restarts it as after a crash: every connection is cut, nothing is tidied up, and the log is
    /// replayed.
    ///
    /// # Errors
    ///
    /// When it does not come up again.
    pub fn restart_immediate(&self) -> Result<()> {
        self.stop_immediate()?;
        self.start_again()
    }

    /// Cuts every connection and stops it without tidying up.
    ///
    /// # Errors
    ///
    /// When it does not stop.
    pub fn stop_immediate(&self) -> Result<()> {
        run(self.control("stop").arg("--mode=immediate")).map(drop)
    }

    /// Kills every process of it.
    ///
    /// # Errors
    ///
    /// When it is not running.
    pub fn kill_9(&self) -> Result<()> {
        let pid = fs::read_to_string(self.data().join("postmaster.pid"))?;
        let pid = pid.lines().next().unwrap_or_default().to_owned();
        // Linux says who its children are; elsewhere they notice its death themselves.
        let children = fs::read_to_string(format!("/proc/{pid}/task/{pid}/children"));
        let children = children.unwrap_or_default();
        let mut kill = Command::new("/bin/sh");
        kill.args(["-c", "kill -9 \"$0\" && kill -9 \"$@\" || true"]);
        kill.arg(&pid).args(children.split_whitespace());
        run(&mut kill).map(drop)
    }

    /// Kills one of its processes that serve connections: the server ends all others too, and goes on
    /// after a recovery.
    ///
    /// # Errors
    ///
    /// When nobody connects to it.
    pub fn crash_a_backend(&self) -> Result<()> {
        let sql = "SELECT pid FROM pg_stat_activity WHERE backend_type = 'client backend' \
                   AND pid <> pg_backend_pid() LIMIT 1";
        let deadline = Instant::now() + PATIENCE;
        let pid = loop {
            let mut ask = self.programs.command("psql");
            ask.args(["--no-psqlrc", "--tuples-only", "--no-align", "--dbname"]);
            let answer = run(ask.arg(self.url()).args(["--command", sql]));
            match answer.map(|answer| String::from_utf8_lossy(&answer.stdout).trim().to_owned()) {
                Ok(pid) if !pid.is_empty() => break pid,
                // It recovers from the last time, or nobody has come back yet.
                Ok(_) | Err(_) if Instant::now() < deadline => {
                    thread::sleep(Duration::from_millis(20));
                }
                Ok(_) => return Err("nobody connects to the server".into()),
                Err(error) => return Err(error),
            }
        };
        run(Command::new("/bin/sh").args(["-c", "kill -9 \"$0\"", &pid])).map(drop)
    }

    /// Makes a standby a server that can be written to.
    ///
    /// # Errors
    ///
    /// When it is no standby.
    pub fn promote(&self) -> Result<()> {
        run(&mut self.control("promote")).map(drop)
    }

    /// The end of the server's own log.
    pub fn log(&self) -> String {
        let log = fs::read(self.directory.path().join("log")).unwrap_or_default();
        let start = log.len().saturating_sub(8_000);
        String::from_utf8_lossy(&log[start..]).into_owned()
    }

    fn data(&self) -> PathBuf {
        data(self.directory.path())
    }

    fn control(&self, action: &str) -> Command {
        let mut control = self.programs.command("pg_ctl");
        control.arg(action).arg("--pgdata").arg(self.data());
        control.arg("--wait");
        control.arg(format!("--timeout={}", PATIENCE.as_secs()));
        control
    }

    /// Whether the last start failed for what a killed server has left.
    fn is_still_held(&self) -> bool {
        let log = self.log();
        let mut last = log.lines().rev().take(3);
        last.any(|line| line.contains("is still in use") || line.contains("already exists"))
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        drop(self.watchdog.stdin.take());
        // What it could not do, it says on standard error.
        let _ = self.watchdog.wait();
    }
}

fn address(port: u16, database: &str) -> String {
    format!("postgres://durable@127.0.0.1:{port}/{database}")
}

fn data(directory: &Path) -> PathBuf {
    directory.join("data")
}

/// Starts what cleans up after the server. It is there before the server is, so that nothing is left
/// behind in whatever moment this process dies.
fn watch(programs: &Programs, directory: &Path) -> Result<Child> {
    let mut watchdog = programs.as_account("/bin/sh");
    watchdog.args([
        "-c",
        "read -r _; \"$0\" stop --silent --mode=immediate --pgdata \"$1\" 2>/dev/null; rm -rf \"$2\"",
    ]);
    watchdog.arg(programs.path("pg_ctl"));
    watchdog.arg(data(directory)).arg(directory);
    watchdog.stdin(Stdio::piped()).stdout(Stdio::null());
    Ok(watchdog.spawn()?)
}
