//! Statements over many rows: `VALUES` lists in power-of-two sizes, so that a handful of texts
//! serves every batch and stays in the statement cache.

use std::sync::OnceLock;

use sqlx::{AssertSqlSafe, SqlSafeStr, SqlStr, query::Query, sqlite::SqliteArguments};

/// The exponent of the largest chunk: 2^9 rows.
const LARGEST: usize = 9;

/// A statement whose text repeats one row's placeholders.
#[derive(Debug)]
pub(super) struct Rows {
    head: &'static str,
    row: &'static str,
    tail: &'static str,
    texts: [OnceLock<SqlStr>; LARGEST + 1],
}

pub(super) type Bound = Query<'static, sqlx::Sqlite, SqliteArguments>;

impl Rows {
    pub(super) const fn new(head: &'static str, row: &'static str, tail: &'static str) -> Self {
        Self {
            head,
            row,
            tail,
            texts: [const { OnceLock::new() }; LARGEST + 1],
        }
    }

    /// The items in chunks, each with a statement to bind its rows to.
    pub(super) fn chunks<'a, T>(
        &'static self,
        items: &'a [T],
    ) -> impl Iterator<Item = (Bound, &'a [T])> {
        let mut rest = items;
        std::iter::from_fn(move || {
            let exponent = LARGEST.min(rest.len().checked_ilog2()? as usize);
            let (chunk, after) = rest.split_at(1 << exponent);
            rest = after;
            Some((sqlx::query(self.text(exponent)), chunk))
        })
    }

    fn text(&self, exponent: usize) -> SqlStr {
        let text = self.texts[exponent].get_or_init(|| {
            let rows = vec![self.row; 1 << exponent].join(",");
            AssertSqlSafe(format!("{}{rows}{}", self.head, self.tail)).into_sql_str()
        });
        text.clone()
    }
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
    use super::*;

    static ROWS: Rows = Rows::new("VALUES ", "(?)", ";");

    #[test]
    fn any_length_is_split_into_powers_of_two() {
        for length in [0_usize, 1, 2, 3, 7, 511, 512, 513, 5_000] {
            let items: Vec<usize> = (0..length).collect();
            let chunks: Vec<_> = ROWS.chunks(&items).map(|(_, chunk)| chunk).collect();
            assert!(chunks.iter().all(|chunk| chunk.len().is_power_of_two()));
            assert_eq!(chunks.concat(), items);
        }
        assert_eq!(ROWS.text(1).as_str(), "VALUES (?),(?);");
    }

    #[test]
    fn a_list_is_json() {
        assert_eq!(json_list([]), "[]");
        assert_eq!(json_list([1, -2]), "[1,-2]");
    }
}
