//! A fixed number of branches of different types.

use std::task::Context;

use super::{Branch, children::Group};

/// A fixed number of branches of different types.
pub trait Branches: Group + Unpin {
    /// How many.
    const COUNT: usize;
    /// All outputs.
    type Outputs;
    /// Each output, if the branch has completed.
    type Some;
    /// All outputs, once every branch has completed.
    fn outputs(&mut self) -> Option<Self::Outputs>;
    /// The outputs there are.
    fn some(&mut self) -> Self::Some;
}

/// Branches that may fail with one type of error.
#[diagnostic::on_unimplemented(
    message = "the branches of `durable::try_join!` must give a `Result` each, with one type of error",
    label = "a branch gives no `Result`, or one with another type of error",
    note = "why: it gives the first failure, whichever branch that is of",
    note = "instead: `durable::join!`, which gives each result; or errors that the branches convert \
            into one type"
)]
pub trait TryBranches: Branches {
    /// All values.
    type Values;
    /// The error.
    type Error;
    /// Whether this branch has failed.
    fn has_failed(&self, branch: usize) -> bool;
    /// All values, or the first branch's error in order of the branches.
    fn values(&mut self) -> Option<Result<Self::Values, Self::Error>>;
}

macro_rules! branches {
    ($count:literal: $($index:tt $branch:lifetime $output:ident),+) => {
        // A lifetime for each branch: the compiler must be able to see them apart across an await.
        impl<$($branch,)+ $($output),+> Group for ($(Branch<$branch, $output>,)+) {
            fn poll(&mut self, branch: usize, cx: &mut Context<'_>) -> bool {
                match branch {
                    $($index => self.$index.poll(cx),)+
                    _ => false,
                }
            }

            fn let_go(&mut self, branch: usize, cx: &mut Context<'_>) -> bool {
                match branch {
                    $($index => self.$index.let_go(cx),)+
                    _ => false,
                }
            }
        }

        impl<$($branch,)+ $($output),+> Branches for ($(Branch<$branch, $output>,)+) {
            const COUNT: usize = $count;
            type Outputs = ($($output,)+);
            type Some = ($(Option<$output>,)+);

            fn outputs(&mut self) -> Option<Self::Outputs> {
                Some(($(self.$index.take()?,)+))
            }

            fn some(&mut self) -> Self::Some {
                ($(self.$index.take(),)+)
            }
        }

        impl<$($branch,)+ E, $($output),+> TryBranches
            for ($(Branch<$branch, Result<$output, E>>,)+)
        {
            type Values = ($($output,)+);
            type Error = E;

            fn has_failed(&self, branch: usize) -> bool {
                match branch {
                    $($index => self.$index.peek().is_some_and(Result::is_err),)+
                    _ => false,
                }
            }

            fn values(&mut self) -> Option<Result<Self::Values, E>> {
                $(if self.has_failed($index) {
                    return self.$index.take()?.err().map(Err);
                })+
                Some(Ok(($(self.$index.take()?.ok()?,)+)))
            }
        }
    };
}

branches!(1: 0 'a A);
branches!(2: 0 'a A, 1 'b B);
branches!(3: 0 'a A, 1 'b B, 2 'c C);
branches!(4: 0 'a A, 1 'b B, 2 'c C, 3 'd D);
branches!(5: 0 'a A, 1 'b B, 2 'c C, 3 'd D, 4 'f F);
branches!(6: 0 'a A, 1 'b B, 2 'c C, 3 'd D, 4 'f F, 5 'g G);
branches!(7: 0 'a A, 1 'b B, 2 'c C, 3 'd D, 4 'f F, 5 'g G, 6 'h H);
branches!(8: 0 'a A, 1 'b B, 2 'c C, 3 'd D, 4 'f F, 5 'g G, 6 'h H, 7 'i I);
