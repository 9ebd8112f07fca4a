//! Disks that are slow or small.

use std::{
    ffi::OsStr,
    path::{Path, PathBuf},
    process::{Command, Stdio},
};

use durable::Result;

use crate::TempDir;

/// A program each of whose syncs takes 30 ms longer; what delays it writes a log of the delays, and
/// ends with it.
pub fn slow(program: impl AsRef<OsStr>, delays: &Path) -> Command {
    let mut strace = Command::new("strace");
    strace.args(["--follow-forks", "--quiet=all", "--output"]);
    strace.arg(delays);
    strace.args(["--trace=fsync,fdatasync"]);
    strace.arg("--inject=fsync,fdatasync:delay_enter=30000");
    strace.arg(program);
    strace
}

/// Whether a program can be slowed down here.
pub(crate) fn slow_is_available() -> Result<()> {
    let mut probe = slow("true", Path::new("/dev/null"));
    let probe = probe.stdout(Stdio::null()).stderr(Stdio::null()).status();
    match probe {
        Ok(status) if status.success() => Ok(()),
        Ok(_) => Err("needs strace, which may not trace here".into()),
        Err(_) => Err("needs strace: `apt-get install -y strace`".into()),
    }
}

/// A file system of 8 MB.
#[derive(Debug)]
pub struct SmallDisk(TempDir);

impl SmallDisk {
    /// Makes an empty one.
    ///
    /// # Errors
    ///
    /// When this process may not mount a file system.
    pub fn mount() -> Result<Self> {
        let directory = TempDir::new("small-disk")?;
        let mut mount = Command::new("mount");
        mount.args(["-t", "tmpfs", "-o", "size=8m", "durable-test"]);
        let mounted = mount.arg(directory.path()).stderr(Stdio::null()).status();
        match mounted {
            Ok(status) if status.success() => Ok(Self(directory)),
            _ => Err("needs to mount a small file system, which only root may do".into()),
        }
    }

    /// A new file's path on it.
    pub fn file(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }
}

impl Drop for SmallDisk {
    fn drop(&mut self) {
        // The folder cannot be removed otherwise, which shows.
        let _ = Command::new("umount").arg(self.0.path()).status();
    }
}
