//! The lock: the graphs that runs in flight were started with, and what a change means for them.
//!
//! The comparison is about journals. A run of the locked graphs has recorded some beginning of a walk
//! through one of them, and a new build must be able to walk the same way:
//!
//! - *safe*: every journal of the locked graph fits the new one.
//! - *additive*: nothing recorded is missing, but a run that is past the new part finds it before
//!   something recorded, and is parked.
//! - *breaking*: something recorded may have no place any more, or another order, kind or type. What
//!   is not understood counts as that.

mod align;
mod compare;
mod difference;
mod names;
mod parse;
mod sequence;
#[cfg(test)]
mod tests;

use std::fmt;

use super::{Graph, outline::Outline};

pub use difference::{Class, Difference};
pub use parse::LockError;

/// The version of the format.
const VERSION: u32 = 1;

const PREAMBLE: &str = "\
# The workflow graphs that runs in flight rely on. Commit this file: a test compares it with the code.
# `DURABLE_LOCK=update cargo test` rewrites it; review what changes, as `cargo test` explains it.
";

/// The graphs of a set of workflows, in a form that is written to a file and compared.
///
/// The text has one line for each fact and no number that a change elsewhere moves, so that changes
/// read well in review and merge.
///
/// ```
/// use durable_runtime::graph::{Class, Lock};
///
/// let locked = Lock::parse("durable.lock", "durable-lock 1\n\nworkflow order\n  step charge\n")?;
/// let current = Lock::parse("new", "durable-lock 1\n\nworkflow order\n  step charge\n  step pack\n")?;
/// let differences = locked.compare(&current);
/// assert_eq!(differences[0].class(), Class::Safe);
/// # Ok::<(), durable_runtime::graph::LockError>(())
/// ```
#[derive(Debug, Clone)]
pub struct Lock {
    /// Sorted by name.
    outlines: Vec<Outline>,
}

impl Lock {
    /// These graphs, sorted by name, each with the file and the line of its workflow.
    pub(crate) fn of_graphs<'g>(graphs: impl Iterator<Item = (&'g Graph, &'g str, u32)>) -> Self {
        Self {
            outlines: graphs
                .map(|(graph, file, line)| Outline::of(graph, file, line))
                .collect(),
        }
    }

    /// Reads a lock from the text of a file. `file` is its name, for messages.
    ///
    /// # Errors
    ///
    /// When the text is not a lock, is damaged, or was written by a version with another format.
    pub fn parse(file: &str, text: &str) -> Result<Self, LockError> {
        parse::parse(file, text)
    }

    /// What `current` has changed against this lock, the gravest first. Nothing when it is the same.
    pub fn compare(&self, current: &Self) -> Vec<Difference> {
        compare::compare(&self.outlines, &current.outlines)
    }

    /// Whether there is no workflow in it.
    pub fn is_empty(&self) -> bool {
        self.outlines.is_empty()
    }
}

impl fmt::Display for Lock {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{PREAMBLE}durable-lock {VERSION}")?;
        self.outlines
            .iter()
            .try_for_each(|outline| write!(f, "\n{outline}"))
    }
}
