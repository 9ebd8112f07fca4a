//! A process that has no file descriptor left for a while.

use std::{env, fs::File, process::Command};

use durable::{Engine, ErrorKind, prelude::*, store::StoreErrorKind};
use durable_tests::TempDir;
use tokio::task::JoinSet;

/// Set in the process that is to run out of file descriptors.
const CHILD: &str = "DURABLE_TEST_FILES";
const NAME: &str = "files::a_process_without_file_descriptors_is_told_so_and_goes_on";

#[durable::workflow]
async fn hears(ctx: &Ctx) -> durable::Result<u32> {
    Ok(ctx.signal::<u32>("word").await?)
}

/// In a process of its own, which may have few.
#[test]
fn a_process_without_file_descriptors_is_told_so_and_goes_on() {
    if env::var_os(CHILD).is_some() {
        return tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .unwrap()
            .block_on(run_out());
    }
    let mut child = Command::new("sh");
    child.args(["-c", "ulimit -n 200; exec \"$@\"", "sh"]);
    child
        .arg(env::current_exe().unwrap())
        .args([NAME, "--exact"]);
    let output = child.env(CHILD, "1").output().unwrap();
    let text = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success(), "{text}");
    assert!(text.contains("1 passed"), "{text}");
}

async fn run_out() {
    let folder = TempDir::new("files").unwrap();
    let address = |name| folder.path().join(name).to_string_lossy().into_owned();
    let engine = Engine::open(&address("runs.db")).await.unwrap();
    let client = engine.client();
    let run = client.start::<hears>("run", ()).await.unwrap();
    let mut hoard = Vec::new();
    while let Ok(file) = File::open("/dev/null") {
        hoard.push(file);
    }
    // More at once than there are connections.
    let mut reads = JoinSet::new();
    for _ in 0..8 {
        let client = client.clone();
        reads.spawn(async move { client.status("run").await.map(drop) });
    }
    let errors = reads.join_all().await.into_iter().filter_map(Result::err);
    let errors: Vec<_> = errors.collect();
    assert!(!errors.is_empty());
    let other = Engine::open(&address("other.db")).await.unwrap_err();
    for error in errors.iter().chain([&other]) {
        assert_eq!(error.kind(), ErrorKind::Store);
        assert!(error.to_string().contains("(os error 24)"), "{error}");
    }
    for error in errors {
        assert_eq!(error.store_kind(), Some(StoreErrorKind::Unavailable));
    }
    drop(hoard);
    run.signal(hears::word, 7).await.unwrap();
    assert_eq!(run.result().await.unwrap(), 7);
    engine.shutdown().await.unwrap();
}
