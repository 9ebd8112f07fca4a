//! From a driver's error to a [`StoreError`].

use std::{
    fs,
    io::{self, ErrorKind},
    path::Path,
};

use crate::store::{StoreError, StoreErrorKind};

/// Describes a failed call by what was being done, on which file, and what helps.
pub(super) fn describe(doing: &str, path: &Path, error: sqlx::Error) -> StoreError {
    let (kind, advice) = classify(&error);
    let what = format!("cannot {doing} in `{}`", path.display());
    if kind == StoreErrorKind::Open
        && let Some(cause) = cannot_open_beside(path)
    {
        let kind = match cause.kind() {
            ErrorKind::NotFound | ErrorKind::NotADirectory | ErrorKind::PermissionDenied => kind,
            // The process or the machine is short of something.
            _ => StoreErrorKind::Unavailable,
        };
        let message = format!("{what}: the file cannot be opened: {cause}");
        return StoreError::new(kind, message).with_source(error);
    }
    StoreError::new(kind, format!("{what}: {advice}")).with_source(error)
}

/// Why nothing can be opened where the file is, if that is so: SQLite does not tell what the operating system
/// said. The file itself is not opened: closing it would end the locks that SQLite holds on it.
fn cannot_open_beside(path: &Path) -> Option<io::Error> {
    fs::read_dir(path.parent()?).err()
}

/// Whether a statement may have failed for one of the rows that it was for, so that it succeeds for the others.
pub(super) fn may_be_of_a_row(error: &sqlx::Error) -> bool {
    let (kind, _) = classify(error);
    StoreError::new(kind, "").may_be_of_a_part()
}

fn classify(error: &sqlx::Error) -> (StoreErrorKind, &'static str) {
    match error {
        sqlx::Error::Database(error) => {
            let code = error.code().and_then(|code| code.parse::<i64>().ok());
            by_code(code.unwrap_or(1))
        }
        sqlx::Error::Io(_) | sqlx::Error::PoolTimedOut | sqlx::Error::WorkerCrashed => (
            StoreErrorKind::Unavailable,
            "the connection broke or did not come up; it is opened again at the next call",
        ),
        sqlx::Error::PoolClosed => (StoreErrorKind::Unavailable, "the store is closed"),
        sqlx::Error::ColumnDecode { .. } | sqlx::Error::Decode(_) => (
            StoreErrorKind::Unreadable,
            "a row holds a value of an unexpected type; it was changed by hand, or by another version",
        ),
        sqlx::Error::Encode(_) => (
            StoreErrorKind::Refused,
            "a value cannot be written in the form that the database takes",
        ),
        _ => (StoreErrorKind::Internal, "a statement failed unexpectedly"),
    }
}

/// By SQLite's primary result code, the low byte of the extended one.
fn by_code(code: i64) -> (StoreErrorKind, &'static str) {
    match code & 0xff {
        5 | 6 => (
            StoreErrorKind::Busy,
            "another process holds it for longer than the busy timeout; find out which, or raise the timeout",
        ),
        8 => (
            StoreErrorKind::ReadOnly,
            "it cannot be written; check the permissions of the file and of its directory",
        ),
        11 => (
            StoreErrorKind::Corrupt,
            "the file is damaged; restore a backup, or try `.recover` of the sqlite3 shell",
        ),
        26 => (
            StoreErrorKind::Corrupt,
            "the file is not a SQLite database; check the path",
        ),
        13 => (
            StoreErrorKind::Unavailable,
            "the disk is full; make room, and the call can be made again",
        ),
        10 | 7 => (
            StoreErrorKind::Unavailable,
            "an input or output operation failed; check the disk, and make the call again",
        ),
        3 | 14 | 23 => (
            StoreErrorKind::Open,
            "the file cannot be opened; check that it is a file and that permissions allow it",
        ),
        18..=20 => (
            StoreErrorKind::Refused,
            "the file cannot hold what was to be written: it is too large, or breaks one of its rules",
        ),
        _ => (StoreErrorKind::Internal, "a statement failed unexpectedly"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn extended_codes_are_classified_by_their_primary_code() {
        for (code, kind) in [
            (5, StoreErrorKind::Busy),
            (517, StoreErrorKind::Busy),
            (261, StoreErrorKind::Busy),
            (6, StoreErrorKind::Busy),
            (8, StoreErrorKind::ReadOnly),
            (264, StoreErrorKind::ReadOnly),
            (1032, StoreErrorKind::ReadOnly),
            (10, StoreErrorKind::Unavailable),
            (778, StoreErrorKind::Unavailable),
            (1034, StoreErrorKind::Unavailable),
            (13, StoreErrorKind::Unavailable),
            (11, StoreErrorKind::Corrupt),
            (267, StoreErrorKind::Corrupt),
            (26, StoreErrorKind::Corrupt),
            (14, StoreErrorKind::Open),
            (1, StoreErrorKind::Internal),
            (18, StoreErrorKind::Refused),
            (1555, StoreErrorKind::Refused),
        ] {
            assert_eq!(by_code(code).0, kind, "{code}");
        }
    }

    #[test]
    fn a_message_names_what_failed_the_file_and_the_cause() {
        let error = describe("read a run", Path::new("runs.db"), sqlx::Error::PoolClosed);
        let text = error.to_string();
        assert!(
            text.starts_with("cannot read a run in `runs.db`: "),
            "{text}"
        );
        assert_eq!(error.kind(), StoreErrorKind::Unavailable);
    }
}
