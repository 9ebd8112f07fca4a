//! Looking for runs that are due: where, and what is found there.

use std::{collections::BTreeSet, time::Duration};

use sqlx::{PgConnection, Postgres, Row, postgres::PgArguments};
use tokio::time::Instant;

use super::{
    heads::{AHEAD, Heads, Search, Seen, Spot, Stretch},
    take::{LOOK, LOOK_EVERYWHERE},
};
use crate::{journal::Timestamp, store::Claim};

type Bound<'q> = sqlx::query::Query<'q, Postgres, PgArguments>;

/// What a claim has looked through.
pub(super) struct Ground {
    pub(super) seen: Vec<Seen>,
    /// The workflows of all that.
    pub(super) workflows: Vec<String>,
    /// When the first suspect is due that the worker may take.
    pub(super) suspect: Option<i64>,
    /// When to look again in any case.
    again: Option<Timestamp>,
    number: Option<i64>,
    everywhere: Option<Everywhere>,
}

/// A look at everything.
struct Everywhere {
    took: Duration,
    /// The workflows that the worker can drive; `None` if it can drive all.
    names: Option<Vec<String>>,
}

impl Ground {
    /// Looks for the first runs of each workflow that the worker may take.
    pub(super) async fn search(
        connection: &mut PgConnection,
        heads: &Heads,
        claim: &Claim,
    ) -> Result<Self, sqlx::Error> {
        let Some(stretches) = heads.stretches(claim) else {
            heads.hear(claim, true);
            return Self::everywhere(connection, heads, claim).await;
        };
        let mut ground = Self::of(stretches.into_iter().map(Seen::nothing_of).collect());
        if heads.wants_number() {
            ground.number = Some(draw(connection).await?);
        }
        ground.look(connection, claim, 1, |_| true).await?;
        match heads.hear(claim, ground.is_due(claim.now)) {
            Some(again) if again <= claim.now => Self::everywhere(connection, heads, claim).await,
            again => {
                let horizon = claim.now.after(AHEAD);
                ground.again = again.or(Some(horizon));
                Ok(ground)
            }
        }
    }

    async fn everywhere(
        connection: &mut PgConnection,
        heads: &Heads,
        claim: &Claim,
    ) -> Result<Self, sqlx::Error> {
        let start = Instant::now();
        let names = match heads.workflows(claim.worker) {
            Some(names) => Some(names),
            None => workflows(connection, claim).await?,
        };
        let number = match names.is_some() && heads.wants_number() {
            true => Some(draw(connection).await?),
            false => None,
        };
        let mut ground = Self::of(look_everywhere(connection, claim).await?);
        ground.number = number;
        ground.look(connection, claim, 1, |_| true).await?;
        let took = start.elapsed();
        ground.everywhere = Some(Everywhere { took, names });
        Ok(ground)
    }

    fn of(seen: Vec<Seen>) -> Self {
        let workflows = seen.iter().map(|seen| seen.stretch.workflow.clone());
        let workflows: BTreeSet<String> = workflows.collect();
        Self {
            seen,
            workflows: workflows.into_iter().collect(),
            suspect: None,
            again: None,
            number: None,
            everywhere: None,
        }
    }

    /// Looks for so many spots of each stretch of which this is so, from the first that is known.
    pub(super) async fn look(
        &mut self,
        connection: &mut PgConnection,
        claim: &Claim,
        limit: usize,
        concerns: impl Fn(&Seen) -> bool,
    ) -> Result<(), sqlx::Error> {
        let mut seen: Vec<&mut Seen> = self.seen.iter_mut().filter(|seen| concerns(seen)).collect();
        let stretches: Vec<Stretch> = seen.iter().map(|seen| seen.rest()).collect();
        let rows = over(
            LOOK,
            claim,
            &stretches,
            i64::try_from(limit).unwrap_or(i64::MAX),
        )
        .bind(&self.workflows)
        .fetch_all(connection)
        .await?;
        for seen in &mut seen {
            seen.left.clear();
        }
        self.suspect = None;
        for row in rows {
            let (number, due): (i64, Option<i64>) = (row.try_get(0)?, row.try_get(1)?);
            let stretch = usize::try_from(number).ok().and_then(|n| n.checked_sub(1));
            match (stretch.and_then(|index| seen.get_mut(index)), due) {
                (Some(seen), Some(due)) => seen.left.push((due, row.try_get(2)?)),
                (_, due) => self.suspect = due,
            }
        }
        Ok(())
    }

    /// When the first run is due that is left.
    pub(super) fn next_due(&self) -> Option<Timestamp> {
        let first = |seen: &Seen| seen.left.first().map(|spot: &Spot| spot.0);
        let first = self.seen.iter().filter_map(first).chain(self.suspect).min();
        first.map(Timestamp::from_micros)
    }

    pub(super) fn is_due(&self, now: Timestamp) -> bool {
        self.next_due().is_some_and(|due| due <= now)
    }

    /// When to look again, though nothing is known to be due.
    pub(super) fn again(&self) -> Option<Timestamp> {
        self.again
    }

    /// What is to be remembered of it; `None` where names have to be looked for each time.
    pub(super) fn into_search(self) -> Option<Search> {
        let everywhere = match self.everywhere {
            Some(Everywhere { took, names }) => Some((took, names?)),
            None => None,
        };
        Some(Search {
            seen: self.seen,
            number: self.number,
            everywhere,
        })
    }
}

/// Where the runs begin that the worker may take.
async fn look_everywhere(
    connection: &mut PgConnection,
    claim: &Claim,
) -> Result<Vec<Seen>, sqlx::Error> {
    let rows: Vec<(String, i64, i64)> = sqlx::query_as(LOOK_EVERYWHERE)
        .bind(claim.worker.get())
        .fetch_all(connection)
        .await?;
    let seen = rows.into_iter().map(|(workflow, due, run)| Seen {
        stretch: Stretch::all(workflow),
        left: vec![(due, run)],
    });
    Ok(seen.collect())
}

/// A number that stands for what is due at once.
async fn draw(connection: &mut PgConnection) -> Result<i64, sqlx::Error> {
    sqlx::query_scalar("SELECT nextval('due_numbers')")
        .fetch_one(connection)
        .await
}

/// The workflows that a worker can drive; `None` if it can drive all, or is not registered.
async fn workflows(
    connection: &mut PgConnection,
    claim: &Claim,
) -> Result<Option<Vec<String>>, sqlx::Error> {
    let workflows = sqlx::query_scalar("SELECT workflows FROM workers WHERE worker = $1")
        .bind(claim.worker.get())
        .fetch_optional(connection)
        .await?;
    Ok(workflows.flatten())
}

/// A statement over stretches, with `$1` to `$8` bound.
pub(super) fn over(
    sql: &'static str,
    claim: &Claim,
    stretches: &[Stretch],
    limit: i64,
) -> Bound<'static> {
    let column = |of: fn(&Stretch) -> i64| stretches.iter().map(of).collect::<Vec<i64>>();
    let workflows = stretches.iter().map(|stretch| stretch.workflow.clone());
    sqlx::query(sql)
        .bind(claim.worker.get())
        .bind(claim.now.as_micros())
        .bind(workflows.collect::<Vec<_>>())
        .bind(column(|stretch| stretch.from.0))
        .bind(column(|stretch| stretch.from.1))
        .bind(column(|stretch| stretch.to.0))
        .bind(column(|stretch| stretch.to.1))
        .bind(limit)
}
