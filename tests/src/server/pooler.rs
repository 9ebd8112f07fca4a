//! A connection pooler in front of a server.

use std::{
    env, fs,
    net::{Ipv4Addr, TcpListener, TcpStream},
    path::PathBuf,
    process::{Child, Stdio},
    thread,
    time::{Duration, Instant},
};

use durable::Result;

use super::{PATIENCE, Server, programs::Programs};
use crate::TempDir;

/// When a pooler takes a server's session away from a client.
#[derive(Debug, Clone, Copy)]
pub enum PoolMode {
    /// When the client has gone.
    Session,
    /// After each transaction.
    Transaction,
}

/// `PgBouncer`, on a port of its own. Dropping it ends it.
#[derive(Debug)]
pub struct Pooler {
    port: u16,
    /// Ends the pooler when its standard input closes.
    watchdog: Child,
    _directory: TempDir,
}

impl Pooler {
    /// Whether it is installed.
    pub(crate) fn available() -> Result<()> {
        find().map(drop)
    }

    /// Starts it in front of a server.
    ///
    /// # Errors
    ///
    /// When it is not installed (the message says how to), or does not start.
    pub fn start(server: &Server, mode: PoolMode) -> Result<Self> {
        let program = find()?;
        let directory = TempDir::new("pooler")?;
        let free = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?;
        let port = free.local_addr()?.port();
        drop(free);
        let users = directory.path().join("users");
        fs::write(&users, "\"durable\" \"\"\n")?;
        let settings = format!(
            "[databases]\n* = host=127.0.0.1 port={}\n\
             [pgbouncer]\nlisten_addr = 127.0.0.1\nlisten_port = {port}\nunix_socket_dir =\n\
             auth_type = trust\nauth_file = {}\npool_mode = {}\n",
            server.port(),
            users.display(),
            match mode {
                PoolMode::Session => "session",
                PoolMode::Transaction => "transaction",
            }
        );
        let file = directory.path().join("settings");
        fs::write(&file, settings)?;
        let mut programs: Programs = server.programs.clone();
        programs.give(directory.path())?;
        let mut watchdog = programs.as_account("/bin/sh");
        watchdog.args([
            "-c",
            "\"$0\" --quiet \"$1\" & read -r _; kill $!; wait; rm -rf \"$2\"",
        ]);
        watchdog.arg(program).arg(file).arg(directory.path());
        watchdog.stdin(Stdio::piped()).stdout(Stdio::null());
        let pooler = Self {
            port,
            watchdog: watchdog.spawn()?,
            _directory: directory,
        };
        pooler.until_it_answers()?;
        Ok(pooler)
    }

    fn until_it_answers(&self) -> Result<()> {
        let deadline = Instant::now() + PATIENCE;
        while let Err(error) = TcpStream::connect((Ipv4Addr::LOCALHOST, self.port)) {
            if Instant::now() > deadline {
                return Err(format!("PgBouncer does not answer: {error}").into());
            }
            thread::sleep(Duration::from_millis(10));
        }
        Ok(())
    }

    /// The address of the server's first database through it.
    pub fn url(&self) -> String {
        format!("postgres://durable@127.0.0.1:{}/postgres", self.port)
    }
}

impl Drop for Pooler {
    fn drop(&mut self) {
        drop(self.watchdog.stdin.take());
        // What it could not do, it says on standard error.
        let _ = self.watchdog.wait();
    }
}

/// On the path, or where Debian keeps what administrators run.
fn find() -> Result<PathBuf> {
    let path = env::var_os("PATH").unwrap_or_default();
    let folders = env::split_paths(&path).chain(["/usr/sbin".into()]);
    let programs = folders.map(|folder| folder.join("pgbouncer"));
    let program = programs.into_iter().find(|program| program.is_file());
    Ok(program.ok_or("needs PgBouncer: `apt-get install -y pgbouncer`")?)
}
