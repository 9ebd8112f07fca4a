//! A standby that has not heard of what was acknowledged last is promoted, under a worker that goes on.

use std::{collections::BTreeMap, time::Duration};

use durable::{
    Engine, ErrorKind, Result, Run, Status, Workflow,
    prelude::*,
    store::{PostgresStore, RunQuery, Store},
};
use durable_tests::{
    needs,
    proxy::{Mode, Proxy},
    server::Server,
    simulation::{Journals, faults},
    soon,
};
use tokio::sync::watch;

use crate::{
    servers,
    support::{count, text, until},
};

/// How far runs go: while the standby hears of it, while it does not, and after it has taken over.
const HEARD: u32 = 0;
const UNHEARD: u32 = 1;
const AFTER: u32 = 2;

/// So many runs are started that the standby never hears of: more than the numbers that it has heard are
/// given, so that it gives some of them again, to others.
const FORGOTTEN: u32 = 80;

/// What the step bodies share.
#[derive(Clone)]
struct World {
    stage: watch::Sender<u32>,
    /// How often each began, by idempotency key.
    begun: watch::Sender<BTreeMap<String, u32>>,
}

impl World {
    fn new() -> Self {
        Self {
            stage: watch::Sender::new(HEARD),
            begun: watch::Sender::new(BTreeMap::new()),
        }
    }

    /// Waits until bodies of steps with this name have begun in so many runs. What came before them in their
    /// runs is acknowledged then.
    async fn until_begun(&self, step: &str, runs: u32) -> Result<()> {
        let mut begun = self.begun.subscribe();
        let of_it = |key: &&String| {
            let body = key.rsplit_once('-').map_or("", |(body, _)| body);
            body.ends_with(&format!("/{step}"))
        };
        let all = begun.wait_for(|begun| begun.keys().filter(of_it).count() >= runs as usize);
        soon(all)
            .await
            .map_err(|error| format!("{step}: {error}"))??;
        Ok(())
    }

    /// How often the bodies of a run's step began.
    fn executions(&self, run: &str, step: &str) -> u32 {
        let body = format!("{run}/{step}-");
        let begun = self.begun.borrow();
        let of_it = begun.iter().filter(|(key, _)| key.starts_with(&body));
        of_it.map(|(_, count)| count).sum()
    }
}

/// What a step body does: it goes on when it is time.
async fn work(step: StepCtx, stage: u32, output: u32) -> Result<u32, StepError> {
    let world = step.state::<World>();
    world.begun.send_modify(|begun| {
        *begun.entry(step.idempotency_key()).or_default() += 1;
    });
    let mut now = world.stage.subscribe();
    let waited = now.wait_for(|now| *now >= stage).await;
    let waited = waited.map(|_| output);
    waited.map_err(|error| StepError::new(error.to_string()))
}

/// One step after the other, and a nap.
#[durable::workflow]
async fn walk(ctx: &Ctx, start: u32) -> Result<u32> {
    let kept = ctx.step("kept", |step| work(step, HEARD, 1)).await?;
    let lost = ctx.step("lost", |step| work(step, UNHEARD, 2)).await?;
    ctx.sleep("nap", Duration::from_millis(1)).await?;
    let after = ctx.step("after", |step| work(step, AFTER, 4)).await?;
    Ok(start + kept + lost + after)
}

/// It ends before the standby takes over, which does not hear of it.
#[durable::workflow]
async fn brief(ctx: &Ctx, start: u32) -> Result<u32> {
    let lost = ctx.step("done", |step| work(step, UNHEARD, 2)).await?;
    Ok(start + lost)
}

/// The result of the first child is lost, and the second child itself.
#[durable::workflow]
async fn parent(ctx: &Ctx) -> Result<u32> {
    let first = ctx.child::<brief>("first", 10).await?;
    let second = ctx.child::<walk>("second", 20).await?;
    Ok(first + second)
}

/// What steps give says when they may be undone. A half of the rollback is lost.
#[durable::workflow]
async fn undone(ctx: &Ctx) -> Result<u32> {
    ctx.step("saga_kept", |step| work(step, HEARD, AFTER))
        .compensate(undo)
        .await?;
    ctx.step("saga_lost", |step| work(step, UNHEARD, UNHEARD))
        .compensate(undo)
        .await?;
    Err("it fails".into())
}

#[durable::compensate]
async fn undo(step: &StepCtx, stage: u32) -> Result<(), StepError> {
    work(step.clone(), stage, 0).await.map(drop)
}

/// The second word is taken and lost, the third waits in the mailbox and is lost there.
#[durable::workflow]
async fn told(ctx: &Ctx) -> Result<u32> {
    let first = ctx.signal::<u32>("first").await?;
    let second = ctx.signal::<u32>("second").await?;
    ctx.step("told", |step| work(step, AFTER, 0)).await?;
    let third = ctx.signal::<u32>("third").await?;
    Ok(first + second + third)
}

/// It stays where it is, and what waits for it in its mailbox is lost.
#[durable::workflow]
async fn held(ctx: &Ctx, start: u32) -> Result<u32> {
    let held = ctx.step("held", |step| work(step, AFTER, start)).await?;
    let word = ctx.signal::<u32>("word").await?;
    Ok(held + word)
}

/// The worker, under its two servers.
struct Lab {
    world: World,
    primary: Server,
    standby: Server,
    line: Proxy,
    engine: Engine,
}

impl Lab {
    async fn open(linger: Duration) -> Result<Self> {
        let primary = Server::start()?;
        let line = Proxy::start(primary.port())?;
        let standby = primary.asynchronous_standby(&line)?;
        let world = World::new();
        let ports = [primary.port(), standby.port()];
        let url = servers::url(&ports, "target_session_attrs=read-write");
        let engine = Engine::builder().state(world.clone()).linger(linger);
        Ok(Self {
            world,
            primary,
            standby,
            line,
            engine: engine.open(&url).await?,
        })
    }

    /// Waits until the standby has all there is, and has it hear nothing more.
    async fn cut_the_line(&self) -> Result<()> {
        let written = "SELECT pg_current_wal_insert_lsn()::TEXT";
        let written = text(&self.primary.url(), written).await?;
        let replayed = format!("pg_last_wal_replay_lsn() >= '{written}'");
        until(&self.standby.url(), &replayed).await?;
        self.line.set(Mode::Stall);
        Ok(())
    }

    /// The standby takes over with what it has.
    fn fail_over(&self) -> Result<()> {
        self.primary.stop_immediate()?;
        self.standby.promote()
    }
}

async fn journals(url: &str) -> Result<Journals> {
    let store = PostgresStore::open(url).await?;
    let query = RunQuery {
        limit: 10_000,
        ..RunQuery::default()
    };
    let mut journals = BTreeMap::new();
    for run in store.list(&query).await?.runs {
        journals.insert(run.id.to_string(), store.history(run.run).await?);
    }
    store.close().await?;
    Ok(journals)
}

/// How many events a standby has of each run.
async fn lengths(url: &str) -> Result<BTreeMap<String, usize>> {
    let lengths = "SELECT coalesce(string_agg(id || '=' || (SELECT count(*) FROM durable.journal AS j \
                   WHERE j.run = r.run), ' '), '') FROM durable.runs AS r";
    let lengths = text(url, lengths).await?;
    let lengths = lengths
        .split_whitespace()
        .filter_map(|run| run.split_once('='));
    lengths
        .map(|(id, length)| Ok((id.to_owned(), length.parse()?)))
        .collect()
}

/// The ids of the runs, by number.
async fn numbers(url: &str) -> Result<BTreeMap<String, String>> {
    let numbers = "SELECT string_agg(run || '=' || id, ' ') FROM durable.runs";
    let numbers = text(url, numbers).await?;
    let numbers = numbers
        .split_whitespace()
        .filter_map(|run| run.split_once('='));
    Ok(numbers
        .map(|(run, id)| (run.to_owned(), id.to_owned()))
        .collect())
}

/// Waits for a run to end, however it does.
async fn end_of<W: Workflow>(run: &Run<W>) -> Result<Option<W::Output>> {
    let ended = soon(run.result()).await;
    match ended.map_err(|error| format!("{run:?}: {error}"))? {
        Ok(output) => Ok(Some(output)),
        Err(error) if matches!(error.kind(), ErrorKind::Failed | ErrorKind::Canceled) => Ok(None),
        Err(error) => Err(format!("{run:?}: {error}").into()),
    }
}

/// What was sent before may have come to a run in memory, and the run may have ended with it.
fn tell_again(sent: Result<(), durable::Error>) -> Result<()> {
    match sent {
        Err(error) if error.kind() != ErrorKind::Ended => Err(error.into()),
        _ => Ok(()),
    }
}

/// Runs that the standby has heard of.
struct Heard {
    walks: Vec<Run<walk>>,
    briefs: Vec<Run<brief>>,
    parent: Run<parent>,
    undone: Run<undone>,
    told: Run<told>,
    canceled: Run<told>,
    held: Run<held>,
}

impl Heard {
    /// Starts them, and waits until each is where it waits for the next stage.
    async fn start(lab: &Lab) -> Result<Self> {
        let client = lab.engine.client();
        let mut heard = Self {
            walks: Vec::new(),
            briefs: Vec::new(),
            parent: client.start::<parent>("parent", ()).await?,
            undone: client.start::<undone>("undone", ()).await?,
            told: client.start::<told>("told", ()).await?,
            canceled: client.start::<told>("canceled", ()).await?,
            held: client.start::<held>("held", 1).await?,
        };
        for n in 0..5 {
            heard
                .walks
                .push(client.start::<walk>(format!("walk-{n}"), n).await?);
            heard
                .briefs
                .push(client.start::<brief>(format!("brief-{n}"), n).await?);
        }
        heard.told.signal(told::first, 1).await?;
        lab.world.until_begun("lost", 5).await?;
        lab.world.until_begun("done", 6).await?;
        lab.world.until_begun("saga_lost", 1).await?;
        lab.world.until_begun("held", 1).await?;
        heard.canceled.reaches(Status::Suspended).await?;
        let waits = "EXISTS (SELECT FROM durable.journal WHERE step = 'second')";
        until(&lab.primary.url(), waits).await?;
        Ok(heard)
    }

    /// Has each of them do what the standby does not hear of.
    async fn go_on(&self, lab: &Lab) -> Result<()> {
        self.tell().await?;
        lab.world.until_begun("after", 6).await?;
        lab.world.until_begun("told", 1).await?;
        lab.world.until_begun("saga_kept/compensate", 1).await?;
        for (n, run) in (0..).zip(&self.briefs) {
            assert_eq!(end_of(run).await?, Some(n + 2), "before the failover");
        }
        assert_eq!(end_of(&self.canceled).await?, None, "before the failover");
        Ok(())
    }

    /// Sends what whoever sends it sends again after a failover.
    async fn tell(&self) -> Result<()> {
        self.told.signal(told::second, 2).await?;
        self.told.signal(told::third, 3).await?;
        tell_again(self.held.signal(held::word, 5).await)?;
        Ok(self.canceled.cancel().await?)
    }

    /// Waits for all of them to end as they should.
    async fn end(&self) -> Result<()> {
        for (n, run) in (0..).zip(&self.walks) {
            assert_eq!(end_of(run).await?, Some(n + 7), "{run:?}");
        }
        for (n, run) in (0..).zip(&self.briefs) {
            assert_eq!(end_of(run).await?, Some(n + 2), "{run:?}");
        }
        assert_eq!(end_of(&self.parent).await?, Some(39));
        assert_eq!(end_of(&self.undone).await?, None);
        assert_eq!(end_of(&self.told).await?, Some(6));
        assert_eq!(end_of(&self.canceled).await?, None);
        assert_eq!(end_of(&self.held).await?, Some(6));
        Ok(())
    }
}

/// Starts runs of which the standby must not have heard, in this order, and tells them what they wait for.
async fn start_forgotten(
    engine: &Engine,
    order: impl Iterator<Item = u32>,
) -> Result<Vec<Run<held>>> {
    let client = engine.client();
    let mut runs = Vec::new();
    for n in order {
        let run = client.start::<held>(format!("forgotten-{n}"), n).await?;
        tell_again(run.signal(held::word, 1_000 * n).await)?;
        runs.push(run);
    }
    Ok(runs)
}

async fn a_failover(linger: Duration) -> Result<()> {
    let lab = Lab::open(linger).await?;
    let heard = Heard::start(&lab).await?;
    lab.cut_the_line().await?;

    let forgotten = start_forgotten(&lab.engine, 0..FORGOTTEN).await?;
    lab.world.until_begun("held", 1 + FORGOTTEN).await?;
    lab.world.stage.send_replace(UNHEARD);
    heard.go_on(&lab).await?;
    let before = journals(&lab.primary.url()).await?;
    let numbers_before = numbers(&lab.primary.url()).await?;
    let all_replayed = "pg_last_wal_replay_lsn() >= pg_last_wal_receive_lsn()";
    until(&lab.standby.url(), all_replayed).await?;
    let kept = lengths(&lab.standby.url()).await?;
    // Each of them has lost something.
    assert_eq!(kept.len(), 16, "{kept:?}");
    for (run, length) in &kept {
        let of_it = before[run].len();
        let is_held = run == "held";
        assert!(is_held || *length < of_it, "{run}: {length} of {of_it}");
    }

    lab.fail_over()?;
    lab.world.stage.send_replace(AFTER);
    let again = start_forgotten(&lab.engine, (0..FORGOTTEN).rev()).await?;
    heard.tell().await?;
    heard.end().await?;
    for (n, run) in (0..FORGOTTEN).rev().zip(&again) {
        assert_eq!(end_of(run).await?, Some(1_001 * n), "{run:?}");
    }
    for run in &forgotten {
        match soon(run.result()).await? {
            Err(error) if error.kind() == ErrorKind::UnknownRun => {}
            told => return Err(format!("{run:?}: {told:?}").into()),
        }
    }
    lab.engine.shutdown().await?;

    let url = lab.standby.url();
    let numbers_after = numbers(&url).await?;
    let is_given_again = |run: &&String| numbers_before.get(*run) != numbers_after.get(*run);
    let given_again = numbers_before.keys().filter(is_given_again);
    let given_again = given_again.count();
    assert!(given_again > 1, "{given_again} numbers were given twice");
    let after = journals(&url).await?;
    for (run, length) in &kept {
        assert_eq!(after[run][..*length], before[run][..*length], "{run}");
    }
    let begun = lab.world.begun.borrow().clone();
    // What was lost was executed once more, by the same worker.
    assert_eq!(faults(&after, &begun, 2), Vec::<String>::new());
    let kept = [("walk-0", "kept"), ("undone", "saga_kept")];
    for (run, step) in kept {
        assert_eq!(lab.world.executions(run, step), 1, "{run}: {step}");
    }
    let lost = [
        ("walk-0", "lost"),
        ("brief-0", "done"),
        ("undone", "saga_lost"),
    ];
    for (run, step) in lost {
        assert_eq!(lab.world.executions(run, step), 2, "{run}: {step}");
    }
    let gaps = "SELECT count(*) FROM (SELECT FROM durable.journal GROUP BY run \
                HAVING count(*) <> max(position) + 1) AS gaps";
    assert_eq!(count(&url, gaps).await?, 0);
    let owned = "SELECT count(*) FROM durable.runs WHERE owner IS NOT NULL";
    assert_eq!(count(&url, owned).await?, 0);
    Ok(())
}

/// Of what the standby has not heard, nothing stands still and nothing is mixed up, on the worker that
/// lived through it.
#[tokio::test]
async fn a_standby_that_lags_behind_takes_over_under_a_live_worker() -> Result<()> {
    needs!(Server);
    a_failover(Duration::from_secs(3_600)).await
}

/// The same with runs that were out of memory when it happened.
#[tokio::test]
async fn a_standby_that_lags_behind_takes_over_from_runs_that_have_left_memory() -> Result<()> {
    needs!(Server);
    a_failover(Duration::ZERO).await
}
