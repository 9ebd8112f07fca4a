//! A batch as the columns that `write_batch` takes: one array for each.

use std::{borrow::Cow, collections::HashMap};

use sqlx::{PgConnection, Postgres, postgres::PgArguments, postgres::PgRow, query::Query};

use super::{
    convert::{text, unreadable, wanted},
    write_batch,
};
use crate::{
    journal::Payload,
    store::{
        Batch, Commit, MailTarget, NewMail, NewRun,
        columns::{MailColumns, UpdateColumns},
    },
};

type Bound = Query<'static, Postgres, PgArguments>;

/// The number of a commit in its batch, from 1; 0 stands for what a client asked for.
type CommitNumber = i32;

/// The arguments of the call, by prefix.
pub(super) struct Call<'b> {
    batch: &'b Batch,
    order: Vec<usize>,
    starts: Starts<'b>,
    mail: Mail<'b>,
    commits: Commits<'b>,
    events: Events<'b>,
    consumed: Consumed,
}

impl<'b> Call<'b> {
    pub(super) fn of(batch: &'b Batch) -> Result<Self, sqlx::Error> {
        let mut call = Self {
            batch,
            order: order(batch),
            starts: Starts::default(),
            mail: Mail::default(),
            commits: Commits::default(),
            events: Events::default(),
            consumed: Consumed::default(),
        };
        let mut numbers: Vec<CommitNumber> = vec![0; batch.commits.len()];
        for (number, index) in (1..).zip(&call.order) {
            numbers[*index] = number;
            call.commits.add(&batch.commits[*index])?;
        }
        let by_run = batch.commits.iter().map(|commit| commit.run);
        let by_run: HashMap<_, _> = by_run.zip(numbers.iter().copied()).collect();
        for new in &batch.starts {
            call.starts.add(0, new);
        }
        for mail in &batch.mail {
            call.mail.add(0, mail, &by_run)?;
        }
        for (commit, number) in batch.commits.iter().zip(numbers) {
            call.events.add(number, commit)?;
            call.consumed.add(number, commit);
            for new in &commit.children {
                call.starts.add(number, new);
            }
            for mail in &commit.outgoing {
                call.mail.add(number, mail, &by_run)?;
            }
        }
        Ok(call)
    }

    /// Calls, and gives the row of results and the order of the commits in it. When it is not `careful`,
    /// it fails if an event is there already.
    pub(super) async fn fetch(
        self,
        connection: &mut PgConnection,
        careful: bool,
    ) -> Result<(PgRow, Vec<usize>), sqlx::Error> {
        let id = self.batch.id;
        // Only mail of clients may be sent twice: the rest is known by its place.
        let number = id.filter(|_| !self.batch.mail.is_empty());
        let query = sqlx::query(write_batch::CALL)
            .bind(id.map(|id| id.worker.get()))
            .bind(number.map(|id| id.number))
            .bind(careful)
            .bind(mailbox_max(self.batch.mailbox_max));
        let query = self.mail.bind(self.starts.bind(query));
        let query = self.events.bind(self.commits.bind(query));
        let row = self.consumed.bind(query).fetch_one(connection).await?;
        Ok((row, self.order))
    }
}

/// The order in which the commits are handed over: that of their runs, in which they are locked. With
/// mail it is their own, which then matters; the locks are taken before.
fn order(batch: &Batch) -> Vec<usize> {
    let mut order: Vec<usize> = (0..batch.commits.len()).collect();
    let mut commits = batch.commits.iter();
    if batch.mail.is_empty() && commits.all(|commit| commit.outgoing.is_empty()) {
        order.sort_by_key(|index| batch.commits[*index].run);
    }
    order
}

/// An array, or NULL in place of an empty one: the server need not unpack it.
fn array<T>(values: Vec<T>) -> Option<Vec<T>> {
    (!values.is_empty()).then_some(values)
}

/// An array, or NULL in place of one of which every element is NULL.
fn sparse<T>(values: Vec<Option<T>>) -> Option<Vec<Option<T>>> {
    values.iter().any(Option::is_some).then_some(values)
}

#[derive(Default)]
struct Starts<'b> {
    commit: Vec<CommitNumber>,
    id: Vec<Cow<'b, str>>,
    workflow: Vec<Cow<'b, str>>,
    input: Vec<&'b [u8]>,
    seed: Vec<i64>,
    parent: Vec<Option<i64>>,
    parent_step: Vec<Option<Cow<'b, str>>>,
    owner: Vec<Option<i64>>,
    at: Vec<i64>,
}

impl<'b> Starts<'b> {
    fn add(&mut self, commit: CommitNumber, new: &'b NewRun) {
        let parent = new.parent.as_ref();
        self.commit.push(commit);
        self.id.push(text(new.id.as_str()));
        self.workflow.push(text(&new.workflow));
        self.input.push(new.input.as_bytes());
        self.seed.push(new.seed);
        self.parent.push(parent.map(|parent| parent.run.get()));
        self.parent_step
            .push(parent.map(|parent| text(parent.step.as_str())));
        self.owner.push(new.owner.map(|worker| worker.get()));
        self.at.push(new.at.as_micros());
    }

    fn bind(self, query: Bound) -> Bound {
        query
            .bind(array(self.commit))
            .bind(array(self.id))
            .bind(array(self.workflow))
            .bind(array(self.input))
            .bind(array(self.seed))
            .bind(sparse(self.parent))
            .bind(sparse(self.parent_step))
            .bind(sparse(self.owner))
            .bind(array(self.at))
    }
}

#[derive(Default)]
struct Mail<'b> {
    commit: Vec<CommitNumber>,
    run: Vec<Option<i64>>,
    id: Vec<Option<&'b str>>,
    target: Vec<Option<CommitNumber>>,
    kind: Vec<i16>,
    name: Vec<Option<Cow<'b, str>>>,
    data: Vec<Option<Cow<'b, [u8]>>>,
    ok: Vec<Option<bool>>,
    at: Vec<i64>,
}

impl<'b> Mail<'b> {
    fn add(
        &mut self,
        commit: CommitNumber,
        mail: &'b NewMail,
        by_run: &HashMap<crate::journal::RunKey, CommitNumber>,
    ) -> Result<(), sqlx::Error> {
        let (run, id, target) = match &mail.to {
            MailTarget::Key(run) => {
                let target = by_run.get(run).copied().unwrap_or(0);
                (Some(run.get()), None, Some(target))
            }
            MailTarget::Id(id) => (None, wanted(id.as_str()), None),
        };
        let columns = MailColumns::of(&mail.kind).map_err(unreadable)?;
        self.commit.push(commit);
        self.run.push(run);
        self.id.push(id);
        self.target.push(target);
        self.kind.push(small(columns.kind)?);
        self.name.push(columns.name.map(text));
        self.data.push(columns.data);
        self.ok.push(columns.ok);
        self.at.push(mail.at.as_micros());
        Ok(())
    }

    fn bind(self, query: Bound) -> Bound {
        let data: Vec<Option<&[u8]>> = self.data.iter().map(Option::as_deref).collect();
        query
            .bind(array(self.commit))
            .bind(sparse(self.run))
            .bind(sparse(self.id))
            .bind(sparse(self.target))
            .bind(array(self.kind))
            .bind(sparse(self.name))
            .bind(sparse(data))
            .bind(sparse(self.ok))
            .bind(array(self.at))
    }
}

#[derive(Default)]
struct Commits<'b> {
    run: Vec<i64>,
    created_at: Vec<i64>,
    epoch: Vec<i64>,
    position: Vec<Option<i32>>,
    status: Vec<Option<i16>>,
    release: Vec<Option<bool>>,
    due: Vec<Option<i64>>,
    seen: Vec<Option<i64>>,
    wakes: Vec<Option<i16>>,
    reason: Vec<Option<Cow<'b, str>>>,
    at: Vec<Option<i64>>,
}

impl<'b> Commits<'b> {
    fn add(&mut self, commit: &'b Commit) -> Result<(), sqlx::Error> {
        let columns = commit.update.as_ref().map(UpdateColumns::of);
        let columns = columns.as_ref();
        let position = i32::try_from(commit.position).map_err(unreadable)?;
        let status = columns.map(|update| small(update.status)).transpose()?;
        let wakes = columns.and_then(|update| update.wakes);
        let reason = commit.update.as_ref().and_then(|u| u.reason.as_deref());
        self.run.push(commit.run.get());
        self.created_at.push(commit.created_at.as_micros());
        self.epoch.push(commit.epoch.get());
        self.position.push(Some(position));
        self.status.push(status);
        self.release.push(columns.map(|update| update.release));
        self.due.push(columns.and_then(|update| update.due));
        self.seen.push(columns.and_then(|update| update.seen));
        self.wakes.push(wakes.map(small).transpose()?);
        self.reason.push(reason.map(text));
        self.at.push(columns.map(|_| commit.at.as_micros()));
        Ok(())
    }

    fn bind(self, query: Bound) -> Bound {
        query
            .bind(array(self.run))
            .bind(array(self.created_at))
            .bind(array(self.epoch))
            .bind(sparse(self.position))
            .bind(sparse(self.status))
            .bind(sparse(self.release))
            .bind(sparse(self.due))
            .bind(sparse(self.seen))
            .bind(sparse(self.wakes))
            .bind(sparse(self.reason))
            .bind(sparse(self.at))
    }
}

#[derive(Default)]
struct Events<'b> {
    commit: Vec<CommitNumber>,
    position: Vec<i32>,
    kind: Vec<i16>,
    step: Vec<Option<Cow<'b, str>>>,
    data: Vec<Option<Payload>>,
    at: Vec<i64>,
}

impl<'b> Events<'b> {
    fn add(&mut self, number: CommitNumber, commit: &'b Commit) -> Result<(), sqlx::Error> {
        for (position, event) in (commit.position..).zip(&commit.events) {
            self.commit.push(number);
            self.position
                .push(i32::try_from(position).map_err(unreadable)?);
            self.kind.push(small(event.kind.code())?);
            self.step
                .push(event.step.as_ref().map(|step| text(step.as_str())));
            self.data.push(event.kind.encode());
            self.at.push(event.at.as_micros());
        }
        Ok(())
    }

    fn bind(self, query: Bound) -> Bound {
        let data = self.data.iter().map(Option::as_ref);
        let data: Vec<Option<&[u8]>> = data.map(|data| data.map(Payload::as_bytes)).collect();
        query
            .bind(array(self.commit))
            .bind(array(self.position))
            .bind(array(self.kind))
            .bind(sparse(self.step))
            .bind(sparse(data))
            .bind(array(self.at))
    }
}

#[derive(Default)]
struct Consumed {
    commit: Vec<CommitNumber>,
    mail: Vec<i64>,
}

impl Consumed {
    fn add(&mut self, number: CommitNumber, commit: &Commit) {
        for mail in &commit.consumed {
            self.commit.push(number);
            self.mail.push(mail.get());
        }
    }

    fn bind(self, query: Bound) -> Bound {
        query.bind(array(self.commit)).bind(array(self.mail))
    }
}

/// The bound of mailboxes as a parameter.
pub(super) fn mailbox_max(max: Option<u32>) -> Option<i32> {
    max.map(|max| i32::try_from(max).unwrap_or(i32::MAX))
}

/// The codes of kinds and statuses are small.
fn small(code: i64) -> Result<i16, sqlx::Error> {
    i16::try_from(code).map_err(unreadable)
}
