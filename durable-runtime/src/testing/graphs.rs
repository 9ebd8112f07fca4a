//! The lock of workflow graphs as a file.

use std::{
    env, fs, io,
    path::{Path, PathBuf},
};

use crate::{
    graph::{Class, Difference, Lock},
    registry::Registry,
};

/// The variable that asks for the lock to be rewritten.
const VARIABLE: &str = "DURABLE_LOCK";

/// Checks that the graphs of all workflows in this test are those of a committed lock file, so that a
/// change which runs in flight would not survive is seen in a pull request and not in production.
///
/// Every difference fails the test, with what it means for runs in flight (*safe*, *additive* or
/// *breaking*), where it is and what to do. `DURABLE_LOCK=update cargo test` rewrites the file, which
/// is then to be reviewed and committed.
///
/// `path` is relative to the package's folder. Make it an integration test, which sees the workflows
/// of the library and none of its unit tests:
///
/// ```
/// # fn main() {}
/// # mod flows {}
/// // In `tests/graphs.rs`, with `#[test]` on the fn.
/// use flows as _; // the crate with the workflows: one that is never named registers nothing
///
/// fn graphs_are_locked() {
///     durable_runtime::testing::assert_graphs_locked("durable.lock");
/// }
/// ```
///
/// What a graph does not show is not checked: the code in steps, the types of inputs and of what steps
/// return, and early returns.
///
/// # Panics
///
/// When a graph differs, and when the file is missing, damaged, or of another version of the format;
/// when two workflows have one name; when no workflow is linked into the test.
#[expect(clippy::panic, reason = "an assertion")]
#[track_caller]
pub fn assert_graphs_locked(path: impl AsRef<Path>) {
    // Cargo sets it for each test it runs; without Cargo, tests run in the package's folder.
    let package = env::var_os("CARGO_MANIFEST_DIR").map_or_else(PathBuf::new, PathBuf::from);
    let asked = env::var_os(VARIABLE).unwrap_or_default();
    let outcome = match asked.to_str() {
        Some("") => linked().and_then(|current| check(&package.join(path), &current)),
        Some("update") => linked().and_then(|current| update(&package.join(path), &current)),
        _ => Err(format!(
            "{VARIABLE} is {asked:?}; the only value it can have is `update`"
        )),
    };
    if let Err(problem) = outcome {
        panic!("{problem}");
    }
}

fn linked() -> Result<Lock, String> {
    let lock = Lock::of(&Registry::linked().map_err(|error| error.to_string())?);
    if lock.is_empty() {
        return Err(
            "no workflow is linked into this test; name the crate they are in, for example \
             `use flows as _;`: a crate that is only listed in Cargo.toml registers nothing"
                .to_owned(),
        );
    }
    Ok(lock)
}

fn check(path: &Path, current: &Lock) -> Result<(), String> {
    let file = path.display();
    let text = fs::read_to_string(path).map_err(|error| match error.kind() {
        io::ErrorKind::NotFound => format!(
            "{file} is not there; make it with `{VARIABLE}=update cargo test`, and commit it"
        ),
        _ => format!("{file} cannot be read: {error}"),
    })?;
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    let locked = Lock::parse(&name, &text).map_err(|error| error.to_string())?;
    match locked.compare(current).as_slice() {
        [] => Ok(()),
        differences => Err(report(&name, differences)),
    }
}

/// Replaces the file as a whole, and leaves one that is up to date alone.
fn update(path: &Path, current: &Lock) -> Result<(), String> {
    let text = current.to_string();
    if fs::read_to_string(path).is_ok_and(|written| written == text) {
        return Ok(());
    }
    let mut draft = path.as_os_str().to_owned();
    draft.push(format!(".{}", std::process::id()));
    fs::write(&draft, text)
        .and_then(|()| fs::rename(&draft, path))
        .map_err(|error| format!("{} cannot be written: {error}", path.display()))
}

fn report(name: &str, differences: &[Difference]) -> String {
    let count = |class| {
        let classes = differences.iter().map(Difference::class);
        classes.filter(|other| *other == class).count()
    };
    let (breaking, additive) = (count(Class::Breaking), count(Class::Additive));
    let list: Vec<_> = differences.iter().map(ToString::to_string).collect();
    let closing = match breaking + additive {
        0 => "Runs in flight go on.",
        _ => "When that is done, or when no run in flight is affected:",
    };
    format!(
        "the workflow graphs are not those of {name}: {breaking} breaking, {additive} additive, {} \
         safe\n\n{}\n\n{closing} `{VARIABLE}=update cargo test` brings {name} up to date; review and \
         commit it",
        count(Class::Safe),
        list.join("\n\n"),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    const LOCK: &str = "durable-lock 1\n\nworkflow order\n  step charge\n";

    fn lock(text: &str) -> Lock {
        Lock::parse("test", text).unwrap()
    }

    /// A path in a folder of its own, which is removed at the end.
    struct File(PathBuf);

    impl File {
        fn new(name: &str) -> Self {
            let folder = format!("durable-lock-{name}-{}", std::process::id());
            let folder = env::temp_dir().join(folder);
            fs::create_dir(&folder).unwrap();
            Self(folder.join("durable.lock"))
        }
    }

    impl Drop for File {
        fn drop(&mut self) {
            let _ = self.0.parent().map(fs::remove_dir_all);
        }
    }

    #[test]
    fn what_update_writes_is_what_check_accepts() {
        let file = File::new("update");
        let missing = check(&file.0, &lock(LOCK)).unwrap_err();
        assert!(missing.contains("durable.lock is not there"), "{missing}");
        update(&file.0, &lock(LOCK)).unwrap();
        assert_eq!(check(&file.0, &lock(LOCK)), Ok(()));
        let files = fs::read_dir(file.0.parent().unwrap()).unwrap().count();
        assert_eq!(files, 1, "a draft was left behind");
    }

    #[test]
    fn a_difference_is_reported_with_its_class_places_and_advice_and_update_accepts_it() {
        let file = File::new("difference");
        update(&file.0, &lock(LOCK)).unwrap();
        let current = lock(&LOCK.replace("charge", "pack"));
        let report = check(&file.0, &current).unwrap_err();
        for part in [
            "not those of durable.lock: 1 breaking, 0 additive, 0 safe",
            "breaking: `order`: step `pack` stands where step `charge` stood",
            "where: test:4, locked in durable.lock:6",
            "what to do: if it was renamed, declare that with `.was(\"charge\")`",
            "`DURABLE_LOCK=update cargo test` brings durable.lock up to date",
        ] {
            assert!(report.contains(part), "{report}");
        }
        update(&file.0, &current).unwrap();
        assert_eq!(check(&file.0, &current), Ok(()));
    }

    #[test]
    fn a_damaged_file_is_an_error_and_can_be_rewritten() {
        let file = File::new("damaged");
        fs::write(&file.0, [0xff, 0xfe]).unwrap();
        let error = check(&file.0, &lock(LOCK)).unwrap_err();
        assert!(error.contains("cannot be read"), "{error}");
        fs::write(&file.0, "durable-lock 2\n").unwrap();
        let error = check(&file.0, &lock(LOCK)).unwrap_err();
        assert!(
            error.contains("durable.lock:1: it has format version 2"),
            "{error}"
        );
        update(&file.0, &lock(LOCK)).unwrap();
        assert_eq!(check(&file.0, &lock(LOCK)), Ok(()));
    }
}
