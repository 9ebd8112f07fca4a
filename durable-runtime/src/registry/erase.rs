//! User code with its types erased: what a definition and a compensator are made of.

use std::{future::Future, pin::Pin};

use super::{BodyFuture, Definition};
use crate::{
    context::{Compensation, Compensator, Ctx, Data, StepCtx, Told, Wiring, Workflow},
    failure::{Failure, FailureKind},
    graph::{Body, head},
    journal::{Payload, PayloadError},
    outcome::Outcome,
    replay::UndoRule,
};

impl Definition {
    /// The definition of a workflow.
    pub const fn of<W: Workflow>(file: &'static str, line: u32, wiring: Wiring) -> Self {
        Self {
            name: W::NAME,
            graph: W::GRAPH,
            file,
            line,
            input: reread::<W::Input>,
            body: start_body::<W>,
            wiring,
        }
    }
}

/// Defines a workflow that is written in this file.
pub fn define<W: Workflow>(file: &'static str) -> Definition {
    let (line, _) = head(W::__TEXT);
    let mut definition = Definition::of::<W>(file, line, W::__WIRING);
    // Read once for all; what is broken stays as it is, and is reported when it is registered.
    if let Ok(nodes) = definition.graph.body.read() {
        definition.graph.body = Body::of(nodes);
    }
    definition
}

pub(crate) fn reread<T: Data>(payload: &Payload) -> Result<Payload, PayloadError> {
    let (payload, _) = T::__decode(payload)?.__record()?;
    Ok(payload)
}

fn start_body<W: Workflow>(ctx: Ctx, input: &Payload) -> Result<BodyFuture, Failure> {
    let input = W::Input::__decode(input)
        .map_err(|error| Failure::new(FailureKind::Payload, error.to_string()))?;
    Ok(Box::pin(async move {
        let output = W::__run(&ctx, input)
            .await
            .map_err(|error| Failure::from_error(error, ""))?;
        let recorded = output.__record().map(|(output, _)| output);
        recorded.map_err(|error| Failure::unrecordable(&error))
    }))
}

impl Compensator {
    /// The compensation `C` of a step.
    pub const fn of<C: Compensation<T>, T: 'static>(step: &'static str, compensation: C) -> Self {
        std::mem::forget(compensation);
        Self {
            step,
            rule: UndoRule {
                name: C::NAME,
                check: |outcome| told::<C, T>(outcome).map(|told| told.is_some()),
                retry: C::__retry,
                timeout: C::__timeout,
            },
            call: compensate::<C, T>,
        }
    }
}

/// What the compensation takes, of what became of the step; `None` when it cannot take that.
fn told<C: Compensation<T>, T>(
    outcome: Outcome<&Payload>,
) -> Result<Option<C::__Told>, PayloadError> {
    Ok(C::__Told::__told(match outcome {
        Outcome::Completed(output) => Outcome::Completed(C::__Told::__read(output)?),
        Outcome::Unknown => Outcome::Unknown,
    }))
}

fn compensate<C: Compensation<T>, T: 'static>(
    step: StepCtx,
    outcome: Outcome<Payload>,
) -> Pin<Box<dyn Future<Output = Result<(), Failure>> + Send>> {
    Box::pin(async move {
        let unfit = |message: String| Failure::new(FailureKind::Payload, message);
        // Whether it can be given is checked before the attempt is recorded.
        let outcome = match outcome {
            Outcome::Completed(output) => {
                let output =
                    C::__Told::__read(&output).map_err(|error| unfit(error.to_string()))?;
                Outcome::Completed(output)
            }
            Outcome::Unknown => step
                .take_kept()
                .map_or(Outcome::Unknown, Outcome::Completed),
        };
        let told = C::__Told::__told(outcome)
            .ok_or_else(|| unfit("the step's outcome is unknown".to_owned()))?;
        C::__run(&step, told)
            .await
            .map_err(|error| Failure::from_error(error, ""))
    })
}
