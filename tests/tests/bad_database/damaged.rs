//! SQLite files in which a page of one run is damaged: it waits by itself, and the others go on.

use std::{fs, path::PathBuf, time::Duration};

use durable::{Status, prelude::*, testing::VirtualClock};
use durable_tests::TempDir;
use serde::{Deserialize, Serialize};
use sqlx::{Connection, SqliteConnection};

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

    /// Damages the first page that holds nothing but what is large of the last run. Gives what was there.
    async fn damage(&self) -> (usize, Vec<u8>) {
        // No page is left that held it before.
        execute(&self.path(), "VACUUM").await;
        let mut bytes = fs::read(self.path()).unwrap();
        let is_large = |page: &&[u8]| page[8..].iter().all(|byte| *byte == b'A');
        let number = bytes.chunks(PAGE).position(|page| is_large(&page));
        let number = number.unwrap();
        let page = &mut bytes[number * PAGE..][..PAGE];
        let sound = page.to_vec();
        page.fill(0xA5);
        fs::write(self.path(), bytes).unwrap();
        (number, sound)
    }

    /// Goes on with the sound runs beside the last one, and with that one when it is mended.
    async fn go_on(&self, (number, sound): (usize, Vec<u8>)) {
        self.clock.advance(Duration::from_secs(60)).await;
        let engine = self.open().await;
        self.clock.advance(Duration::from_secs(300)).await;
        self.have_completed(&engine).await;
        engine.shutdown().await.unwrap();
        let mut bytes = fs::read(self.path()).unwrap();
        bytes[number * PAGE..][..PAGE].copy_from_slice(&sound);
        fs::write(self.path(), bytes).unwrap();
        let engine = self.open().await;
        self.clock.advance(Duration::from_secs(60)).await;
        let status = engine.client().status(name(SOUND)).await.unwrap();
        assert_eq!(status.status, Status::Completed, "{status:?}");
        engine.shutdown().await.unwrap();
    }

    /// The sound runs have completed; the last one, of which this cannot be said, has not.
    async fn have_completed(&self, engine: &Engine) {
        for n in 0..SOUND {
            let status = engine.client().status(name(n)).await.unwrap();
            assert_eq!(status.status, Status::Completed, "{n}: {status:?}");
        }
        let address = format!("sqlite://{}", self.path().display());
        let mut connection = SqliteConnection::connect(&address).await.unwrap();
        let status = sqlx::query_scalar("SELECT status FROM runs WHERE id = ?");
        let status: i64 = status
            .bind(name(SOUND))
            .fetch_one(&mut connection)
            .await
            .unwrap();
        assert!(![4, 5, 6].contains(&status), "{status}");
    }
}

fn name(n: usize) -> String {
    format!("run-{n}")
}

/// What is damaged of the last run.
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
        ("input", input, word()),
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
            let damage = world.damage().await;
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
        let damage = world.damage().await;
        world.go_on(damage).await;
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
        let damage = world.damage().await;
        world.go_on(damage).await;
    }
}
