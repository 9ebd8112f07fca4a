//! Clocks, randomness and I/O: what gives another answer on a replay than it gave in the run.

use quote::ToTokens;

use super::Rules;
use crate::{diagnostics::report, hazards::Hazard, syntax::text::text};

impl Rules {
    /// A clock, randomness, I/O: the tokens that name it.
    pub(crate) fn hazard(&mut self, at: &dyn ToTokens, hazard: Hazard) {
        let name = text(at);
        let [what, why, instead] = hazard.words();
        let instead = self.filled(instead);
        report!(self.found, at, "`{name}` {what}", "{why}", "{instead}");
    }
}
