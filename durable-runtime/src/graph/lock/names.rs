//! Renames: an old name that is declared keeps what is recorded under it.

use super::{compare::Verdict, difference::Class};

/// Judges what something that was locked is called now. Locked are its noun, name and old names.
pub(super) fn judge(
    (noun, old, old_was): (&str, &String, &Vec<String>),
    new: &String,
    new_was: &[String],
) -> Option<Verdict> {
    let mut expected = old_was.clone();
    if new != old {
        expected.push(old.clone());
    }
    if new == old && new_was == expected {
        return None;
    }
    // Several renames since the lock was written are fine; a lost or an invented old name is not.
    if new != old && new_was.starts_with(&expected) {
        let advice = "nothing: what is recorded under the old name is found. Keep the declaration";
        let what = format!("{noun} `{new}` is the new name of `{old}`");
        return Some((Class::Safe, what, advice.to_owned()));
    }
    Some((
        Class::Breaking,
        format!(
            "{noun} `{new}` declares the old names {}, and not {}",
            list(new_was),
            list(&expected)
        ),
        "what is recorded under an old name is found only while that is declared, the oldest first. \
         Drop one when no run from its time is left"
            .to_owned(),
    ))
}

/// The first of these old names that something else has or had as well.
pub(super) fn taken<'a>(
    was: &'a [String],
    others: impl Iterator<Item = &'a String>,
) -> Option<&'a String> {
    let others: Vec<_> = others.collect();
    was.iter().find(|name| others.contains(name))
}

/// What to say of an old name that two things have.
pub(super) fn claimed_twice(noun: &str, name: &str) -> Verdict {
    (
        Class::Breaking,
        format!("the name `{name}` belongs to this {noun} as an old name, and to another one"),
        format!("what is recorded under `{name}` could be either's. Give the other one a new name"),
    )
}

fn list(names: &[String]) -> String {
    match names {
        [] => "(none)".to_owned(),
        names => format!("`{}`", names.join("`, `")),
    }
}
