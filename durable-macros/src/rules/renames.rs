//! Earlier names: each a literal, well formed, and of one operation alone.

use std::collections::BTreeMap;

use super::Rules;
use crate::{
    diagnostics::report,
    facts::{BodyFacts, Operation},
    names::flaw,
    syntax::text::text,
};

impl Rules {
    pub(super) fn renames(&mut self, body: &BodyFacts) {
        // Whose each name is, or was.
        let mut owners: BTreeMap<String, Vec<&Operation>> = BTreeMap::new();
        for operation in &body.operations {
            if let Some(name) = operation.literal() {
                owners.entry(name.value()).or_default().push(operation);
            }
        }
        for operation in &body.operations {
            for option in operation.options_named("was") {
                let Some(name) = option.literal() else {
                    report!(
                        self.found,
                        &option.name,
                        "an earlier name must be a string literal",
                        "it is part of the constant step graph",
                        "`.was(\"the_old_name\")`",
                    );
                    continue;
                };
                let owners = owners.entry(name.value()).or_default();
                let is_free = owners.iter().all(|owner| owner.excludes(operation));
                owners.push(operation);
                let (source, owner) = (text(name), &self.owner);
                if let Some(flaw) = flaw(&name.value()) {
                    report!(
                        self.found,
                        name,
                        "the earlier name {source} {flaw}",
                        "no operation can have had it, so nothing is recorded under it",
                        "the name as it stood in the code before",
                    );
                } else if !is_free {
                    report!(
                        self.found,
                        name,
                        "the name {source} is, or was, another operation's in `{owner}`",
                        "what is recorded under a name belongs to one operation, and a replay could not \
                         tell which",
                        "give the other operation a name that was never used, or keep this one's",
                    );
                }
            }
        }
    }
}
