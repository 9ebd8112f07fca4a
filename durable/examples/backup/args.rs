//! The command line, and what must be true before anything is started.

use std::{
    fs, io,
    path::{Path, PathBuf},
};

use super::{files, workflows::Job};

/// How the program is called.
pub const USAGE: &str = "\
usage: backup SOURCE TARGET [--db ADDRESS] [--again]

  SOURCE        the folder to back up
  TARGET        the folder for blobs/<sha256>.zst and manifest.json; created if missing
  --db ADDRESS  the journal, such as sqlite:///var/lib/backup.db; TARGET/.backup.db if not given
  --again       back up once more, though a backup of SOURCE to TARGET is finished";

/// The command line.
#[derive(Debug)]
pub struct Args {
    source: PathBuf,
    target: PathBuf,
    database: Option<String>,
    /// Whether a finished backup is made once more.
    pub again: bool,
}

impl Args {
    /// Reads the arguments after the program's name.
    pub fn parse(mut args: impl Iterator<Item = String>) -> Result<Self, String> {
        let mut folders = Vec::new();
        let (mut database, mut again) = (None, false);
        while let Some(arg) = args.next() {
            match arg.as_str() {
                "--db" => database = Some(args.next().ok_or("--db needs an address")?),
                "--again" => again = true,
                // What comes after it is a folder, whatever it looks like.
                "--" => folders.extend(args.by_ref().map(PathBuf::from)),
                flag if flag.starts_with('-') => return Err(format!("unknown option `{flag}`")),
                _ => folders.push(PathBuf::from(arg)),
            }
        }
        let [source, target] = <[PathBuf; 2]>::try_from(folders)
            .map_err(|folders| format!("expected two folders, got {}", folders.len()))?;
        Ok(Self {
            source,
            target,
            database,
            again,
        })
    }

    /// The journal's address, and the job. Creates the target, and marks it as this source's.
    pub fn prepare(&self) -> durable::Result<(String, Job)> {
        let source = full(&self.source)?;
        if !Path::new(&source).is_dir() {
            return Err(format!("`{source}` is not a folder").into());
        }
        fs::create_dir_all(&self.target).map_err(|error| about(&self.target, &error))?;
        let target = full(&self.target)?;
        if Path::new(&target).starts_with(&source) {
            return Err(format!("the target `{target}` is inside the source `{source}`").into());
        }
        if Path::new(&source).starts_with(&target) {
            return Err(format!("the source `{source}` is inside the target `{target}`").into());
        }
        mark(&source, &target)?;
        let database = match &self.database {
            Some(address) => outside(address, &source)?,
            None => format!("sqlite://{target}/.backup.db"),
        };
        Ok((database, Job { source, target }))
    }
}

/// Claims the target for the source, so that two sources do not overwrite each other's manifest.
fn mark(source: &str, target: &str) -> durable::Result<()> {
    let marker = Path::new(target).join(".backup-source");
    match fs::read_to_string(&marker) {
        Ok(other) if other == source => return Ok(()),
        Ok(other) => {
            let why = format!("`{target}` holds a backup of `{other}`; use another target");
            return Err(why.into());
        }
        Err(error) if error.kind() == io::ErrorKind::NotFound => {}
        Err(error) => return Err(about(&marker, &error).into()),
    }
    if files::manifest(target).exists() {
        let why =
            format!("`{target}` holds a manifest.json that is not of a backup; use another target");
        return Err(why.into());
    }
    let marked =
        files::Draft::new(target).and_then(|draft| draft.write(source.as_bytes(), &marker));
    marked.map_err(|error| about(&marker, &error).into())
}

/// A journal inside the source would be backed up while it is written.
fn outside(address: &str, source: &str) -> durable::Result<String> {
    let path = address
        .strip_prefix("sqlite://")
        .or_else(|| address.strip_prefix("sqlite:"))
        .unwrap_or(address);
    let folder = match Path::new(path).parent() {
        Some(folder) if !folder.as_os_str().is_empty() => folder,
        _ => Path::new("."),
    };
    let inside = folder
        .canonicalize()
        .is_ok_and(|folder| folder.starts_with(source));
    if inside && !address.starts_with("postgres") && address != "memory:" {
        return Err(format!("the journal is inside the source `{source}`").into());
    }
    Ok(address.to_owned())
}

fn full(path: &Path) -> Result<String, String> {
    let full = path.canonicalize().map_err(|error| about(path, &error))?;
    full.into_os_string().into_string().map_err(|path| {
        let path = path.display().to_string();
        format!("`{path}`: the path is not valid UTF-8, which the manifest and the journal need")
    })
}

fn about(path: &Path, error: &io::Error) -> String {
    format!("`{}`: {error}", path.display())
}
