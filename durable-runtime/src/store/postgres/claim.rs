//! Claiming runs that are due.

use std::{collections::HashMap, time::Duration};

use sqlx::{
    PgConnection, Postgres, Row,
    postgres::{PgArguments, PgRow},
};

use super::{
    convert::{self, unreadable},
    worker::no_trial,
};
use crate::{
    journal::{Epoch, Event, Payload, RunId, RunKey, Timestamp},
    status::Status,
    store::{Claim, Claimed, LoadedRun, Mail, rules},
};

/// When to look again at runs that are due and locked.
const LOCKED_PAUSE: Duration = Duration::from_millis(20);

/// The condition that worker `w` may take a suspect at the time `$2`.
macro_rules! may_try {
    () => {
        concat!(
            "(w.trial IS NULL OR w.trial_until <= $2 OR ",
            no_trial!(),
            ")"
        )
    };
}

/// The workflows whose runs worker `$1` may take, as `mine`: of those that unowned runs wait for, the ones
/// it can drive, and the ones that nobody can, so that somebody says so. The names are found by jumping
/// through the index from one to the next: what a claim costs does not depend on how many runs wait for
/// other workers. With each name comes the place in the index of its first run.
macro_rules! mine {
    () => {
        "RECURSIVE waiting (workflow, due, run) AS (\
         (SELECT workflow, due, run FROM runs WHERE due IS NOT NULL ORDER BY workflow, due, run LIMIT 1) \
         UNION ALL SELECT r.* FROM waiting AS n CROSS JOIN LATERAL (\
         SELECT r.workflow, r.due, r.run FROM runs AS r WHERE r.due IS NOT NULL AND r.workflow > n.workflow \
         ORDER BY r.workflow, r.due, r.run LIMIT 1) AS r), \
         mine AS MATERIALIZED (SELECT n.* FROM waiting AS n WHERE \
         EXISTS (SELECT FROM workers AS w WHERE w.worker = $1 \
         AND (w.workflows IS NULL OR n.workflow = ANY (w.workflows))) \
         OR NOT EXISTS (SELECT FROM workers AS w \
         WHERE w.workflows IS NULL OR n.workflow = ANY (w.workflows)))"
    };
}

/// [`Places`] that were found before, as `mine`.
macro_rules! places {
    () => {
        "unnest($3::TEXT[], $4::BIGINT[], $5::BIGINT[]) AS mine (workflow, due, run)"
    };
}

/// The runs of `mine` with these deaths, longest due first, which it locks: at most `$6`.
macro_rules! due {
    ($deaths:literal) => {
        concat!(
            "SELECT r.run, r.status, r.due FROM ",
            places!(),
            " CROSS JOIN LATERAL (\
             SELECT run, status, due FROM runs WHERE workflow = mine.workflow \
             AND due IS NOT NULL AND due <= $2 AND (due, run) >= (mine.due, mine.run) AND deaths ",
            $deaths,
            " AND EXISTS (SELECT FROM me) \
             ORDER BY due, run LIMIT $6 FOR NO KEY UPDATE SKIP LOCKED) AS r ORDER BY r.due, r.run LIMIT $6"
        )
    };
}

/// When the first run of `mine` with these deaths is due.
macro_rules! first_due {
    ($deaths:literal) => {
        concat!(
            "(SELECT due FROM runs WHERE workflow = mine.workflow AND due IS NOT NULL \
             AND (due, run) >= (mine.due, mine.run) AND deaths ",
            $deaths,
            " ORDER BY due, run LIMIT 1)"
        )
    };
}

/// When the first run of `mine` is due that worker `$1` may take at the time `$2`. A run with a due time
/// has no owner.
macro_rules! next_due {
    () => {
        concat!(
            "least(",
            first_due!("< 3"),
            ", CASE WHEN EXISTS (SELECT FROM workers AS w WHERE w.worker = $1 AND ",
            may_try!(),
            ") THEN ",
            first_due!(">= 3"),
            " END)"
        )
    };
}

/// About how many bytes a run takes to load. The server knows the length of a value without reading it.
macro_rules! bytes {
    ($run:literal) => {
        concat!(
            "coalesce((SELECT octet_length(b.input) FROM runs AS b WHERE b.run = ",
            $run,
            ".run), 0) + coalesce((SELECT sum(octet_length(j.data)) FROM journal AS j WHERE j.run = ",
            $run,
            ".run), 0) + coalesce((SELECT sum(octet_length(m.data)) FROM mailbox AS m WHERE m.run = ",
            $run,
            ".run), 0)"
        )
    };
}

/// What each claim does with the rows that it has locked: it takes as many as are not too much to load
/// together (`rules::CLAIM_BYTES_MAX`), but one at least, while it holds `me`, the worker's row.
/// A worker that was retired takes nothing: nobody would free its runs again. The lock on its row keeps
/// it from being retired meanwhile. Nothing is read that may be damaged of one run and not of the others: no
/// payload and, where at most one is taken, no size.
macro_rules! take {
    ($me:expr, $chosen:expr, $limit:literal, $also:expr) => {
        concat!(
            "WITH me AS MATERIALIZED (",
            $me,
            "), locked AS MATERIALIZED (",
            $chosen,
            "), sized AS MATERIALIZED (SELECT l.*, sum(CASE WHEN ",
            $limit,
            " > 1 THEN ",
            bytes!("l"),
            " END) OVER (ORDER BY l.due, l.run ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW) AS bytes, \
             row_number() OVER (ORDER BY l.due, l.run) AS number FROM locked AS l), \
             chosen AS MATERIALIZED (SELECT * FROM sized WHERE number = 1 OR bytes <= 16777216)",
            $also,
            " UPDATE runs AS r SET owner = $1, epoch = r.epoch + 1, due = NULL, reason = NULL, \
             updated_at = $2, status = CASE WHEN r.status IN (0, 8) THEN 1 ELSE r.status END \
             FROM chosen AS c WHERE r.run = c.run \
             RETURNING r.run, r.id, r.workflow, c.status, r.epoch, r.seed, r.parent, r.parent_step, \
             r.created_at, c.due, r.deaths, (SELECT count(*) FROM locked)"
        )
    };
}

// `3` is `record::SUSPECT_DEATHS`.
const TAKE_DUE: &str = take!(
    "SELECT FROM workers WHERE worker = $1 FOR KEY SHARE",
    due!("< 3"),
    "$6",
    ""
);

/// Puts the suspect it takes on trial, until `$7`.
const TAKE_SUSPECT: &str = take!(
    concat!(
        "SELECT FROM workers AS w WHERE w.worker = $1 AND ",
        may_try!(),
        " FOR NO KEY UPDATE OF w"
    ),
    due!(">= 3"),
    "$6",
    ", tried AS (UPDATE workers SET trial = c.run, trial_until = $7 FROM chosen AS c WHERE worker = $1)"
);

/// Who has parked a run, as the index has it. 8 is parked.
macro_rules! parked_by {
    ($run:literal) => {
        concat!("coalesce(hash_array_extended(", $run, ".parked_by, 0), 0)")
    };
}

/// Runs that the same workers have parked lie together in an index, and the search for those that this one
/// has not tried jumps from one such group to the next: what it costs does not depend on how many runs are
/// parked.
const TAKE_PARKED: &str = take!(
    "SELECT workflows FROM workers WHERE worker = $1 FOR KEY SHARE",
    concat!(
        "WITH RECURSIVE groups (workflow, parked_by, key) AS (\
         (SELECT r.workflow, r.parked_by, ",
        parked_by!("r"),
        " FROM runs AS r WHERE r.status = 8 ORDER BY 1, 3 LIMIT 1) UNION ALL \
         SELECT n.* FROM groups AS g CROSS JOIN LATERAL (\
         SELECT r.workflow, r.parked_by, ",
        parked_by!("r"),
        " FROM runs AS r WHERE r.status = 8 AND (r.workflow, ",
        parked_by!("r"),
        ") > (g.workflow, g.key) ORDER BY 1, 3 LIMIT 1) AS n) \
         SELECT r.run, r.status, r.due FROM groups AS g CROSS JOIN LATERAL (\
         SELECT r.run, r.status, r.due FROM runs AS r \
         WHERE r.status = 8 AND r.owner IS NULL AND r.workflow = g.workflow AND ",
        parked_by!("r"),
        " = g.key ORDER BY r.run LIMIT $3 FOR NO KEY UPDATE SKIP LOCKED) AS r \
         WHERE NOT coalesce($1 = ANY (g.parked_by), FALSE) \
         AND EXISTS (SELECT FROM me WHERE me.workflows IS NULL OR g.workflow = ANY (me.workflows)) \
         LIMIT $3"
    ),
    "$3",
    ""
);

/// One run that a claim failed for, if it may be taken.
const TAKE_ONE: &str = take!(
    "SELECT FROM workers WHERE worker = $1 FOR KEY SHARE",
    "SELECT r.run, r.status, r.due FROM runs AS r WHERE r.run = $3 AND (r.owner = $1 \
     OR (r.owner IS NULL AND (r.due <= $2 OR r.status = 8))) AND EXISTS (SELECT FROM me) \
     FOR NO KEY UPDATE",
    "1",
    ""
);

/// Where the runs of each workflow begin that the worker may take, and when the first of them is due.
const LOOK: &str = concat!(
    "WITH ",
    mine!(),
    " SELECT mine.workflow, mine.due, mine.run, ",
    next_due!(),
    " FROM mine"
);

const NEXT_DUE: &str = concat!("SELECT min(", next_due!(), ") FROM ", places!());

/// Where the runs of each workflow begin in the index that a claim goes through. It is looked for once in a
/// claim: before it lie the entries of runs that were claimed and that PostgreSQL may not remove while
/// somebody has a transaction open that is older, and each pass over them costs more as they grow.
#[derive(Debug, Default)]
struct Places {
    workflows: Vec<String>,
    due: Vec<i64>,
    runs: Vec<i64>,
    next_due: Option<i64>,
}

impl Places {
    async fn look(connection: &mut PgConnection, claim: &Claim) -> Result<Self, sqlx::Error> {
        let rows = sqlx::query(LOOK)
            .bind(claim.worker.get())
            .bind(claim.now.as_micros())
            .fetch_all(connection)
            .await?;
        let mut places = Self::default();
        for row in rows {
            places.workflows.push(row.try_get(0)?);
            places.due.push(row.try_get(1)?);
            places.runs.push(row.try_get(2)?);
            let due: Option<i64> = row.try_get(3)?;
            places.next_due = [places.next_due, due].into_iter().flatten().min();
        }
        Ok(places)
    }

    /// A statement over these places, with `$1` to `$5` bound.
    fn query(&self, sql: &'static str, claim: &Claim) -> Bound<'_> {
        sqlx::query(sql)
            .bind(claim.worker.get())
            .bind(claim.now.as_micros())
            .bind(&self.workflows)
            .bind(&self.due)
            .bind(&self.runs)
    }
}

type Bound<'p> = sqlx::query::Query<'p, Postgres, PgArguments>;

pub(super) async fn claim(
    connection: &mut PgConnection,
    claim: &Claim,
) -> Result<Claimed, sqlx::Error> {
    let places = Places::look(connection, claim).await?;
    let due = places.next_due.map(Timestamp::from_micros);
    if claim.limit == 0 || due.is_none_or(|due| due > claim.now) {
        return Ok(Claimed {
            runs: Vec::new(),
            next_due: due,
        });
    }
    let mut rows = places
        .query(TAKE_DUE, claim)
        .bind(limit(claim))
        .fetch_all(&mut *connection)
        .await?;
    // Others were locked and left for their size.
    let is_full = match rows.first() {
        Some(row) => row.try_get::<i64, _>(11)? > i64::try_from(rows.len()).unwrap_or(i64::MAX),
        None => false,
    };
    let is_full = is_full || rows.len() >= claim.limit;
    if !is_full {
        rows.extend(put_on_trial(connection, claim, &places).await?);
    }
    // `RETURNING` has no order: longest due first.
    rows.sort_by_cached_key(|row| (row.try_get::<i64, _>(9).ok(), row.try_get::<i64, _>(0).ok()));
    let runs = load(connection, claim, &rows).await?;
    let next = places.query(NEXT_DUE, claim);
    let next: Option<i64> = next.fetch_one(connection).await?.try_get(0)?;
    let mut next = next.map(Timestamp::from_micros);
    if !is_full {
        // What is due and was not taken is locked by somebody else, who may need a moment.
        next = next.map(|due| match due > claim.now {
            true => due,
            false => claim.now.after(LOCKED_PAUSE),
        });
    }
    Ok(Claimed {
        runs,
        next_due: next,
    })
}

pub(super) async fn claim_parked(
    connection: &mut PgConnection,
    claim: &Claim,
) -> Result<Vec<LoadedRun>, sqlx::Error> {
    let mut rows = sqlx::query(TAKE_PARKED)
        .bind(claim.worker.get())
        .bind(claim.now.as_micros())
        .bind(limit(claim))
        .fetch_all(&mut *connection)
        .await?;
    rows.sort_by_cached_key(|row| row.try_get::<i64, _>(0).ok());
    load(connection, claim, &rows).await
}

pub(super) async fn claim_run(
    connection: &mut PgConnection,
    claim: &Claim,
    run: RunKey,
) -> Result<Option<LoadedRun>, sqlx::Error> {
    let rows = sqlx::query(TAKE_ONE)
        .bind(claim.worker.get())
        .bind(claim.now.as_micros())
        .bind(run.get())
        .fetch_all(&mut *connection)
        .await?;
    let runs = load(connection, claim, &rows).await?;
    Ok(runs.into_iter().next())
}

fn limit(claim: &Claim) -> i64 {
    i64::try_from(claim.limit).unwrap_or(i64::MAX)
}

/// Takes at most one suspect, unless the worker has one on trial.
async fn put_on_trial(
    connection: &mut PgConnection,
    claim: &Claim,
    places: &Places,
) -> Result<Vec<PgRow>, sqlx::Error> {
    places
        .query(TAKE_SUSPECT, claim)
        .bind(1_i64)
        .bind(claim.now.after(rules::TRIAL).as_micros())
        .fetch_all(connection)
        .await
}

/// Loads journals and mail of runs that are taken, in statements of their own: the one that took them
/// saw the database as it was before it got their locks, which another worker may have held to write.
async fn load(
    connection: &mut PgConnection,
    claim: &Claim,
    rows: &[PgRow],
) -> Result<Vec<LoadedRun>, sqlx::Error> {
    if rows.is_empty() {
        return Ok(Vec::new());
    }
    let keys = rows
        .iter()
        .map(|row| row.try_get(0))
        .collect::<Result<Vec<i64>, _>>()?;
    let mut events = journals(connection, &keys).await?;
    let (mut inputs, mut mail) = mailboxes(connection, &keys).await?;
    let mut runs = Vec::with_capacity(rows.len());
    for (row, key) in rows.iter().zip(keys) {
        // Who has deleted the run meanwhile has its input, too.
        let Some(input) = inputs.remove(&key) else {
            continue;
        };
        match loaded(row, input, events.remove(&key), mail.remove(&key)) {
            Ok(run) => runs.push(run),
            Err(error) => park(connection, row, claim, &error.to_string()).await?,
        }
    }
    Ok(runs)
}

type Loaded<T> = HashMap<i64, Result<Vec<T>, sqlx::Error>>;

async fn journals(
    connection: &mut PgConnection,
    keys: &[i64],
) -> Result<Loaded<Event>, sqlx::Error> {
    let rows = sqlx::query(
        "SELECT run, kind, step, data, at, position FROM journal \
         WHERE run = ANY ($1) ORDER BY run, position",
    )
    .bind(keys)
    .fetch_all(connection)
    .await?;
    let mut journals = Loaded::<Event>::new();
    for row in &rows {
        let journal = journals
            .entry(row.try_get(0)?)
            .or_insert_with(|| Ok(Vec::new()));
        let Ok(events) = journal else { continue };
        let position: i32 = row.try_get(5)?;
        if usize::try_from(position) != Ok(events.len()) {
            let missing = events.len();
            *journal = Err(unreadable(format_args!("position {missing} is missing")));
            continue;
        }
        match convert::event(row, 1) {
            Ok(event) => events.push(event),
            Err(error) => {
                *journal = Err(unreadable(format_args!("position {position}: {error}")));
            }
        }
    }
    Ok(journals)
}

/// The inputs of the runs, and what is in their mailboxes.
async fn mailboxes(
    connection: &mut PgConnection,
    keys: &[i64],
) -> Result<(HashMap<i64, Payload>, Loaded<Mail>), sqlx::Error> {
    // An input comes as the mail 0.
    let rows = sqlx::query(
        "SELECT run, 0::BIGINT AS mail, 0::SMALLINT AS kind, NULL AS name, input AS data, NULL AS ok \
         FROM runs WHERE run = ANY ($1) UNION ALL \
         SELECT run, mail, kind, name, data, ok FROM mailbox WHERE run = ANY ($1) ORDER BY run, mail",
    )
    .bind(keys)
    .fetch_all(connection)
    .await?;
    let mut inputs = HashMap::with_capacity(keys.len());
    let mut mailboxes = Loaded::<Mail>::new();
    for row in &rows {
        let run = row.try_get(0)?;
        if row.try_get::<i64, _>(1)? == 0 {
            inputs.insert(run, convert::payload(row, 4)?);
            continue;
        }
        let mailbox = mailboxes.entry(run).or_insert_with(|| Ok(Vec::new()));
        let Ok(mail) = mailbox else { continue };
        match convert::mail(row, 1) {
            Ok(piece) => mail.push(piece),
            Err(error) => *mailbox = Err(error),
        }
    }
    Ok((inputs, mailboxes))
}

fn loaded(
    row: &PgRow,
    input: Payload,
    events: Option<Result<Vec<Event>, sqlx::Error>>,
    mail: Option<Result<Vec<Mail>, sqlx::Error>>,
) -> Result<LoadedRun, sqlx::Error> {
    let epoch = Epoch::new(row.try_get(4)?);
    let events = events.unwrap_or_else(|| Ok(Vec::new()))?;
    rules::check_journal(epoch, &events).map_err(unreadable)?;
    Ok(LoadedRun {
        run: RunKey::new(row.try_get(0)?),
        id: RunId::from_recorded(row.try_get(1)?),
        workflow: row.try_get(2)?,
        status: convert::status(row.try_get(3)?)?,
        epoch,
        input,
        seed: row.try_get(5)?,
        parent: convert::parent(row, 6)?,
        created_at: Timestamp::from_micros(row.try_get(8)?),
        deaths: u32::try_from(row.try_get::<i32, _>(10)?).map_err(unreadable)?,
        events,
        mail: mail.unwrap_or_else(|| Ok(Vec::new()))?,
    })
}

/// A run that cannot be read stands aside, with the reason in its row; the others go on.
async fn park(
    connection: &mut PgConnection,
    row: &PgRow,
    claim: &Claim,
    cause: &str,
) -> Result<(), sqlx::Error> {
    let (run, epoch): (i64, i64) = (row.try_get(0)?, row.try_get(4)?);
    sqlx::query(
        "UPDATE runs SET status = $1, owner = NULL, due = NULL, reason = $2, updated_at = $3, \
         parked_by = parked_by || owner WHERE run = $4 AND epoch = $5 AND owner = $6",
    )
    .bind(i16::try_from(Status::Parked.code()).map_err(unreadable)?)
    .bind(convert::text(&format!(
        "run {run} cannot be loaded: {cause}"
    )))
    .bind(claim.now.as_micros())
    .bind(run)
    .bind(epoch)
    .bind(claim.worker.get())
    .execute(connection)
    .await?;
    Ok(())
}
