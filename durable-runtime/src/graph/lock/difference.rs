//! One difference between a lock and the code, in words people can act on.

use std::fmt;

use super::super::outline::SourcePlace;

/// What a difference means for runs in flight. Ordered by gravity.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum Class {
    /// Every run in flight goes on.
    Safe,
    /// Nothing recorded is missing, but a run that is past the new part cannot go on.
    Additive,
    /// A run in flight may have recorded what the code no longer does.
    Breaking,
}

/// A difference between a lock and the code.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Difference {
    pub(super) class: Class,
    pub(super) workflow: String,
    pub(super) what: String,
    pub(super) advice: String,
    /// Where in the code; the nearest place if the part itself is gone.
    pub(super) now: Option<SourcePlace>,
    /// Where in the lock, if it is there.
    pub(super) locked: Option<SourcePlace>,
}

impl Difference {
    /// What it means for runs in flight.
    pub fn class(&self) -> Class {
        self.class
    }

    /// The workflow, by its present name if it has one.
    pub fn workflow(&self) -> &str {
        &self.workflow
    }

    /// What has changed: ``step `charge` was removed``.
    pub fn what(&self) -> &str {
        &self.what
    }

    /// What to do about it.
    pub fn advice(&self) -> &str {
        &self.advice
    }

    /// Where to look, as `file:line`: in the code, and in the lock.
    pub fn places(&self) -> impl Iterator<Item = String> {
        let places = [&self.now, &self.locked].into_iter().flatten();
        places.map(SourcePlace::to_string)
    }
}

impl fmt::Display for Class {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Safe => "safe",
            Self::Additive => "additive",
            Self::Breaking => "breaking",
        })
    }
}

impl fmt::Display for Difference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{}: `{}`: {}", self.class, self.workflow, self.what)?;
        let places = self.places().collect::<Vec<_>>().join(", locked in ");
        writeln!(f, "    where: {places}")?;
        write!(f, "    what to do: {}", self.advice)
    }
}
