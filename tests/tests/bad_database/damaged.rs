//! SQLite files in which a page of one run is damaged: it waits by itself, and the others go on.

use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
    time::Duration,
};

use durable::{
    Status,
    prelude::*,
    store::SqliteStore,
    testing::{Fault, FaultyStore, StoreCall, VirtualClock},
};
use durable_tests::TempDir;
use serde::{Deserialize, Serialize};
use sqlx::{Connection, Executor, SqliteConnection};

use super::sqlite::execute;

const SOUND: usize = 30;
const PAGE: usize = 4_096;
/// So much that it lies on pages of its own.
const MUCH: usize = 5 * PAGE;

/// What of a run is large.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
struct Plan {
    input: String,
    output: usize,
    /// Steps before the one with the large output. With them its event lies on no page of another run, and on
    /// no path to one: SQLite reads an event as a whole when it passes by.
    steps: u32,
}

#[durable::workflow]
async fn sleeper(ctx: &Ctx, plan: Plan) -> durable::Result<String> {
    for _ in 0..plan.steps {
        ctx.step("fill", async |_| Ok::<_, String>(())).await?;
    }
    ctx.step("large", async |_| Ok::<_, String>("A".repeat(plan.output)))
        .await?;
    ctx.sleep("nap", Duration::from_secs(60)).await?;
    let word = ctx.signal::<String>("word").await?;
    ctx.step("last", async |_| Ok::<_, String>(())).await?;
    Ok(word)
}

/// A database of sleepers of which the last one is special, all with a signal in their mailboxes.
struct World {
    folder: TempDir,
    clock: VirtualClock,
}

impl World {
    fn path(&self) -> PathBuf {
        self.folder.path().join("runs.db")
    }

    async fn open(&self) -> Engine {
        let builder = Engine::builder().clock(self.clock.clone());
        builder.open(&self.path().to_string_lossy()).await.unwrap()
    }

    async fn begin(culprit: Plan, word: String) -> (Self, Engine) {
        let world = Self {
            folder: TempDir::new("damaged").unwrap(),
            clock: VirtualClock::new(),
        };
        let engine = world.open().await;
        let client = engine.client();
        for n in 0..=SOUND {
            let (plan, word) = match n {
                SOUND => (culprit.clone(), word.clone()),
                _ => (Plan::default(), "word".to_owned()),
            };
            let run = client.start::<sleeper>(name(n), plan).await.unwrap();
            run.reaches(Status::Suspended).await.unwrap();
            run.signal(sleeper::word, word).await.unwrap();
        }
        (world, engine)
    }

    /// Damages the first of the pages that hold nothing but what is large of the last run, in this table.
    async fn damage(&self, table: &str) -> Damage {
        let mut connection = connect(&self.path()).await;
        let checkpoint = "PRAGMA wal_checkpoint(TRUNCATE)";
        connection.execute(checkpoint).await.unwrap();
        let page = sqlx::query_scalar(
            "SELECT pageno FROM dbstat WHERE name = ? AND pagetype = 'overflow' ORDER BY path LIMIT 1",
        );
        let page: i64 = page.bind(table).fetch_one(&mut connection).await.unwrap();
        connection.close().await.unwrap();
        let number = usize::try_from(page - 1).unwrap();
        let sound = dd(&[
            &format!("if={}", self.path().display()),
            &format!("skip={number}"),
        ]);
        let damage = Damage { number, sound };
        damage.write(&self.path(), &[0xA5; PAGE]);
        damage
    }

    /// Goes on with the sound runs beside the last one, and with that one when it is mended.
    async fn go_on(&self, damage: Damage) {
        self.clock.advance(Duration::from_secs(60)).await;
        let engine = self.open().await;
        self.clock.advance(Duration::from_secs(300)).await;
        self.have_completed(&engine).await;
        self.has_not_ended().await;
        engine.shutdown().await.unwrap();
        damage.write(&self.path(), &damage.sound);
        let engine = self.open().await;
        self.clock.advance(Duration::from_secs(60)).await;
        let status = engine.client().status(name(SOUND)).await.unwrap();
        assert_eq!(status.status, Status::Completed, "{status:?}");
        engine.shutdown().await.unwrap();
    }

    /// The sound runs have completed.
    async fn have_completed(&self, engine: &Engine) {
        for n in 0..SOUND {
            let status = engine.client().status(name(n)).await.unwrap();
            assert_eq!(status.status, Status::Completed, "{n}: {status:?}");
        }
    }

    /// The last run has not ended. Its row is read by hand: a part of it cannot be read.
    async fn has_not_ended(&self) {
        let mut connection = connect(&self.path()).await;
        let status = sqlx::query_scalar("SELECT status FROM runs WHERE id = ?");
        let status: i64 = status
            .bind(name(SOUND))
            .fetch_one(&mut connection)
            .await
            .unwrap();
        assert!(![4, 5, 6].contains(&status), "{status}");
    }
}

/// A page of the file, and what was there.
struct Damage {
    number: usize,
    sound: Vec<u8>,
}

impl Damage {
    fn write(&self, path: &Path, page: &[u8]) {
        let folder = TempDir::new("page").unwrap();
        let file = folder.path().join("page");
        fs::write(&file, page).unwrap();
        dd(&[
            &format!("if={}", file.display()),
            &format!("of={}", path.display()),
            &format!("seek={}", self.number),
            "conv=notrunc",
        ]);
    }
}

/// Copies one page, in a process of its own: this one would lose SQLite's locks on the file when it closes it.
fn dd(arguments: &[&str]) -> Vec<u8> {
    let mut dd = Command::new("dd");
    dd.args([&format!("bs={PAGE}"), "count=1", "status=none"]);
    let output = dd.args(arguments).output().unwrap();
    assert!(output.status.success(), "{output:?}");
    output.stdout
}

fn name(n: usize) -> String {
    format!("run-{n}")
}

async fn connect(path: &Path) -> SqliteConnection {
    let address = format!("sqlite://{}", path.display());
    SqliteConnection::connect(&address).await.unwrap()
}

/// What is damaged of the last run: the table, and what makes it large there.
fn parts() -> [(&'static str, Plan, String); 3] {
    let input = Plan {
        input: "A".repeat(MUCH),
        ..Plan::default()
    };
    let journal = Plan {
        output: MUCH,
        steps: 300,
        ..Plan::default()
    };
    let word = || "word".to_owned();
    [
        ("runs", input, word()),
        ("journal", journal, word()),
        ("mailbox", Plan::default(), "A".repeat(MUCH)),
    ]
}

#[tokio::test]
async fn a_run_of_which_a_page_is_damaged_waits_alone() {
    for (part, plan, word) in parts() {
        // Two deaths are written behind the input.
        for deaths in [0, 2] {
            println!("{part}, {deaths} deaths");
            let (world, engine) = World::begin(plan.clone(), word.clone()).await;
            engine.shutdown().await.unwrap();
            // It is the first that is due.
            let first = format!(
                "UPDATE runs SET due = 1, deaths = {deaths} WHERE id = '{}'",
                name(SOUND)
            );
            execute(&world.path(), &first).await;
            let damage = world.damage(part).await;
            world.go_on(damage).await;
        }
    }
}

#[tokio::test]
async fn a_parked_run_of_which_a_page_is_damaged_keeps_nobody_parked() {
    for (part, plan, word) in parts() {
        println!("{part}");
        let (world, engine) = World::begin(plan, word).await;
        engine.shutdown().await.unwrap();
        // It is the first that is looked at.
        let park = format!(
            "UPDATE runs SET status = 8, owner = NULL, due = NULL, \
             parked_by = CASE id WHEN '{}' THEN ',0,' ELSE ',1,' END",
            name(SOUND)
        );
        execute(&world.path(), &park).await;
        let damage = world.damage(part).await;
        world.go_on(damage).await;
    }
}

/// After a call that failed it is looked at what a worker owns: this failed for the run, and nobody was claimed any
/// more. The run itself may end if it does so before its row is read again: all that it needs is in memory.
#[tokio::test]
async fn a_run_in_memory_that_is_damaged_meanwhile_keeps_nobody_waiting() {
    for (part, plan, word) in parts().into_iter().take(2) {
        println!("{part}");
        let (world, engine) = World::begin(plan, word).await;
        engine.shutdown().await.unwrap();
        let culprit = name(SOUND);
        let only = format!("UPDATE runs SET due = CASE id WHEN '{culprit}' THEN 1 END");
        execute(&world.path(), &only).await;
        let store = SqliteStore::open(&world.path().to_string_lossy()).await;
        let mut store = FaultyStore::new(store.unwrap());
        for nth in 3..20 {
            store = store.with_fault(StoreCall::Claim, nth, Fault::Before);
        }
        let builder = Engine::builder().clock(world.clock.clone());
        let builder = builder.linger(Duration::from_secs(3_600));
        let engine = builder.start(store.clone()).await.unwrap();
        let run = engine.client().attach::<sleeper>(&culprit).await.unwrap();
        while run.status().await.unwrap().status != Status::Suspended {
            tokio::task::yield_now().await;
        }
        world.damage(part).await;
        let others = format!("UPDATE runs SET due = 1 WHERE id <> '{culprit}'");
        execute(&world.path(), &others).await;
        world.clock.advance(Duration::from_secs(120)).await;
        assert!(store.faults() > 10, "{}", store.faults());
        world.have_completed(&engine).await;
        engine.shutdown().await.unwrap();
    }
}

/// The file was not opened any more, and when a worker died beside another, nobody got its runs.
#[tokio::test]
async fn the_runs_of_a_dead_worker_are_free_but_for_the_one_that_is_damaged() {
    for (part, plan, word) in parts() {
        println!("{part}");
        let (world, engine) = World::begin(plan, word).await;
        drop(engine);
        execute(&world.path(), "UPDATE runs SET owner = 1, due = NULL").await;
        let damage = world.damage(part).await;
        world.go_on(damage).await;
    }
}
