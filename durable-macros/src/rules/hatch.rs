//! The escape hatch: `durable::nondeterministic!("reason", value)`.

use syn::{Expr, Path};

use super::Rules;
use crate::{diagnostics::report, syntax::expressions::string};

const FORM: &str = "`durable::nondeterministic!(\"why this is the same on a replay\", value)`";

const WHY: &str =
    "the rules are off in here, and whoever reads it later must know why a replay gives the same";

impl Rules {
    /// `durable::nondeterministic!(reason, value)`, with so many values.
    pub(crate) fn hatch(&mut self, path: &Path, reason: Option<&Expr>, values: usize) {
        let text = reason.and_then(string);
        let Some(reason) = reason.filter(|_| values > 0 || text.is_some()) else {
            return report!(
                self.found,
                path,
                "`nondeterministic!` needs a reason",
                "{WHY}",
                "{FORM}",
            );
        };
        if text.is_none_or(|text| text.value().trim().is_empty()) {
            report!(
                self.found,
                reason,
                "the reason of `nondeterministic!` must be a string literal that is not empty",
                "{WHY}",
                "{FORM}",
            );
        }
        if values != 1 {
            report!(
                self.found,
                path,
                "`nondeterministic!` takes a reason and one value",
                "the reason answers for that value and no other",
                "{FORM}",
            );
        }
    }
}
