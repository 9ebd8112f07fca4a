//! Statements over many rows: `VALUES` lists whose lengths are powers of two, so that a handful of
//! texts serves every batch and stays in the statement cache. The rows beyond the last are NULL, and
//! each statement passes them over.

use std::sync::OnceLock;

use sqlx::{
    AssertSqlSafe, Either, Executor, SqlSafeStr, SqlStr, SqliteConnection,
    query::Query,
    sqlite::{SqliteArguments, SqliteRow},
};

/// The exponent of the longest list: 2^9 rows.
const LONGEST: u32 = 9;
/// The most rows that a statement takes.
pub(super) const ROWS_MAX: usize = 1 << LONGEST;

/// A statement whose text repeats one row's placeholders.
#[derive(Debug)]
pub(super) struct Rows {
    head: &'static str,
    row: &'static str,
    tail: &'static str,
    texts: [OnceLock<SqlStr>; LONGEST as usize + 1],
}

pub(super) type Bound = Query<'static, sqlx::Sqlite, SqliteArguments>;

impl Rows {
    pub(super) const fn new(head: &'static str, row: &'static str, tail: &'static str) -> Self {
        Self {
            head,
            row,
            tail,
            texts: [const { OnceLock::new() }; LONGEST as usize + 1],
        }
    }

    /// A statement for each chunk of the items, with the rows bound.
    pub(super) fn over<'a, T, E>(
        &'static self,
        items: &'a [T],
        bind: impl Fn(Bound, &'a T) -> Result<Bound, E>,
    ) -> impl Iterator<Item = Result<Bound, E>> {
        items.chunks(ROWS_MAX).map(move |chunk| {
            let rows = chunk.len().next_power_of_two();
            self.bind(sqlx::query(self.text(rows)), rows, chunk, &bind)
        })
    }

    /// Binds as many rows as the text has: the items, then NULLs.
    pub(super) fn bind<'a, T, E>(
        &self,
        statement: Bound,
        rows: usize,
        items: &'a [T],
        bind: impl Fn(Bound, &'a T) -> Result<Bound, E>,
    ) -> Result<Bound, E> {
        let statement = items.iter().try_fold(statement, bind)?;
        let placeholders = self.row.bytes().filter(|byte| *byte == b'?').count();
        let nulls = (rows - items.len()) * placeholders;
        Ok((0..nulls).fold(statement, |s, _| s.bind(None::<i64>)))
    }

    /// The text over so many rows, which are a power of two.
    pub(super) fn text(&self, rows: usize) -> SqlStr {
        let text = self.texts[rows.ilog2() as usize].get_or_init(|| {
            let rows = vec![self.row; rows].join(",");
            AssertSqlSafe(format!("{}{rows}{}", self.head, self.tail)).into_sql_str()
        });
        text.clone()
    }
}

/// Several statements that go to the database in one call, each with the arguments that follow those
/// of the one before.
#[derive(Debug, Default)]
pub(super) struct Script {
    text: String,
    statements: usize,
}

impl Script {
    pub(super) fn add(&mut self, statement: &str) {
        self.text.push_str(statement);
        self.text.push(';');
        self.statements += 1;
    }

    /// The text, to bind arguments to, and how many statements it has.
    pub(super) fn into_query(self) -> (Bound, usize) {
        (sqlx::query(AssertSqlSafe(self.text)), self.statements)
    }
}

/// Runs the statements of a [`Script`] up to the first that fails; gives the rows of all of them.
pub(super) async fn run(
    connection: &mut SqliteConnection,
    (query, statements): (Bound, usize),
) -> Result<Vec<SqliteRow>, sqlx::Error> {
    let mut results = connection.fetch_many(query);
    let (mut rows, mut ended) = (Vec::new(), 0);
    while let Some(result) = std::future::poll_fn(|cx| results.as_mut().poll_next(cx)).await {
        match result? {
            Either::Left(_) => ended += 1,
            Either::Right(row) => rows.push(row),
        }
    }
    if ended == statements {
        return Ok(rows);
    }
    // That a text may hold several statements is the driver's own addition.
    Err(sqlx::Error::Protocol(format!(
        "{ended} statements of {statements} were run"
    )))
}

/// Integers as a JSON array, for `json_each`: one parameter for a list of any length.
pub(super) fn json_list(numbers: impl IntoIterator<Item = i64>) -> String {
    let mut list = String::from("[");
    for number in numbers {
        if list.len() > 1 {
            list.push(',');
        }
        list.push_str(&number.to_string());
    }
    list.push(']');
    list
}

#[cfg(test)]
mod tests {
    use std::convert::Infallible;

    use sqlx::Connection;

    use super::*;

    static ROWS: Rows = Rows::new("SELECT column1 FROM (VALUES ", "(?)", ") WHERE column1 > 0");

    #[tokio::test]
    async fn any_length_is_padded_with_rows_that_are_passed_over() -> Result<(), sqlx::Error> {
        let mut connection = SqliteConnection::connect(":memory:").await?;
        for length in [0_usize, 1, 2, 3, 7, 511, 512, 513, 1_100] {
            let items: Vec<u32> = (1..).take(length).collect();
            let mut selected: Vec<u32> = Vec::new();
            for bound in ROWS.over(&items, |s, item| Ok::<_, Infallible>(s.bind(*item))) {
                let Ok(bound) = bound;
                for row in bound.fetch_all(&mut connection).await? {
                    selected.push(sqlx::Row::try_get(&row, 0)?);
                }
            }
            assert_eq!(selected, items);
        }
        assert_eq!(
            ROWS.text(2).as_str(),
            "SELECT column1 FROM (VALUES (?),(?)) WHERE column1 > 0"
        );
        Ok(())
    }

    #[tokio::test]
    async fn a_script_runs_until_a_statement_fails() -> Result<(), sqlx::Error> {
        let mut connection = SqliteConnection::connect(":memory:").await?;
        let script = |last: &str| {
            let mut script = Script::default();
            script.add("CREATE TABLE IF NOT EXISTS t (a NOT NULL)");
            script.add("INSERT INTO t VALUES (?)");
            script.add("SELECT a, ? FROM t");
            script.add(last);
            let (query, statements) = script.into_query();
            (query.bind(1).bind(2).bind(None::<i64>), statements)
        };
        let rows = run(&mut connection, script("SELECT a FROM t")).await?;
        let values: Vec<i64> = rows
            .iter()
            .map(|row| sqlx::Row::try_get(row, 0))
            .collect::<Result<_, _>>()?;
        assert_eq!(values, [1, 1]);
        let refused = run(&mut connection, script("INSERT INTO t VALUES (?)")).await;
        assert!(matches!(refused, Err(sqlx::Error::Database(_))));
        // Statements that the driver does not run are noticed.
        let (query, statements) = script("SELECT 1");
        assert!(run(&mut connection, (query, statements + 1)).await.is_err());
        Ok(())
    }

    #[test]
    fn a_list_is_json() {
        assert_eq!(json_list([]), "[]");
        assert_eq!(json_list([1, -2]), "[1,-2]");
    }
}
