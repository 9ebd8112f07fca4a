//! What a compensation is told of the step that it undoes.

/// What became of a step that is undone: what a compensation is told that takes it in place of the
/// step's output.
///
/// ```
/// # use durable_runtime as durable;
/// use durable::Outcome;
///
/// fn to_refund(payment: Outcome<String>) -> String {
///     match payment {
///         Outcome::Completed(id) => format!("payment {id}"),
///         // Ask the other side, by the key that the step handed to it.
///         Outcome::Unknown => "whatever was paid under this key".to_owned(),
///     }
/// }
///
/// assert_eq!(to_refund(Outcome::Completed("7".into())), "payment 7");
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Outcome<T> {
    /// It completed, and gave this.
    Completed(T),
    /// An attempt was cut off: by a crash, by its timeout, by a panic, or because the run was canceled or
    /// nobody waited for it any more. Or its output could not be recorded. Its effect may have happened,
    /// and may not.
    Unknown,
}

impl<T> Outcome<T> {
    /// What the step gave, if that is known.
    pub fn completed(self) -> Option<T> {
        match self {
            Self::Completed(output) => Some(output),
            Self::Unknown => None,
        }
    }

    /// The same with another value in place of what the step gave.
    pub(crate) fn map<U>(self, f: impl FnOnce(T) -> U) -> Outcome<U> {
        match self {
            Self::Completed(output) => Outcome::Completed(f(output)),
            Self::Unknown => Outcome::Unknown,
        }
    }

    /// The same by reference.
    pub(crate) fn as_ref(&self) -> Outcome<&T> {
        match self {
            Self::Completed(output) => Outcome::Completed(output),
            Self::Unknown => Outcome::Unknown,
        }
    }
}
