//! Clocks, randomness and I/O: what gives another answer on a replay than it gave in the run.

use quote::ToTokens;

use super::Review;
use crate::{diagnostics::report, hazards::Hazard};

impl Review<'_> {
    pub(super) fn hazard(&mut self, at: &impl ToTokens, name: &str, hazard: Hazard) {
        let [what, why, instead] = hazard.words();
        let instead = self.filled(instead);
        report!(self.found, at, "`{name}` {what}", "{why}", "{instead}");
    }
}
