//! What is known of values without their types.

use std::ops::BitOr;

/// What a local holds.
#[derive(Clone, Copy, PartialEq, Eq, Default)]
pub(super) enum Holds {
    /// Data, or nobody knows.
    #[default]
    Other,
    /// The context under another name, which is reported where it gets it.
    Alias,
    /// An operation that has not been awaited.
    Operation,
    /// What operations can be taken out of: a list, an iterator, an option.
    Operations,
    /// What `ctx.scope(..)` gave.
    Scope,
    /// What `ctx.now()` gave.
    Time,
    /// A path of the file system.
    Path,
    /// A closure that uses the context.
    Capture,
    /// An `async` block or closure of the body, whose awaits are judged where they are written.
    Judged,
    /// What a step body is called with.
    Step,
}

impl Holds {
    /// Whether something durable can be awaited that comes out of it, or that was said of it already.
    pub(super) fn is_awaitable(self) -> bool {
        matches!(
            self,
            Self::Alias | Self::Operation | Self::Operations | Self::Judged
        )
    }
}

/// What comes out of an expression, at whatever depth it was met, and was not awaited there.
#[derive(Clone, Copy, Default)]
pub(super) struct Met {
    pub(super) operations: bool,
    /// `async` blocks, whose awaits are judged one by one.
    pub(super) blocks: bool,
    /// The context, also where it is awaited.
    pub(super) context: bool,
}

impl Met {
    /// What is left where all that was met has run.
    pub(super) fn awaited(self) -> Self {
        Self {
            context: self.context,
            ..Self::default()
        }
    }
}

impl BitOr for Met {
    type Output = Self;

    fn bitor(self, other: Self) -> Self {
        Self {
            operations: self.operations || other.operations,
            blocks: self.blocks || other.blocks,
            context: self.context || other.context,
        }
    }
}

/// What the value of an expression is.
#[derive(Default)]
pub(super) struct Value {
    /// What a local holds that is bound to it, if that is not to be told from what was met in it.
    pub(super) holds: Option<Holds>,
    /// Whether awaiting it is the engine's business, or a mistake that another rule reports.
    pub(super) is_durable: bool,
    /// The parts of a tuple.
    pub(super) parts: Vec<Self>,
    /// What was met in it.
    pub(super) met: Met,
    /// What was met in its arguments, if it is a method call.
    pub(super) args: Met,
}

impl Value {
    /// A value that a local holds as this.
    pub(super) fn holding(holds: Holds) -> Self {
        Self {
            holds: Some(holds),
            is_durable: holds.is_awaitable(),
            ..Self::default()
        }
    }

    /// A value of which nothing is known but whether it may be awaited.
    pub(super) fn durable(is_durable: bool) -> Self {
        Self {
            is_durable,
            ..Self::default()
        }
    }

    /// A value that has these parts.
    pub(super) fn made_of(parts: Vec<Self>) -> Self {
        Self {
            parts,
            ..Self::default()
        }
    }

    /// The same value behind a reference.
    pub(super) fn referenced(self) -> Self {
        let is_seen_through =
            |holds: &Holds| matches!(holds, Holds::Scope | Holds::Time | Holds::Path);
        let holds = match self.has_context() {
            true => Some(Holds::Alias),
            false => self.holds.filter(is_seen_through),
        };
        Self {
            holds,
            ..Self::default()
        }
    }

    /// Whether this is it, or a part of it is.
    fn has(&self, holds: Holds) -> bool {
        self.holds == Some(holds) || self.parts.iter().any(|part| part.has(holds))
    }

    /// Whether the context is this value or a part of it.
    pub(super) fn has_context(&self) -> bool {
        self.has(Holds::Alias)
    }

    /// Whether it is an operation, or has one among its parts.
    pub(super) fn has_operation(&self) -> bool {
        self.has(Holds::Operation)
    }

    /// What a local holds that is bound to it.
    pub(super) fn holds(&self) -> Holds {
        match self.holds {
            Some(holds) => holds,
            None if self.met.operations => Holds::Operations,
            None => Holds::Other,
        }
    }

    /// Whether something comes out of it that can be awaited.
    pub(super) fn yields_futures(&self) -> bool {
        self.met.operations || self.met.blocks
    }

    /// Whether whoever is handed this is reported: it is the context, or a scope.
    pub(super) fn is_handed_on(&self) -> bool {
        self.has_context() || self.holds == Some(Holds::Scope)
    }
}
