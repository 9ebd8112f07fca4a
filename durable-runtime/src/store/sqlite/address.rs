//! From an address to a path.

use std::path::{Path, PathBuf};

use crate::store::{Named, StoreError, StoreErrorKind};

/// The file that an address names: `sqlite://file.db`, `sqlite:///abs/file.db`, `sqlite:file.db` or
/// a plain path.
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
    let path = Path::new(path);
    check_place(path)?;
    Ok(path.to_owned())
}

fn check_place(path: &Path) -> Result<(), StoreError> {
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
        for address in ["runs.db", "sqlite:runs.db", "sqlite://runs.db"] {
            assert_eq!(path_of(address).unwrap(), Path::new("runs.db"), "{address}");
        }
        assert_eq!(
            path_of("sqlite:///tmp/runs.db").unwrap(),
            Path::new("/tmp/runs.db")
        );
    }

    #[test]
    fn what_cannot_be_opened_is_refused_with_advice() {
        for (address, advice) in [
            ("sqlite::memory:", "MemoryStore"),
            ("", "names no file"),
            ("sqlite://a.db?mode=ro", "SqliteOptions"),
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
