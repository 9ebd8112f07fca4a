//! Batches of clients, which touch nothing that is a worker's: so a client needs no right on it.

use sqlx::{Executor, PgConnection, Row, postgres::PgRow};

use super::{
    batch::{Arrival, Written, call, settle},
    convert::wanted,
};
use crate::{
    journal::{RunKey, WorkerId},
    store::{Batch, MailTarget, NewMail},
};

/// Whether a batch comes from a client.
pub(super) fn is_asked(batch: &Batch) -> bool {
    batch.sender().is_some_and(WorkerId::is_client)
}

/// Writes the starts and the mail of a client. `write_batch` remembers a batch beside holding its worker's
/// row; here the same is remembered first, in one transaction, and nobody is held.
pub(super) async fn write(
    connection: &mut PgConnection,
    batch: &Batch,
) -> Result<Written, sqlx::Error> {
    let anonymous = Batch {
        id: None,
        ..batch.clone()
    };
    let Some(id) = batch.id.filter(|_| !batch.mail.is_empty()) else {
        return call(connection, &anonymous).await;
    };
    connection.execute("BEGIN").await?;
    let is_repeated = settle(connection, id).await?;
    let written = if is_repeated {
        let starts = Batch {
            mail: Vec::new(),
            ..anonymous
        };
        let mut written = call(connection, &starts).await?;
        written.mail = targets(connection, &batch.mail).await?;
        written
    } else {
        call(connection, &anonymous).await?
    };
    let end = if written.without_room.is_empty() {
        "COMMIT"
    } else {
        "ROLLBACK"
    };
    connection.execute(end).await?;
    Ok(written)
}

/// The runs that mail is for, which an earlier try has written.
async fn targets(
    connection: &mut PgConnection,
    mail: &[NewMail],
) -> Result<Vec<Option<Arrival>>, sqlx::Error> {
    let (runs, ids): (Vec<Option<i64>>, Vec<Option<&str>>) = mail
        .iter()
        .map(|mail| match &mail.to {
            MailTarget::Key(run) => (Some(run.get()), None),
            MailTarget::Id(id) => (None, wanted(id.as_str())),
        })
        .unzip();
    let rows = sqlx::query(
        "SELECT r.run, r.status, r.owner \
         FROM unnest($1::BIGINT[], $2::TEXT[]) WITH ORDINALITY AS m (run, id, ordinal) \
         LEFT JOIN runs AS r ON r.run = coalesce(m.run, (SELECT n.run FROM runs AS n WHERE n.id = m.id)) \
         ORDER BY m.ordinal",
    )
    .bind(runs)
    .bind(ids)
    .fetch_all(connection)
    .await?;
    rows.iter().map(target).collect()
}

fn target(row: &PgRow) -> Result<Option<Arrival>, sqlx::Error> {
    let Some(run) = row.try_get::<Option<i64>, _>(0)? else {
        return Ok(None);
    };
    Ok(Some(Arrival {
        run: RunKey::new(run),
        status: row.try_get(1)?,
        owner: row.try_get::<Option<i64>, _>(2)?.map(WorkerId::new),
        number: None,
    }))
}
