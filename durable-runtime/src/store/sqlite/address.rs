//! From an address to a path.

use std::path::{Path, PathBuf};

use crate::store::{Named, StoreError, StoreErrorKind};

/// The file that an address names: `sqlite://file.db`, `sqlite:///abs/file.db`, `sqlite:file.db`,
/// `file:file.db` as SQLite's shell has it, or a plain path.
pub(super) fn path_of(address: &str) -> Result<PathBuf, StoreError> {
    let path = match Named::by(address)? {
        Named::Sqlite(path) => path,
        Named::Memory => ":memory:",
        Named::Postgres(_) => {
            return Err(StoreError::new(
                StoreErrorKind::Open,
                "`postgres://` is not a SQLite address; write `sqlite://runs.db`, or a path",
            ));
        }
    };
    // As a name, SQLite itself would take it for an address.
    let is_uri = path.starts_with("file:");
    let path = path.strip_prefix("file:").map_or(path, |path| {
        let path = path.strip_prefix("//").unwrap_or(path);
        path.strip_prefix("localhost")
            .filter(|path| path.starts_with('/'))
            .unwrap_or(path)
    });
    let refuse = |why: &str| Err(StoreError::new(StoreErrorKind::Open, why));
    if path == ":memory:" || path.contains("mode=memory") {
        return refuse(
            "a SQLite database in memory cannot be shared by connections; use `MemoryStore` instead",
        );
    }
    if path.is_empty() {
        return refuse(
            "the address names no file; write `sqlite://runs.db`, or a path such as `runs.db`",
        );
    }
    if path.contains('?') {
        return refuse(
            "the SQLite address has parameters after `?`, which are not supported; use `SqliteOptions`",
        );
    }
    if is_uri && path.contains(['%', '#']) {
        return refuse("a `file:` address with `%` or `#` is not supported; write the path itself");
    }
    Ok(PathBuf::from(path))
}

/// Refuses a place where no file can be.
pub(super) fn check_place(path: &Path) -> Result<(), StoreError> {
    if path.is_dir() {
        return Err(StoreError::new(
            StoreErrorKind::Open,
            format!(
                "`{}` is a directory; name a file in it, such as `{}`",
                path.display(),
                path.join("runs.db").display()
            ),
        ));
    }
    match path.parent() {
        Some(parent) if !parent.as_os_str().is_empty() && !parent.is_dir() => Err(StoreError::new(
            StoreErrorKind::Open,
            format!(
                "cannot open `{}`: the directory `{}` does not exist; create it first",
                path.display(),
                parent.display()
            ),
        )),
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_spelling_names_the_same_file() {
        for address in [
            "runs.db",
            "sqlite:runs.db",
            "sqlite://runs.db",
            "file:runs.db",
            "sqlite:file:runs.db",
        ] {
            assert_eq!(path_of(address).unwrap(), Path::new("runs.db"), "{address}");
        }
        for address in [
            "sqlite:///tmp/runs.db",
            "file:/tmp/runs.db",
            "file:///tmp/runs.db",
            "file://localhost/tmp/runs.db",
        ] {
            assert_eq!(
                path_of(address).unwrap(),
                Path::new("/tmp/runs.db"),
                "{address}"
            );
        }
    }

    #[test]
    fn what_cannot_be_opened_is_refused_with_advice() {
        for (address, advice) in [
            ("sqlite::memory:", "MemoryStore"),
            ("", "names no file"),
            ("sqlite://a.db?mode=ro", "SqliteOptions"),
            ("file:a%20b.db", "write the path itself"),
            (
                "postgres://host/db",
                "`postgres://` is not a SQLite address",
            ),
        ] {
            let error = path_of(address).unwrap_err();
            assert_eq!(error.kind(), StoreErrorKind::Open);
            assert!(error.to_string().contains(advice), "{error}");
        }
    }
}
