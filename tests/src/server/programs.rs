//! Where PostgreSQL's server programs are, and as whom they run.

use std::{
    env, fs, io,
    os::unix::{
        fs::{MetadataExt, chown},
        process::CommandExt,
    },
    path::{Path, PathBuf},
    process::{Command, Output},
};

use durable::Result;

const NEEDED: &[&str] = &["initdb", "pg_ctl", "pg_basebackup", "psql"];

/// The server programs of one installation.
#[derive(Debug, Clone)]
pub(super) struct Programs {
    folder: PathBuf,
    /// Who runs them: `postgres` in place of root, whom the server refuses.
    account: Option<(u32, u32)>,
}

impl Programs {
    /// Finds them: on the path, where `pg_config` points, or where Debian keeps them.
    pub(super) fn find() -> Result<Self> {
        let folder = candidates()
            .find(|folder| NEEDED.iter().all(|name| folder.join(name).is_file()))
            .ok_or("needs PostgreSQL's server programs: `apt-get install -y postgresql`")?;
        Ok(Self {
            folder,
            account: None,
        })
    }

    /// Hands a file or a directory of ours to whoever runs the programs.
    pub(super) fn give(&mut self, path: &Path) -> Result<()> {
        if fs::metadata(path)?.uid() == 0 {
            let account = (id_of_postgres("-u")?, id_of_postgres("-g")?);
            chown(path, Some(account.0), Some(account.1))?;
            self.account = Some(account);
        }
        Ok(())
    }

    /// A command that runs a server program.
    pub(super) fn command(&self, name: &str) -> Command {
        self.as_account(self.path(name))
    }

    pub(super) fn path(&self, name: &str) -> PathBuf {
        self.folder.join(name)
    }

    /// A command of any program, run as the server programs are.
    pub(super) fn as_account(&self, program: impl AsRef<Path>) -> Command {
        let mut command = Command::new(program.as_ref());
        // Away from a folder the account may not enter, and from the signals of a terminal.
        command.current_dir("/").process_group(0);
        if let Some((user, group)) = self.account {
            command.uid(user).gid(group);
        }
        command
    }
}

/// Runs a command to its end.
pub(super) fn run(command: &mut Command) -> Result<Output> {
    let output = command.output()?;
    if output.status.success() {
        return Ok(output);
    }
    Err(format!(
        "{command:?}: {}\n{}{}",
        output.status,
        String::from_utf8_lossy(&output.stdout),
        String::from_utf8_lossy(&output.stderr)
    )
    .into())
}

fn candidates() -> impl Iterator<Item = PathBuf> {
    let path = env::var_os("PATH").unwrap_or_default();
    let on_path = env::split_paths(&path).collect::<Vec<_>>();
    let configured = Command::new("pg_config").arg("--bindir").output();
    let configured = configured
        .ok()
        .and_then(|output| String::from_utf8(output.stdout).ok())
        .map(|folder| PathBuf::from(folder.trim()));
    on_path.into_iter().chain(configured).chain(of_debian())
}

/// `/usr/lib/postgresql/VERSION/bin`, newest first.
fn of_debian() -> Vec<PathBuf> {
    let mut versions: Vec<_> = fs::read_dir("/usr/lib/postgresql")
        .into_iter()
        .flatten()
        .flatten()
        .map(|entry| entry.path())
        .collect();
    versions.sort_by_key(|path| {
        let version = path.file_name().and_then(|name| name.to_str());
        version.and_then(|version| version.parse::<u32>().ok())
    });
    versions.reverse();
    versions.iter().map(|version| version.join("bin")).collect()
}

fn id_of_postgres(which: &str) -> Result<u32> {
    let output = run(Command::new("id").args([which, "postgres"])).map_err(|error| {
        format!(
            "needs a user `postgres` to run a server as, which root may not (`useradd postgres`): {error}"
        )
    })?;
    let id = String::from_utf8(output.stdout)?;
    let id = id.trim().parse();
    Ok(id.map_err(|error| io::Error::new(io::ErrorKind::InvalidData, error))?)
}
