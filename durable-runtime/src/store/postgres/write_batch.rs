//! The function that writes a batch: one text, installed under a name of its own for each version of it.
//!
//! Workers of other builds go on calling the function that they know, so a text that was released is never
//! changed under its name. (Those of the first builds are in `migrations/`.)

use sqlx::{AssertSqlSafe, Executor, PgConnection};

use crate::{journal::EventKind, status::Status, store::columns};

/// The name of this version of the function. To be changed with the text.
macro_rules! name {
    () => {
        "write_batch_3"
    };
}

pub(super) const NAME: &str = name!();

pub(super) const CALL: &str = concat!(
    "SELECT * FROM ",
    name!(),
    "($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19, $20, \
     $21, $22, $23, $24, $25, $26, $27, $28, $29, $30, $31, $32, $33, $34, $35, $36, $37, $38, $39, $40, $41)"
);

const TEXT: &str = include_str!("write_batch.sql");

/// The text, with the codes that its words in braces stand for.
fn text() -> String {
    let statuses = Status::ALL.map(|status| (status.code(), status.as_str()));
    let kinds = [
        ("status", &statuses[..]),
        ("event", EventKind::NAMES),
        ("mail", columns::MAIL),
    ];
    let mut text = TEXT.replace("{write_batch}", NAME);
    for (kind, codes) in kinds {
        for (code, name) in codes {
            text = text.replace(&format!("{{{kind}:{name}}}"), &code.to_string());
        }
    }
    text
}

/// Whether it is in this schema.
pub(super) async fn is_installed(
    connection: &mut PgConnection,
    schema: &str,
) -> Result<bool, sqlx::Error> {
    sqlx::query_scalar(
        "SELECT EXISTS (SELECT FROM pg_proc AS p JOIN pg_namespace AS n ON n.oid = p.pronamespace \
         WHERE n.nspname = $1 AND p.proname = $2)",
    )
    .bind(schema)
    .bind(NAME)
    .fetch_one(connection)
    .await
}

/// Installs it in the schema that comes first in the search path.
pub(super) async fn install(connection: &mut PgConnection) -> Result<(), sqlx::Error> {
    connection.execute(AssertSqlSafe(text())).await?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_word_in_braces_has_a_code() {
        let text = text();
        assert!(text.contains(&format!("CREATE FUNCTION {NAME}(")));
        assert!(!text.contains(['{', '}']), "{text}");
    }

    /// A code that is written as a number would be forgotten when it changes.
    #[test]
    fn no_code_is_written_as_a_number() {
        let compared = |line: &&str| {
            let words = [
                "status = ",
                "status <> ",
                "kind = ",
                "kind <> ",
                "kind >= ",
                "IN (",
            ];
            words.iter().any(|word| {
                let mut rest = line.split(word).skip(1);
                rest.any(|rest| rest.starts_with(|first: char| first.is_ascii_digit()))
            })
        };
        assert_eq!(TEXT.lines().find(compared), None);
    }
}
