//! The backup example: complete, correct, and back on its feet after every kill.

use std::{
    fs,
    process::{Child, Command, Output, Stdio},
    time::Duration,
};

use crate::{
    program::{example, story, text},
    tree::{Folder, Random, assert_backed_up, assert_no_other_blobs, hash},
};

fn command(folder: &Folder) -> Command {
    let mut command = Command::new(example("backup"));
    command.arg(folder.source()).arg(folder.target());
    command
}

fn back_up(folder: &Folder) -> Output {
    command(folder).output().unwrap()
}

/// Starts a backup and kills it as soon as `reached` says so; `false` when it ended before.
fn kill_when(folder: &Folder, reached: impl Fn() -> bool) -> bool {
    let mut child = command(folder)
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    loop {
        let over = reached();
        if has_ended(&mut child) {
            return false;
        }
        if over {
            child.kill().unwrap();
            child.wait().unwrap();
            return true;
        }
        std::thread::sleep(Duration::from_micros(200));
    }
}

fn has_ended(child: &mut Child) -> bool {
    let Some(status) = child.try_wait().unwrap() else {
        return false;
    };
    assert!(status.success(), "{status}");
    true
}

fn mixed_tree() -> Folder {
    let folder = Folder::new();
    let mut random = Random::new(7);
    folder.write("a/deep/er/than/most.txt", b"deep");
    folder.write("a-b", b"sorts before a/, after nothing");
    folder.write("a/b", b"a folder and a file beside it");
    folder.write("empty", b"");
    folder.write("also/empty", b"");
    folder.write("twice/one", b"the same content");
    folder.write("twice/two", b"the same content");
    folder.write("unicode/\u{fc}ber \u{5bff}\u{53f8} \u{1f363}.txt", b"sushi");
    folder.write("odd \"name\"\\with\nnewline", b"quoted");
    folder.write("random.bin", &random.bytes(3_000_000));
    folder.write("zeros.bin", &vec![0; 2_000_000]);
    fs::create_dir_all(folder.source().join("nothing/in/here")).unwrap();
    folder
}

#[test]
fn a_backup_is_complete_and_a_finished_one_does_nothing_again() {
    let folder = mixed_tree();
    let first = back_up(&folder);
    assert!(first.status.success(), "{}", story(&first));
    assert_backed_up(&folder);
    assert_no_other_blobs(&folder);
    let manifest = folder.target().join("manifest.json");
    let written = fs::metadata(&manifest).unwrap().modified().unwrap();

    folder.write("later", b"not part of the finished backup");
    let second = back_up(&folder);
    assert!(second.status.success(), "{}", story(&second));
    assert!(text(&second.stdout).contains("nothing to do"));
    assert_eq!(
        fs::metadata(&manifest).unwrap().modified().unwrap(),
        written
    );

    let again = command(&folder).arg("--again").output().unwrap();
    assert!(again.status.success(), "{}", story(&again));
    assert_backed_up(&folder);
}

#[test]
fn an_empty_folder_has_an_empty_manifest() {
    let folder = Folder::new();
    fs::create_dir(folder.source()).unwrap();
    let output = back_up(&folder);
    assert!(output.status.success(), "{}", story(&output));
    assert_backed_up(&folder);
}

#[test]
fn killed_at_random_points_it_goes_on_and_ends_complete() {
    let folder = Folder::new();
    let mut random = Random::new(42);
    let files = 450;
    for n in 0..files {
        let len = random.below(20_000);
        folder.write(&format!("{}/{n}", n % 7), &random.bytes(len + 1));
    }
    let mut kills = 0;
    // The first kills are during the start, before any blob is there.
    assert!(kill_when(&folder, || folder
        .target()
        .join(".backup.db")
        .exists()));
    assert!(kill_when(&folder, || folder
        .target()
        .join(".work")
        .exists()));
    for part in 0..8 {
        let point = files * part / 8 + random.below(files / 8);
        kills += usize::from(kill_when(&folder, || folder.blobs() >= point));
    }
    assert!(kills >= 6, "only {kills} kills hit a backup under way");
    assert!(!folder.has_manifest());
    let last = back_up(&folder);
    assert!(last.status.success(), "{}", story(&last));
    assert!(text(&last.stderr).contains("going on with the backup"));
    assert_backed_up(&folder);
    assert_no_other_blobs(&folder);
    assert!(text(&back_up(&folder).stdout).contains("nothing to do"));
}

/// A backup that was killed after the listing and before `zzz` was stored.
fn interrupted_before_the_last_file() -> Folder {
    let folder = Folder::new();
    // More than the batches that are under way at once, so that the last file waits its turn.
    for n in 0..1_000 {
        folder.write(&format!("{n:04}"), format!("content {n}").as_bytes());
    }
    folder.write("zzz", b"the last file of the listing");
    assert!(kill_when(&folder, || folder.blobs() > 0));
    let blob = format!("blobs/{}.zst", hash(b"the last file of the listing"));
    assert!(!folder.target().join(blob).exists());
    folder
}

fn assert_fails_naming(folder: &Folder, file: &str, why: &str) {
    let output = back_up(folder);
    let error = text(&output.stderr);
    assert_eq!(output.status.code(), Some(1), "{}", story(&output));
    assert!(error.contains(file) && error.contains(why), "{error}");
    assert!(!folder.has_manifest());
}

#[test]
fn a_file_that_vanishes_after_the_listing_is_named_and_no_manifest_is_written() {
    let folder = interrupted_before_the_last_file();
    fs::remove_file(folder.source().join("zzz")).unwrap();
    assert_fails_naming(&folder, "zzz", "vanished");
    // It failed for good: the same command lists anew.
    let mended = back_up(&folder);
    assert!(mended.status.success(), "{}", story(&mended));
    assert_backed_up(&folder);
}

#[test]
fn a_file_that_became_a_folder_is_named_and_can_be_mended() {
    let folder = interrupted_before_the_last_file();
    fs::remove_file(folder.source().join("zzz")).unwrap();
    fs::create_dir(folder.source().join("zzz")).unwrap();
    assert_fails_naming(&folder, "zzz", "no longer a regular file");
    fs::remove_dir(folder.source().join("zzz")).unwrap();
    folder.write("zzz", b"here again");
    let mended = back_up(&folder);
    assert!(mended.status.success(), "{}", story(&mended));
    assert_backed_up(&folder);
}

#[cfg(unix)]
#[test]
fn a_target_that_cannot_take_a_file_is_a_failure_that_names_the_file() {
    let folder = Folder::new();
    folder.write("small", b"fits");
    folder.write("too/big.bin", &Random::new(3).bytes(6_000_000));
    // A limit on the size of files stands in for a full disk: the write fails half-way.
    let limited = "trap '' XFSZ; ulimit -f 4096; exec \"$@\"";
    let output = Command::new("sh")
        .args(["-c", limited, "sh"])
        .arg(example("backup"))
        .arg(folder.source())
        .arg(folder.target())
        .output()
        .unwrap();
    let error = text(&output.stderr);
    assert_eq!(output.status.code(), Some(1), "{}", story(&output));
    assert!(error.contains("too/big.bin: cannot be stored"), "{error}");
    assert!(!folder.has_manifest());

    let mended = back_up(&folder);
    assert!(mended.status.success(), "{}", story(&mended));
    assert_backed_up(&folder);
}

#[cfg(target_os = "linux")]
#[test]
fn a_name_that_is_not_text_fails_by_name_and_links_are_skipped_with_a_note() {
    use std::os::unix::{ffi::OsStrExt, fs::symlink};

    let folder = Folder::new();
    folder.write("good", b"good");
    symlink("good", folder.source().join("link")).unwrap();
    symlink("/nowhere", folder.source().join("dangling")).unwrap();
    let name = std::ffi::OsStr::from_bytes(b"bad-\xff");
    fs::write(folder.source().join(name), b"x").unwrap();
    assert_fails_naming(&folder, "bad-", "not valid UTF-8");

    fs::remove_file(folder.source().join(name)).unwrap();
    let mended = back_up(&folder);
    assert!(mended.status.success(), "{}", story(&mended));
    let notes = text(&mended.stderr);
    assert!(notes.contains("skipped link: a symbolic link"), "{notes}");
    assert!(notes.contains("skipped dangling"), "{notes}");
    assert_backed_up(&folder);
}

#[test]
fn a_target_inside_the_source_and_a_target_of_another_source_are_refused() {
    let folder = Folder::new();
    folder.write("file", b"content");
    let inside = Command::new(example("backup"))
        .arg(folder.source())
        .arg(folder.source().join("target"))
        .output()
        .unwrap();
    assert_eq!(inside.status.code(), Some(1), "{}", story(&inside));
    assert!(text(&inside.stderr).contains("inside the source"));

    assert!(back_up(&folder).status.success());
    let other = Folder::new();
    other.write("file", b"other");
    let output = Command::new(example("backup"))
        .arg(other.source())
        .arg(folder.target())
        .output()
        .unwrap();
    assert_eq!(output.status.code(), Some(1), "{}", story(&output));
    assert!(text(&output.stderr).contains("holds a backup of"));
    assert_backed_up(&folder);
}

#[test]
fn wrong_arguments_are_a_usage_error() {
    for args in [&["one"][..], &["a", "b", "c"], &["a", "b", "--what"]] {
        let output = Command::new(example("backup")).args(args).output().unwrap();
        assert_eq!(output.status.code(), Some(2), "{}", story(&output));
        assert!(text(&output.stderr).contains("usage: backup SOURCE TARGET"));
    }
}

/// Names that would clear a terminal, write over a line, ring, or pass for a line or an option of the
/// program's own.
#[cfg(unix)]
const HOSTILE: [&str; 6] = [
    "esc-\u{1b}[2J",
    "cr-\rsafe",
    "bell-\u{7}",
    "c1-\u{9b}31m",
    "line-\n9 of 9 files",
    "--again",
];

#[cfg(unix)]
fn assert_does_nothing_to_a_terminal(output: &Output) {
    for bytes in [&output.stdout, &output.stderr] {
        let text = text(bytes);
        let is_order = |c: char| c.is_control() && c != '\n';
        assert!(!text.contains(is_order), "{text:?}");
        assert!(!text.lines().any(|line| line == "9 of 9 files"), "{text}");
    }
}

#[cfg(unix)]
#[test]
fn names_of_files_do_nothing_to_a_terminal() {
    let folder = Folder::new();
    for name in HOSTILE {
        folder.write(name, name.as_bytes());
        folder.write(&format!("{name}-folder/file"), b"below");
        let link = folder.source().join(format!("{name}-link"));
        std::os::unix::fs::symlink("nowhere", link).unwrap();
    }
    let output = back_up(&folder);
    assert!(output.status.success(), "{}", story(&output));
    let notes = text(&output.stderr);
    assert!(notes.contains("skipped esc-\\u{1b}[2J-link: "), "{notes}");
    assert_does_nothing_to_a_terminal(&output);
    assert_backed_up(&folder);
}

#[cfg(unix)]
#[test]
fn names_of_files_that_cannot_be_read_do_nothing_to_a_terminal() {
    let folder = interrupted_before_the_last_file();
    fs::remove_file(folder.source().join("zzz")).unwrap();
    assert_does_nothing_to_a_terminal(&back_up(&folder));
    for name in HOSTILE {
        let strange = Folder::new();
        let source = strange.source().join(name);
        fs::create_dir_all(&source).unwrap();
        fs::write(source.join("bad"), b"x").unwrap();
        // The name of the source itself, in a refusal.
        let inside = Command::new(example("backup"))
            .args([
                "--".as_ref(),
                source.as_os_str(),
                source.join(name).as_os_str(),
            ])
            .output()
            .unwrap();
        assert_eq!(inside.status.code(), Some(1), "{}", story(&inside));
        assert_does_nothing_to_a_terminal(&inside);
    }
}
