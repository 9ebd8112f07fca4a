//! The files of the target, and how they come into being: as a draft on the same disk that is renamed
//! when it is complete and safe.

use std::{
    fs::{self, File},
    io::{self, Write},
    path::{Path, PathBuf},
    sync::atomic::{AtomicU64, Ordering},
};

/// The folder of the blobs.
pub fn blobs(target: &str) -> PathBuf {
    Path::new(target).join("blobs")
}

/// The folder of what is under way; removed when a backup is complete.
pub fn work(target: &str) -> PathBuf {
    Path::new(target).join(".work")
}

/// The file that lists what the blobs are.
pub fn manifest(target: &str) -> PathBuf {
    Path::new(target).join("manifest.json")
}

/// A file that is not in its place yet. Removed when dropped; what a crash leaves is removed at the
/// end of the next backup.
#[derive(Debug)]
pub struct Draft {
    /// Where it is for now.
    pub path: PathBuf,
}

impl Draft {
    /// A name that no other draft has, in this process or another.
    pub fn new(target: &str) -> io::Result<Self> {
        static NEXT: AtomicU64 = AtomicU64::new(0);
        let number = NEXT.fetch_add(1, Ordering::Relaxed);
        let folder = work(target);
        fs::create_dir_all(&folder)?;
        let path = folder.join(format!("{}-{number}", std::process::id()));
        Ok(Self { path })
    }

    /// Fills the draft, makes it safe and puts it in its place.
    pub fn write(self, content: &[u8], place: &Path) -> io::Result<()> {
        let mut file = File::create(&self.path)?;
        file.write_all(content)?;
        file.sync_all()?;
        self.put(place)
    }

    /// Puts the draft, whose content is safe on the disk, in its place. When this returns, the place
    /// is safe too.
    pub fn put(self, place: &Path) -> io::Result<()> {
        let Some(folder) = place.parent() else {
            return Err(io::Error::other("the place has no folder"));
        };
        fs::create_dir_all(folder)?;
        fs::rename(&self.path, place)?;
        sync_folder(folder)
    }
}

impl Drop for Draft {
    fn drop(&mut self) {
        // Fails for one that was put in its place.
        let _ = fs::remove_file(&self.path);
    }
}

#[cfg(unix)]
fn sync_folder(folder: &Path) -> io::Result<()> {
    File::open(folder)?.sync_all()
}

/// Elsewhere a folder cannot be opened as a file, and a rename is as safe as the system makes it.
#[cfg(not(unix))]
fn sync_folder(_: &Path) -> io::Result<()> {
    Ok(())
}
