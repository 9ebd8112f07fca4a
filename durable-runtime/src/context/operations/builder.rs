//! What the builders share.
//!
//! Options with a bound (`compensate`) are written out in each builder: a message of the compiler shows the fn
//! that asks for the bound, and a user reads it.

use super::{Wait, wait::Decode};
use crate::{
    context::Ctx,
    journal::{Payload, PayloadError},
    replay::{OperationIndex, Work},
};

/// A builder of an operation that is waited for: all but what it asks for is the same for each.
pub(super) struct Waiting<'c, W, T> {
    ctx: &'c Ctx,
    index: OperationIndex,
    /// What it asks for, as far as it is set.
    pub(super) work: W,
    decode: Decode<T>,
}

impl<'c, W: Work, T> Waiting<'c, W, T> {
    pub(super) fn new(
        ctx: &'c Ctx,
        index: OperationIndex,
        work: W,
        decode: fn(&Payload) -> Result<T, PayloadError>,
    ) -> Self {
        Self {
            ctx,
            index,
            work,
            decode,
        }
    }

    pub(super) fn wait(self) -> Wait<'c, T> {
        Wait::new(self.ctx, self.index, Box::new(self.work), self.decode)
    }
}

/// Has a builder that holds a [`Waiting`] be awaited: what it gives is said in parentheses.
macro_rules! awaited {
    ($builder:ident<$c:lifetime $(, $T:ident)?>($output:ty)) => {
        impl<$c $(, $T)?> std::future::IntoFuture for $builder<$c $(, $T)?> {
            type Output = Result<$output, crate::failure::Failure>;
            type IntoFuture = super::Wait<$c, $output>;

            fn into_future(self) -> Self::IntoFuture {
                self.0.wait()
            }
        }
    };
}

/// The option `was`. The graph has what it says, so there is nothing to keep.
macro_rules! option_was {
    () => {
        /// Declares a name that the operation had before. What is recorded under it belongs to this one: runs
        /// that began before the rename go on. Over several renames, the oldest name comes first.
        pub fn was(self, name: &'static str) -> Self {
            let _ = name;
            self
        }
    };
}

pub(super) use {awaited, option_was};
