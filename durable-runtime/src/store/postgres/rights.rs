//! What the role may do, asked before any run is touched.
//!
//! What it needs rights on is read off the migrations, so the list cannot lag behind them; what others
//! keep in the schema is nobody's business here.

use sqlx::PgConnection;

use super::{
    address::Address,
    connect::quoted,
    error::describe,
    open::Purpose,
    schema::{VERSIONS, objects},
};
use crate::store::{StoreError, StoreErrorKind};

/// A right that the role lacks: on what kind of object, its name, and which right.
type Lack = (String, String, String);

/// Refuses a role that lacks a right on what is there of the schema. The error has the statements that
/// grant what is missing, and they are enough.
pub(super) async fn check(
    connection: &mut PgConnection,
    address: &Address,
    purpose: Purpose,
) -> Result<(), StoreError> {
    let cannot = |error: sqlx::Error| describe("look at the role's rights", address, error.into());
    let lacks = lacks(connection, &address.schema, purpose);
    let lacks = lacks.await.map_err(cannot)?;
    if lacks.is_empty() {
        return Ok(());
    }
    let role = role(connection).await.map_err(cannot)?;
    let what: Vec<_> = lacks
        .iter()
        .map(|(kind, name, right)| words(kind, name, right))
        .collect();
    let statements = statements(&lacks, &quoted(&address.schema), &quoted(&role), purpose);
    Err(denied(address, &role, &what.join(", "), &statements))
}

/// Refuses a role that may not make the schema, or not change it.
pub(super) async fn check_to_migrate(
    connection: &mut PgConnection,
    address: &Address,
) -> Result<(), StoreError> {
    let cannot = |error: sqlx::Error| describe("look at the role's rights", address, error.into());
    let schema = &address.schema;
    let role = role(connection).await.map_err(cannot)?;
    let (database, may_create): (String, bool) = sqlx::query_as(
        "SELECT current_database()::TEXT, has_database_privilege(current_database(), 'CREATE')",
    )
    .fetch_one(&mut *connection)
    .await
    .map_err(cannot)?;
    let in_schema: Option<bool> = sqlx::query_scalar(
        "SELECT has_schema_privilege(oid, 'CREATE') AND has_schema_privilege(oid, 'USAGE') \
         FROM pg_namespace WHERE nspname = $1",
    )
    .bind(schema)
    .fetch_optional(&mut *connection)
    .await
    .map_err(cannot)?;
    let (right, on) = match in_schema {
        None if !may_create => ("CREATE", format!("DATABASE {}", quoted(&database))),
        Some(false) => ("USAGE, CREATE", format!("SCHEMA {}", quoted(schema))),
        _ => return check_owner(connection, address, &role).await,
    };
    let grant = format!("GRANT {right} ON {on} TO {}", quoted(&role));
    let what = format!("{right} on {on}");
    Err(denied(address, &role, &what, &[grant]))
}

/// Only who owns a table may change it.
async fn check_owner(
    connection: &mut PgConnection,
    address: &Address,
    role: &str,
) -> Result<(), StoreError> {
    let owner: Option<String> = sqlx::query_scalar(
        "SELECT pg_get_userbyid(c.relowner)::TEXT FROM pg_class AS c \
         JOIN pg_namespace AS n ON n.oid = c.relnamespace \
         WHERE n.nspname = $1 AND c.relkind IN ('r', 'v', 'S') \
         AND NOT pg_has_role(c.relowner, 'USAGE') LIMIT 1",
    )
    .bind(&address.schema)
    .fetch_optional(connection)
    .await
    .map_err(|error| describe("look at the role's rights", address, error.into()))?;
    let Some(owner) = owner else {
        return Ok(());
    };
    Err(StoreError::new(
        StoreErrorKind::Denied,
        format!(
            "{address} has to be brought to the version of this build, which role `{role}` may not do \
             because `{owner}` owns the tables; open it once as `{owner}` with this build"
        ),
    ))
}

/// The error for a role that may not log in to the database.
pub(super) fn denied_login(address: &Address) -> StoreError {
    let (role, database) = (address.role(), address.database());
    let grant = format!(
        "GRANT CONNECT ON DATABASE {} TO {}",
        quoted(database),
        quoted(role)
    );
    denied(address, role, "CONNECT on the database", &[grant])
}

fn denied(address: &Address, role: &str, what: &str, statements: &[String]) -> StoreError {
    let statements: Vec<_> = statements.iter().map(|sql| format!("`{sql}`")).collect();
    StoreError::new(
        StoreErrorKind::Denied,
        format!(
            "role `{role}` may not work in {address}: it lacks {what}; have the owner or a superuser run \
             {}",
            statements.join(", ")
        ),
    )
}

async fn role(connection: &mut PgConnection) -> Result<String, sqlx::Error> {
    sqlx::query_scalar("SELECT current_user::TEXT")
        .fetch_one(connection)
        .await
}

/// What a client needs beside reading: a right, and on which tables or sequences.
const ASKING: [(&str, &[&str]); 3] = [
    ("INSERT", &["mailbox", "runs", "sent_batches"]),
    ("UPDATE", &["runs", "sent_batches"]),
    ("USAGE", &["due_numbers", "mail_numbers", "run_numbers"]),
];

async fn lacks(
    connection: &mut PgConnection,
    schema: &str,
    purpose: Purpose,
) -> Result<Vec<Lack>, sqlx::Error> {
    // As `RIGHT name`; NULL if all are needed.
    let asked = ASKING.iter().flat_map(|(right, names)| {
        let names = names.iter();
        names.map(move |name| format!("{right} {name}"))
    });
    let asked: Option<Vec<String>> = (purpose == Purpose::Ask).then(|| asked.collect());
    sqlx::query_as(
        "WITH ours AS (
            SELECT oid AS schema FROM pg_namespace WHERE nspname = $1
        ), class AS (
            SELECT c.oid, c.relname::TEXT AS name, c.relkind FROM ours
            JOIN pg_class AS c ON c.relnamespace = ours.schema AND c.relname = ANY ($2)
        )
        SELECT 'schema', '', 'USAGE' FROM ours WHERE NOT has_schema_privilege(schema, 'USAGE')
        UNION ALL
        SELECT 'table', name, needs FROM class,
            unnest(ARRAY['SELECT', 'INSERT', 'UPDATE', 'DELETE']) AS needs
        WHERE relkind IN ('r', 'p') AND NOT has_table_privilege(oid, needs)
            AND (needs = 'SELECT' OR CASE
                WHEN $4::TEXT[] IS NULL THEN name <> $3
                ELSE needs || ' ' || name = ANY ($4)
            END)
        UNION ALL
        SELECT 'policy', name, '' FROM class
        WHERE relkind IN ('r', 'p') AND row_security_active(oid)
        UNION ALL
        SELECT 'sequence', name, 'USAGE' FROM class
        WHERE CASE relkind WHEN 'S' THEN NOT has_sequence_privilege(oid, 'USAGE') END
            AND ($4 IS NULL OR 'USAGE ' || name = ANY ($4))
        UNION ALL
        -- What a trigger calls needs no right.
        SELECT DISTINCT 'function', p.proname::TEXT, 'EXECUTE' FROM ours
            JOIN pg_proc AS p ON p.pronamespace = ours.schema AND p.proname = ANY ($2)
        WHERE p.prorettype <> 'trigger'::regtype AND NOT has_function_privilege(p.oid, 'EXECUTE')",
    )
    .bind(schema)
    .bind(objects())
    .bind(VERSIONS)
    .bind(asked)
    .fetch_all(connection)
    .await
}

fn words(kind: &str, name: &str, right: &str) -> String {
    match kind {
        "schema" => format!("{right} on the schema"),
        "policy" => format!("sight of all rows of table `{name}`, which has row-level security"),
        kind => format!("{right} on {kind} `{name}`"),
    }
}

fn statements(lacks: &[Lack], schema: &str, role: &str, purpose: Purpose) -> Vec<String> {
    let any = |kind: &str| lacks.iter().any(|(found, ..)| found == kind);
    let lacking = |right: &str| lacks.iter().any(|(_, _, lacking)| lacking == right);
    let mut grants = Vec::new();
    if any("schema") {
        grants.push(format!("USAGE ON SCHEMA {schema}"));
    }
    match purpose {
        Purpose::Work => {
            if any("table") {
                let all = "SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA";
                grants.push(format!("{all} {schema}"));
            }
            if any("sequence") {
                grants.push(format!("USAGE ON ALL SEQUENCES IN SCHEMA {schema}"));
            }
        }
        Purpose::Ask => {
            if lacking("SELECT") {
                grants.push(format!("SELECT ON ALL TABLES IN SCHEMA {schema}"));
            }
            for (right, names) in ASKING
                .iter()
                .filter(|(right, _)| lacking(right) && (*right != "USAGE" || any("sequence")))
            {
                let kind = if *right == "USAGE" { "SEQUENCE " } else { "" };
                let names = names
                    .iter()
                    .map(|name| format!("{schema}.{}", quoted(name)));
                let names: Vec<_> = names.collect();
                grants.push(format!("{right} ON {kind}{}", names.join(", ")));
            }
        }
    }
    if any("function") {
        grants.push(format!("EXECUTE ON ALL FUNCTIONS IN SCHEMA {schema}"));
    }
    let grants = grants
        .into_iter()
        .map(|grant| format!("GRANT {grant} TO {role}"));
    let hidden = lacks.iter().filter(|(kind, ..)| kind == "policy");
    let shown = hidden.map(|(_, table, _)| {
        let table = quoted(table);
        format!("ALTER TABLE {schema}.{table} DISABLE ROW LEVEL SECURITY")
    });
    grants.chain(shown).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_is_missing_is_granted() {
        let lack = |kind: &str, name: &str| (kind.to_owned(), name.to_owned(), String::new());
        let lacks = [
            lack("function", "f"),
            lack("policy", "t"),
            lack("function", "g"),
        ];
        assert_eq!(
            statements(&lacks, "\"s\"", "\"r\"", Purpose::Work),
            [
                "GRANT EXECUTE ON ALL FUNCTIONS IN SCHEMA \"s\" TO \"r\"",
                "ALTER TABLE \"s\".\"t\" DISABLE ROW LEVEL SECURITY",
            ]
        );
        let lack = |kind: &str, name: &str, right: &str| {
            (kind.to_owned(), name.to_owned(), right.to_owned())
        };
        let lacks = [
            lack("table", "runs", "INSERT"),
            lack("sequence", "mail_numbers", "USAGE"),
        ];
        assert_eq!(
            statements(&lacks, "\"s\"", "\"r\"", Purpose::Ask),
            [
                "GRANT INSERT ON \"s\".\"mailbox\", \"s\".\"runs\", \"s\".\"sent_batches\" TO \"r\"",
                "GRANT USAGE ON SEQUENCE \"s\".\"due_numbers\", \"s\".\"mail_numbers\", \
                 \"s\".\"run_numbers\" TO \"r\"",
            ]
        );
    }
}
