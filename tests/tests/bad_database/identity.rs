//! A SQLite file is one database, whatever it is called, and the one that was opened.

use std::{
    env, fs,
    os::unix::fs::{PermissionsExt, symlink},
    path::{Path, PathBuf},
};

use durable::{
    Engine, ErrorKind, Result,
    journal::{EventKind, Payload, RunId, RunKey, Timestamp, WorkerId},
    prelude::*,
    store::{
        Batch, Claim, NewRun, NewWorker, SqliteStore, StartOutcome, Store, StoreError,
        StoreErrorKind,
    },
};
use durable_tests::TempDir;
use tokio::sync::Mutex;

const NOW: Timestamp = Timestamp::from_micros(1_700_000_000_000_000);

/// A worker whose lease goes on, on a store of its own.
struct Worker {
    store: SqliteStore,
    number: WorkerId,
}

impl Worker {
    async fn open(address: &str) -> Result<Self> {
        let store = SqliteStore::open(address).await?;
        let new = NewWorker::until(Timestamp::MAX);
        Ok(Self {
            number: store.register_worker(new).await?,
            store,
        })
    }

    /// Starts a run that this worker has in its memory.
    async fn start(&self, id: &str) -> Result<RunKey, StoreError> {
        let run = NewRun {
            id: RunId::from_recorded(id),
            workflow: "flow".to_owned(),
            input: Payload::from_bytes(b"1".as_slice()),
            seed: 7,
            at: NOW,
            parent: None,
            owner: Some(self.number),
        };
        let batch = Batch {
            starts: vec![run],
            ..Batch::default()
        };
        match self.store.commit(&batch).await?.starts[..] {
            [StartOutcome::Created { run } | StartOutcome::Exists { run, .. }] => Ok(run),
            _ => panic!("one start has one outcome"),
        }
    }

    /// The runs it gets when it takes over what dead workers have left and what is due.
    async fn takes(&self) -> Result<Vec<String>, StoreError> {
        self.store.reap(NOW).await?;
        let claim = Claim::new(self.number, NOW, 10);
        let claimed = self.store.claim(claim).await?.runs;
        Ok(claimed.iter().map(|run| run.id.to_string()).collect())
    }
}

fn text(path: &Path) -> String {
    path.to_string_lossy().into_owned()
}

/// Held by a test that changes the working directory or names a file by where it is.
static WORKING_DIRECTORY: Mutex<()> = Mutex::const_new(());

/// The path from the working directory to an absolute one.
fn relative(path: &Path) -> PathBuf {
    let up = env::current_dir().unwrap().components().count() - 1;
    let up: PathBuf = std::iter::repeat_n("..", up).collect();
    up.join(path.strip_prefix("/").unwrap())
}

#[tokio::test]
async fn a_live_workers_runs_stay_its_own_whatever_another_calls_the_file() -> Result<()> {
    let folder = TempDir::new("identity")?;
    let home = folder.path().join("home");
    fs::create_dir(&home)?;
    let file = home.join("runs.db");
    let _cwd = WORKING_DIRECTORY.lock().await;
    // A link to a file that is not there yet.
    let link = folder.path().join("current.db");
    symlink(Path::new("home/runs.db"), &link)?;
    symlink(&home, folder.path().join("linked"))?;
    let first = Worker::open(&text(&link)).await?;
    assert!(file.exists());
    first.start("mine").await?;
    let linked = folder.path().join("linked").join("runs.db");
    for name in [
        text(&file),
        text(&link),
        text(&linked),
        text(&relative(&file)),
        format!("sqlite://{}", home.join("../home/./runs.db").display()),
        format!("file:{}", relative(&file).display()),
        format!("file://{}", link.display()),
    ] {
        let second = Worker::open(&name).await?;
        assert!(second.takes().await?.is_empty(), "{name}");
        let found = second.store.find(&RunId::from_recorded("mine")).await?;
        assert!(found.is_some(), "{name}");
        second.store.close().await?;
    }
    drop(first);
    // Nobody is left: what the dead worker had is free at once.
    assert_eq!(Worker::open(&text(&linked)).await?.takes().await?, ["mine"]);
    Ok(())
}

#[tokio::test]
async fn a_lock_file_that_is_cleaned_away_frees_no_live_workers_runs() -> Result<()> {
    let folder = TempDir::new("identity")?;
    let file = text(&folder.path().join("runs.db"));
    let first = Worker::open(&file).await?;
    first.start("mine").await?;
    for round in 0..2 {
        fs::remove_file(format!("{file}-lock"))?;
        let second = Worker::open(&file).await?;
        assert!(!second.takes().await?.contains(&"mine".to_owned()));
        // This one dies, and what it had is free at once, though the first still lives.
        let other = format!("other-{round}");
        second.start(&other).await?;
        drop(second);
        let third = Worker::open(&file).await?;
        let taken = third.takes().await?;
        assert!(taken.contains(&other) && !taken.contains(&"mine".to_owned()));
    }
    Ok(())
}

#[tokio::test]
async fn a_file_with_two_names_is_refused() -> Result<()> {
    let folder = TempDir::new("identity")?;
    let (file, other) = (folder.path().join("runs.db"), folder.path().join("b.db"));
    let worker = Worker::open(&text(&file)).await?;
    worker.store.close().await?;
    fs::hard_link(&file, &other)?;
    for name in [&file, &other] {
        let error = SqliteStore::open(&text(name)).await.unwrap_err();
        assert_eq!(error.kind(), StoreErrorKind::Open);
        assert!(error.to_string().contains("2 names"), "{error}");
    }
    fs::remove_file(&other)?;
    SqliteStore::open(&text(&file)).await?.close().await?;
    Ok(())
}

#[tokio::test]
async fn a_file_that_was_replaced_or_deleted_acknowledges_and_answers_nothing() -> Result<()> {
    let folder = TempDir::new("identity")?;
    let [file, aside, other] =
        ["runs.db", "aside.db", "other.db"].map(|name| folder.path().join(name));
    let foreign = Worker::open(&text(&other)).await?;
    foreign.start("foreign").await?;
    foreign.store.close().await?;
    let worker = Worker::open(&text(&file)).await?;
    worker.start("mine").await?;
    for put_another in [false, true, true] {
        fs::rename(&file, &aside)?;
        if put_another {
            fs::copy(&other, &file)?;
        }
        let refused = [
            worker.start("lost").await.map(drop),
            worker
                .store
                .find(&RunId::from_recorded("foreign"))
                .await
                .map(drop),
            worker.store.renew_lease(worker.number, NOW).await.map(drop),
            worker.takes().await.map(drop),
        ];
        for refused in refused {
            let error = refused.unwrap_err();
            assert_eq!(error.kind(), StoreErrorKind::Replaced, "{error}");
            assert!(error.to_string().contains("runs.db"), "{error}");
        }
        if put_another {
            assert!(fs::read(&other)? == fs::read(&file)?, "it was written to");
        }
        // Once it is back, the work goes on.
        fs::rename(&aside, &file)?;
        worker.start("found").await?;
        for (id, is_there) in [
            ("mine", true),
            ("found", true),
            ("lost", false),
            ("foreign", false),
        ] {
            let found = worker.store.find(&RunId::from_recorded(id)).await?;
            assert_eq!(found.is_some(), is_there, "{id}");
        }
    }
    Ok(worker.store.close().await?)
}

#[durable::workflow]
async fn patient(ctx: &Ctx, _nothing: ()) -> Result<String> {
    Ok(ctx.signal::<String>("answer").await?)
}

#[tokio::test]
async fn a_worker_whose_file_was_deleted_says_so_and_acknowledges_no_start() -> Result<()> {
    let folder = TempDir::new("identity")?;
    let [file, aside] = ["runs.db", "aside.db"].map(|name| folder.path().join(name));
    let engine = Engine::open(&text(&file)).await?;
    let client = engine.client();
    let run = client.start::<patient>("before", ()).await?;
    fs::rename(&file, &aside)?;
    let starting = tokio::spawn({
        let client = client.clone();
        async move { client.start::<patient>("during", ()).await }
    });
    while client.trouble().is_none() {
        tokio::task::yield_now().await;
    }
    let trouble = client.trouble().unwrap_or_default();
    assert!(trouble.contains("was deleted or moved"), "{trouble}");
    let error = client.status("before").await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Store);
    assert_eq!(error.store_kind(), Some(StoreErrorKind::Replaced));
    assert!(!starting.is_finished());
    fs::rename(&aside, &file)?;
    let late = starting.await??;
    for run in [run, late] {
        run.signal(patient::answer, "yes".to_owned()).await?;
        assert_eq!(run.result().await?, "yes");
    }
    engine.shutdown().await
}

#[tokio::test]
async fn a_change_of_the_working_directory_changes_no_database() -> Result<()> {
    let folder = TempDir::new("identity")?;
    let [first, other] = ["first", "other"].map(|name| folder.path().join(name));
    for folder in [&first, &other] {
        fs::create_dir(folder)?;
        let worker = Worker::open(&text(&folder.join("runs.db"))).await?;
        worker
            .start(&text(folder.file_name().unwrap().as_ref()))
            .await?;
        worker.store.close().await?;
    }
    let _cwd = WORKING_DIRECTORY.lock().await;
    let home = env::current_dir()?;
    env::set_current_dir(&first)?;
    let store = SqliteStore::open("runs.db").await?;
    env::set_current_dir(&other)?;
    let ids = ["first", "other"].map(RunId::from_recorded);
    let (mine, foreign) = tokio::join!(store.find(&ids[0]), store.find(&ids[1]));
    env::set_current_dir(home)?;
    assert!(mine?.is_some());
    assert!(foreign?.is_none());
    Ok(store.close().await?)
}

#[tokio::test]
async fn what_is_made_is_for_its_owner_alone_and_what_is_there_keeps_its_mode() -> Result<()> {
    let mode =
        |path: &str| Ok::<_, std::io::Error>(fs::metadata(path)?.permissions().mode() & 0o777);
    let folder = TempDir::new("identity")?;
    let file = text(&folder.path().join("runs.db"));
    let worker = Worker::open(&file).await?;
    worker.start("mine").await?;
    for end in ["", "-wal", "-shm", "-lock"] {
        assert_eq!(mode(&format!("{file}{end}"))?, 0o600, "{end}");
    }
    worker.store.close().await?;
    fs::set_permissions(&file, fs::Permissions::from_mode(0o640))?;
    let worker = Worker::open(&file).await?;
    worker.start("other").await?;
    for end in ["", "-wal", "-shm"] {
        assert_eq!(mode(&format!("{file}{end}"))?, 0o640, "{end}");
    }
    Ok(worker.store.close().await?)
}

/// As somebody with a SQLite shell does it.
async fn execute(path: &Path, sql: &str) -> Result<()> {
    use sqlx::{Connection, Executor, SqliteConnection};
    let address = format!("sqlite://{}", path.display());
    let mut connection = SqliteConnection::connect(&address).await?;
    connection
        .execute(sqlx::AssertSqlSafe(sql.to_owned()))
        .await?;
    Ok(connection.close().await?)
}

#[durable::workflow]
async fn receipt(ctx: &Ctx, name: String) -> Result<String> {
    let text = ctx.step("print", |_| async {
        Ok::<_, String>(format!("receipt of {name}"))
    });
    Ok(text.await?)
}

#[tokio::test]
async fn a_run_takes_over_nothing_from_one_that_was_deleted() -> Result<()> {
    let folder = TempDir::new("identity")?;
    let file = folder.path().join("runs.db");
    let engine = Engine::open(&text(&file)).await?;
    let client = engine.client();
    for name in ["Ada", "Grace"] {
        let run = client.start::<receipt>(name, name.to_owned()).await?;
        assert_eq!(run.result().await?, format!("receipt of {name}"));
    }
    // One is in this worker's memory and waits.
    let waiting = client.start::<patient>("waiting", ()).await?;
    execute(&file, "DELETE FROM runs").await?;
    let run = client.start::<receipt>("Zoe", "Zoe".to_owned()).await?;
    assert_eq!(run.result().await?, "receipt of Zoe");
    assert!(matches!(
        client.history("Zoe").await?.last().map(|event| &event.kind),
        Some(EventKind::Completed { .. })
    ));
    let error = waiting.result().await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::UnknownRun, "{error}");
    engine.shutdown().await?;
    let engine = Engine::open(&text(&file)).await?;
    let run = engine.client().attach::<receipt>("Zoe").await?;
    assert_eq!(run.result().await?, "receipt of Zoe");
    engine.shutdown().await
}
