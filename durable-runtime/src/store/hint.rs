//! Hints: what one process tells the others, so that they need not wait until they look next.

use crate::journal::RunKey;

/// What may concern a process, because another has written it. A hint may be lost, late or needless;
/// whoever looks by itself from time to time sees everything without it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Hint {
    /// Runs may be due.
    pub due: bool,
    /// Mail has come for these runs, which a worker owns.
    pub mail: Vec<RunKey>,
    /// These runs have ended or been parked.
    pub ended: Vec<RunKey>,
    /// Hints may have been lost: anything may have happened.
    pub missed: bool,
}

impl Hint {
    /// That runs may be due.
    pub fn due() -> Self {
        Self {
            due: true,
            ..Self::default()
        }
    }

    /// That hints may have been lost.
    pub fn missed() -> Self {
        Self {
            missed: true,
            ..Self::default()
        }
    }

    /// Whether it says nothing.
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }

    /// Adds what another hint says.
    pub fn merge(&mut self, other: Self) {
        self.due |= other.due;
        self.missed |= other.missed;
        self.mail.extend(other.mail);
        self.ended.extend(other.ended);
    }
}
