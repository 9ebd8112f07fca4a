//! Drops: an operation that is built is awaited.

use proc_macro2::Ident;

use super::Rules;
use crate::{
    diagnostics::report,
    facts::{Fate, Operation, OptionCall, Place},
    operations::is_of_result,
};

const WHY: &str = "an operation does nothing until it is awaited: the run would go on without it";

const INSTEAD: &str = "add `.await?`; to run it beside others, hand it to `durable::join!`";

/// What is called on an operation before what can only be called on its result.
pub(super) fn options_before_result(operation: &Operation) -> &[OptionCall] {
    let mut options = operation.options.iter();
    let end = options.position(|option| is_of_result(&option.name));
    &operation.options[..end.unwrap_or(operation.options.len())]
}

impl Rules {
    pub(super) fn drop_of(&mut self, operation: &Operation) {
        let is_misplaced = !matches!(operation.place, Place::Body | Place::FanOut);
        // Of one that is short the compiler says which arguments there should be.
        if is_misplaced || operation.is_short {
            return;
        }
        let (noun, at) = (operation.kind.noun, &operation.method);
        let options = options_before_result(operation).len();
        if let Some(OptionCall { name, .. }) = operation.options.get(options) {
            return report!(
                self.found,
                name,
                "this {noun} is not awaited before `.{name}(..)`",
                "an operation has a result once it is awaited, and does nothing until then",
                "`.await.{name}(..)`",
            );
        }
        match operation.fate {
            Fate::Awaited | Fate::Branch | Fate::Used => {}
            Fate::Discarded => {
                let instead = operation.kind.unawaited.unwrap_or(INSTEAD);
                report!(
                    self.found,
                    at,
                    "this {noun} is not awaited",
                    "{WHY}",
                    "{instead}"
                );
            }
            Fate::Wildcard => {
                let sketch = operation.sketch(&self.context);
                report!(
                    self.found,
                    at,
                    "this {noun} is thrown away by `_`",
                    "{WHY}",
                    "`let _ = {sketch}.await;` if its result does not matter; to run it beside others, hand \
                     it to `durable::join!`",
                );
            }
        }
    }

    /// A combinator that nobody awaits: `durable::join_all(..);`.
    pub(crate) fn dropped_combinator(&mut self, name: &Ident) {
        report!(
            self.found,
            name,
            "`{name}` is not awaited",
            "{WHY}",
            "{INSTEAD}"
        );
    }

    /// A local that holds operations and is never mentioned again, and whether it is one operation.
    pub(crate) fn forgotten(&mut self, local: &Ident, is_one: bool) {
        let (what, instead) = match is_one {
            true => (
                format!("the operation in `{local}` is never awaited"),
                format!("`{local}.await?`, or hand it to `durable::join!`"),
            ),
            false => (
                format!("the operations in `{local}` are never awaited"),
                "await each of them, or hand them to `durable::join_all`".to_owned(),
            ),
        };
        report!(self.found, local, "{what}", "{WHY}", "{instead}");
    }
}
