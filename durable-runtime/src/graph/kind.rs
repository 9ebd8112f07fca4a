//! The kinds of operations. A row says all that the graph, its text and a lock know of a kind; how it looks is a
//! row of `draw/look`.

/// What is known of a kind.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct KindRow {
    /// What messages call it, and its word in the text of a graph and in a lock: it stays for ever.
    pub(super) noun: &'static str,
    /// What is written after it of a type, if anything is.
    pub(super) subject: Option<Subject>,
    /// Whether signals of its name are for it.
    pub(super) takes_signals: bool,
}

/// What the type that is written of an operation means to runs in flight.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Subject {
    /// What the operation does with it, and did before it was another one.
    pub(super) does: &'static str,
    pub(super) did: &'static str,
    /// What to do when it is another one now.
    pub(super) advice: &'static str,
    /// Whether it is a workflow, which is the same one under a new name that declares the old one.
    pub(super) is_workflow: bool,
}

macro_rules! optional {
    () => {
        None
    };
    ($value:expr) => {
        Some($value)
    };
}

/// Makes the enum, and what leads from a kind to its row and back, of the rows.
macro_rules! operation_kinds {
    ($(
        $(#[$doc:meta])*
        $kind:ident $({ $(#[$of_doc:meta])* $of:ident => $subject:expr })?
            => { $($column:ident: $value:expr),+ $(,)? }
    )+) => {
        /// What an operation is.
        #[derive(Debug, Clone, Copy, PartialEq, Eq)]
        #[non_exhaustive]
        pub enum OperationKind {
            $($(#[$doc])* $kind $({ $(#[$of_doc])* $of: &'static str })?,)+
        }

        impl OperationKind {
            /// All kinds, in the order of their rows.
            pub(super) const ALL: &[Self] = &[$(Self::$kind $({ $of: "" })?),+];

            pub(super) fn row(self) -> &'static KindRow {
                match self {
                    $(Self::$kind $({ $of: _ })? => &KindRow {
                        subject: optional!($($subject)?),
                        $($column: $value),+
                    },)+
                }
            }

            /// The type that is written of it.
            pub(super) fn subject(self) -> Option<&'static str> {
                match self {
                    $(Self::$kind $({ $of })? => optional!($($of)?),)+
                }
            }

            /// The same kind with another type, if it has one.
            pub(super) fn with(self, subject: &'static str) -> Self {
                match self {
                    $(Self::$kind $({ $of: _ })? => Self::$kind $({ $of: subject })?,)+
                }
            }
        }
    };
}

operation_kinds! {
    /// A step.
    Step => {
        noun: "step",
        takes_signals: false,
    }
    /// A sleep for a duration or until an instant.
    Sleep => {
        noun: "sleep",
        takes_signals: false,
    }
    /// A wait for a signal.
    Signal {
        /// The payload's type as written.
        payload => Subject {
            does: "carries a",
            did: "carried a",
            advice: "signals that were sent or recorded may not decode. Keep the type and let it read old \
                     values, for example with `#[serde(default)]`, or wait for a signal of another name",
            is_workflow: false,
        }
    } => {
        noun: "signal",
        takes_signals: true,
    }
    /// A child run.
    Child {
        /// The child's workflow type as written.
        workflow => Subject {
            does: "runs",
            did: "ran",
            advice: "children in flight give back the results of the old workflow. Start the other one \
                     under another name",
            is_workflow: true,
        }
    } => {
        noun: "child",
        takes_signals: false,
    }
}

impl OperationKind {
    /// What a message calls it.
    pub(crate) fn noun(self) -> &'static str {
        self.row().noun
    }

    /// Whether signals of its name are for it.
    pub(crate) fn takes_signals(self) -> bool {
        self.row().takes_signals
    }

    /// The kind of this word.
    pub(super) fn of_noun(noun: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|kind| kind.noun() == noun)
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;
    use crate::journal::{EventKind, Owner};

    #[test]
    fn every_kind_of_operation_has_events_and_no_other_has() {
        let owners = EventKind::OWNERS.iter().map(|owner| match owner {
            Owner::Operation(nouns) => *nouns,
            _ => &[],
        });
        let of_events: BTreeSet<_> = owners.flatten().copied().collect();
        let kinds: BTreeSet<_> = OperationKind::ALL.iter().map(|kind| kind.noun()).collect();
        assert_eq!(of_events, kinds);
    }
}
