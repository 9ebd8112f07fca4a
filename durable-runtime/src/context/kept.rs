//! Outputs that cannot be recorded, of steps that can be undone: the compensation gets what the step gave for
//! as long as the run is in the memory of the process that has it.

use std::{
    any::Any,
    collections::BTreeMap,
    fmt,
    sync::{Mutex, MutexGuard, PoisonError},
};

use crate::journal::StepId;

type Outputs = BTreeMap<StepId, Box<dyn Any + Send>>;

/// The outputs of one run that are in memory alone.
#[derive(Default)]
pub(crate) struct Kept(Mutex<Outputs>);

impl Kept {
    fn lock(&self) -> MutexGuard<'_, Outputs> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn keep<T: Send + 'static>(&self, step: StepId, output: T) {
        self.lock().insert(step, Box::new(output));
    }

    /// Gives it out, once: a value need not be one that can be copied.
    pub(super) fn take<T: 'static>(&self, step: &StepId) -> Option<T> {
        let output = self.lock().remove(step)?;
        output.downcast().ok().map(|output| *output)
    }
}

impl fmt::Debug for Kept {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Kept({} outputs)", self.lock().len())
    }
}
