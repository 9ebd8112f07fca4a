//! Folders to back up, and what a right backup of one is.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::{Path, PathBuf},
    sync::atomic::{AtomicU32, Ordering},
};

use sha2::{Digest, Sha256};

/// A folder that is removed when dropped.
#[derive(Debug)]
pub struct Folder(PathBuf);

impl Folder {
    pub fn new() -> Self {
        static NEXT: AtomicU32 = AtomicU32::new(0);
        let name = format!(
            "durable-backup-test-{}-{}",
            std::process::id(),
            NEXT.fetch_add(1, Ordering::Relaxed)
        );
        let path = std::env::temp_dir().join(name);
        fs::create_dir(&path).unwrap();
        Self(path.canonicalize().unwrap())
    }

    pub fn source(&self) -> PathBuf {
        self.0.join("source")
    }

    pub fn target(&self) -> PathBuf {
        self.0.join("target")
    }

    pub fn write(&self, path: &str, content: &[u8]) {
        let path = self.source().join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, content).unwrap();
    }

    pub fn blobs(&self) -> usize {
        fs::read_dir(self.target().join("blobs")).map_or(0, Iterator::count)
    }

    pub fn has_manifest(&self) -> bool {
        self.target().join("manifest.json").exists()
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

/// Random bytes that are the same in every run (xorshift64*).
#[derive(Debug)]
pub struct Random(u64);

impl Random {
    pub fn new(seed: u64) -> Self {
        Self(seed)
    }

    pub fn next(&mut self) -> u64 {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        self.0.wrapping_mul(0x2545_F491_4F6C_DD1D)
    }

    pub fn below(&mut self, end: usize) -> usize {
        usize::try_from(self.next() % end as u64).unwrap()
    }

    pub fn bytes(&mut self, len: usize) -> Vec<u8> {
        let words = std::iter::repeat_with(|| self.next().to_le_bytes());
        words.flatten().take(len).collect()
    }
}

/// Asserts that the target holds exactly the regular files of the source: by an own walk, an own hash
/// and the content of every blob.
pub fn assert_backed_up(folder: &Folder) {
    let mut files = BTreeMap::new();
    walk(&folder.source(), "", &mut files);
    let manifest = fs::read(folder.target().join("manifest.json")).unwrap();
    let manifest: serde_json::Value = serde_json::from_slice(&manifest).unwrap();
    let expected: Vec<_> = files
        .iter()
        .map(|(path, content)| {
            serde_json::json!({
                "path": path,
                "size": content.len(),
                "sha256": hash(content),
            })
        })
        .collect();
    assert_eq!(manifest, serde_json::Value::Array(expected));
    for (path, content) in &files {
        let blob = folder
            .target()
            .join("blobs")
            .join(format!("{}.zst", hash(content)));
        let unpacked = zstd::decode_all(fs::File::open(blob).unwrap()).unwrap();
        assert_eq!(&unpacked, content, "{path}");
    }
    assert!(!folder.target().join(".work").exists());
}

/// Asserts that no blob is there which the source does not need.
pub fn assert_no_other_blobs(folder: &Folder) {
    let mut files = BTreeMap::new();
    walk(&folder.source(), "", &mut files);
    let distinct: BTreeSet<_> = files.values().map(|content| hash(content)).collect();
    assert_eq!(folder.blobs(), distinct.len());
}

fn walk(folder: &Path, prefix: &str, files: &mut BTreeMap<String, Vec<u8>>) {
    for entry in fs::read_dir(folder).unwrap() {
        let entry = entry.unwrap();
        let path = format!("{prefix}{}", entry.file_name().to_str().unwrap());
        let kind = entry.file_type().unwrap();
        if kind.is_dir() {
            walk(&entry.path(), &format!("{path}/"), files);
        } else if kind.is_file() {
            files.insert(path, fs::read(entry.path()).unwrap());
        }
    }
}

pub fn hash(content: &[u8]) -> String {
    format!("{:x}", Sha256::digest(content))
}
