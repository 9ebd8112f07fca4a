//! What the operating system says about this process, and a folder for its database.

use std::{fs, io, path::PathBuf};

/// A folder that is removed when dropped.
#[derive(Debug)]
pub struct Folder(pub PathBuf);

impl Folder {
    /// A fresh folder on the disk that holds the working folder: a temporary folder may be memory.
    pub fn new() -> io::Result<Self> {
        let path = std::env::current_dir()?.join("target").join(format!(
            "bench-{}-{}",
            std::process::id(),
            fastrand()
        ));
        fs::create_dir_all(&path)?;
        Ok(Self(path))
    }

    /// How many bytes the database takes, its log included.
    pub fn bytes(&self) -> u64 {
        let files = fs::read_dir(&self.0).into_iter().flatten().flatten();
        files
            .filter_map(|file| file.metadata().ok())
            .map(|metadata| metadata.len())
            .sum()
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

fn fastrand() -> u64 {
    use std::hash::{BuildHasher, Hasher};
    std::hash::RandomState::new().build_hasher().finish()
}

/// Memory in MiB: `VmHWM` is the peak, `VmRSS` the present. Zero where `/proc` is missing.
pub fn memory_mib(field: &str) -> f64 {
    let status = fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status
        .lines()
        .find(|line| line.starts_with(field))
        .unwrap_or_default();
    let kib: f64 = line
        .split_whitespace()
        .nth(1)
        .and_then(|n| n.parse().ok())
        .unwrap_or(0.0);
    kib / 1024.0
}

/// CPU seconds of this process's threads so far, by the scheduler's own count in nanoseconds. Zero
/// where `/proc` is missing.
pub fn cpu_seconds() -> f64 {
    let tasks = fs::read_dir("/proc/self/task")
        .into_iter()
        .flatten()
        .flatten();
    let nanos: u64 = tasks
        .filter_map(|task| fs::read_to_string(task.path().join("schedstat")).ok())
        .filter_map(|text| text.split_whitespace().next()?.parse::<u64>().ok())
        .sum();
    nanos as f64 / 1e9
}
