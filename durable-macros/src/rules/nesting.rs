//! Nesting: durable operations belong to the body itself, or to a branch of a combinator.

use proc_macro2::Ident;

use super::Rules;
use crate::{
    diagnostics::report,
    facts::{ContextUsage, Operation, Place},
};

const BODY_IS_SKIPPED: &str = "the body does not run on a replay, so what it asks of the workflow \
    would be missing there, and later answers would shift";

const WHOEVER_POLLS: &str = "whoever polls the block decides when it goes on, and may decide otherwise on a \
    replay";

impl Rules {
    pub(super) fn nesting_of(&mut self, operation: &Operation) {
        let [inside, why, instead] = match operation.place {
            Place::Body | Place::FanOut | Place::Reported => return,
            Place::StepBody => [
                "the body of a step",
                "a step is recorded as a whole and its body does not run again on a replay, so nothing \
                 durable can happen inside it",
                "end the step first, and give its result to what follows: `let first = \
                 {context}.step(..).await?; {operation}.await?`",
            ],
            Place::Closure => [
                "a closure",
                "how often a closure runs, and when, is its caller's affair, and the step graph must \
                 know it",
                "an `if` or a `for` loop; or, for all at once, `durable::join_all(items.iter().map(|item| \
                 {operation}))`",
            ],
            Place::Async => [
                "an `async` block",
                WHOEVER_POLLS,
                "write it in the body; or hand the block itself to a combinator: `durable::join!(async { .. \
                 }, ..)`, `durable::join_all(items.iter().map(|item| async move { .. }))`",
            ],
            Place::Hatch => [
                "`nondeterministic!`",
                "what is in there is not judged, and a durable operation must be",
                "take it out, and use its result in there",
            ],
        };
        let (noun, method) = (operation.kind.noun, &operation.method);
        let instead = self.filled_for(operation, instead);
        report!(
            self.found,
            method,
            "a {noun} inside {inside}",
            "{why}",
            "{instead}"
        );
    }

    pub(super) fn nesting_of_context(&mut self, name: &Ident, usage: &ContextUsage, place: Place) {
        let [what, why, instead] = match (usage, place) {
            (ContextUsage::Captured, _) => [
                "uses the context, and is used inside the body of a step",
                BODY_IS_SKIPPED,
                "call it before the step, and use what it gives in the body",
            ],
            (ContextUsage::Asked, Place::StepBody) => [
                "inside the body of a step",
                BODY_IS_SKIPPED,
                "ask before the step (`let now = {context}.now();`), or ask the step itself: `|step| .. \
                 step.state::<App>() ..`",
            ],
            (ContextUsage::Asked, Place::Async) => [
                "inside an `async` block",
                WHOEVER_POLLS,
                "ask before the block; or hand the block itself to a combinator: `durable::join!(async { .. \
                 }, ..)`",
            ],
            // A closure of the body runs in the body's own order, so what it asks is the same on a replay.
            _ => return,
        };
        let instead = self.filled(instead);
        report!(self.found, name, "`{name}` {what}", "{why}", "{instead}");
    }
}
