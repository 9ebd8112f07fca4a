//! What was read from a body: its operations, how they nest, and what becomes of the names in it.

use std::collections::{BTreeMap, BTreeSet};

use proc_macro2::{Ident, Span, TokenStream};
use quote::quote;
use syn::{Attribute, Expr, LitStr, Macro, Path, Type};

use crate::{
    names::{flaw, variant},
    operations::OperationKind,
    syntax::{cfgs::are_exclusive, expressions::string},
};

/// Everything read from one body.
#[derive(Default)]
pub(crate) struct BodyFacts {
    /// The durable operations, in program order.
    pub(crate) operations: Vec<Operation>,
    /// How they nest.
    pub(crate) nodes: Vec<Node>,
    /// The types of application state that the workflow and its steps read.
    pub(crate) states: Vec<Type>,
    /// What expressions become, by their place in the syntax tree.
    pub(crate) rewrites: BTreeMap<*const Expr, Rewrite>,
    /// The combinators of ours, by their place in the syntax tree.
    pub(crate) combinators: BTreeSet<*const Macro>,
}

/// What an expression becomes.
#[derive(Clone, Copy)]
pub(crate) enum Rewrite {
    /// A name: the key of its operation.
    Key,
    /// The same of a fragment's call.
    ScopeKey,
    /// A name that is no literal, and may name a key that is not there: nothing.
    NoKey,
    /// A fn that is named in `.compensate(..)`: the value of the same name.
    Compensation,
    /// What `durable::join_all` is given: what only that takes.
    Branches,
}

/// A call on the context that makes a durable operation.
pub(crate) struct Operation {
    pub(crate) kind: &'static OperationKind,
    /// The method's name as written.
    pub(crate) method: Ident,
    pub(crate) name: OperationName,
    /// Whether it has fewer arguments than it takes, as while it is typed.
    pub(crate) is_short: bool,
    /// The type in its turbofish.
    pub(crate) generic: Option<Type>,
    /// The fragment that is called in it, if it is a scope.
    pub(crate) fragment: Option<Path>,
    /// The `cfg`s that it is under.
    pub(crate) cfgs: Vec<Attribute>,
    /// The options of its builder, in order.
    pub(crate) options: Vec<OptionCall>,
    pub(crate) place: Place,
    pub(crate) fate: Fate,
}

/// What an operation is called.
pub(crate) enum OperationName {
    Literal(LitStr),
    Computed(Box<Expr>),
    Missing,
}

/// An option of an operation's builder: `.retry(..)`.
pub(crate) struct OptionCall {
    pub(crate) name: Ident,
    pub(crate) args: Vec<Expr>,
}

/// Where in the body something is written.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Place {
    /// In the body itself.
    Body,
    /// In the closure of a step.
    StepBody,
    /// In a closure handed to `durable::join_all`, which calls it in order and at once.
    FanOut,
    /// In any other closure.
    Closure,
    /// In an `async` block that is neither awaited at once nor a branch of a combinator.
    Async,
    /// In `durable::nondeterministic!`.
    Hatch,
    /// In the arguments of a call that is reported: one report is enough.
    Reported,
}

impl Place {
    /// Whether clocks, I/O and awaits are free to be used here.
    pub(crate) fn is_unjudged(self) -> bool {
        matches!(self, Self::StepBody | Self::Hatch)
    }
}

/// What becomes of an operation.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Fate {
    Awaited,
    /// Given to a combinator.
    Branch,
    /// Bound, passed on or returned; what becomes of it then is not seen here.
    Used,
    /// A statement of its own, or the operand of `?`.
    Discarded,
    /// `let _ = ..`.
    Wildcard,
}

impl Fate {
    /// What becomes of the parts of a value of which this becomes.
    pub(crate) fn of_parts(self) -> Self {
        match self {
            Self::Discarded | Self::Wildcard => self,
            Self::Awaited | Self::Branch | Self::Used => Self::Used,
        }
    }
}

/// A part of the graph.
pub(crate) enum Node {
    /// An index into the body's operations.
    Operation(usize),
    Branch {
        condition: String,
        span: Span,
        arms: Vec<Arm>,
    },
    Loop {
        header: String,
        span: Span,
        body: Vec<Self>,
    },
    Parallel {
        kind: &'static str,
        span: Span,
        branches: Vec<Vec<Self>>,
    },
    /// Where the body is left for good.
    Exit,
}

/// One way through a branch.
pub(crate) struct Arm {
    pub(crate) label: String,
    pub(crate) body: Vec<Node>,
}

/// What is done with the context.
#[derive(PartialEq, Eq)]
pub(crate) enum ContextUsage {
    /// A query such as `ctx.now()`.
    Asked,
    /// Passed to this fn.
    Passed(String),
    /// Bound to another name or put into a value.
    Stored,
    Cloned,
    /// A local with this name, whose closure uses the context, is used in a step body.
    Captured,
    /// A scope that is not handed to a fragment at once.
    Scoped,
}

/// An operation whose name is well formed.
pub(crate) struct NamedOperation<'b> {
    pub(crate) operation: &'b Operation,
    pub(crate) name: &'b LitStr,
    /// What the name becomes in the step enum.
    pub(crate) variant: String,
    /// The first before it that becomes the same, and may be compiled together with it.
    pub(crate) clash: Option<(&'b Operation, &'b LitStr)>,
}

impl BodyFacts {
    /// The operations whose names are well formed.
    pub(crate) fn named_operations(&self) -> Vec<NamedOperation<'_>> {
        let mut all: Vec<NamedOperation<'_>> = Vec::new();
        for operation in &self.operations {
            let Some(name) = operation.literal() else {
                continue;
            };
            if flaw(&name.value()).is_some() {
                continue;
            }
            let variant = variant(&name.value());
            let clash = all
                .iter()
                .find(|before| before.variant == variant && !before.operation.excludes(operation));
            let clash = clash.map(|before| (before.operation, before.name));
            all.push(NamedOperation {
                operation,
                name,
                variant,
                clash,
            });
        }
        all
    }
}

impl NamedOperation<'_> {
    /// The `cfg`s that it is under.
    pub(crate) fn cfgs(&self) -> TokenStream {
        let cfgs = &self.operation.cfgs;
        quote!(#(#cfgs)*)
    }
}

impl Operation {
    /// The literal it is named by, if it is.
    pub(crate) fn literal(&self) -> Option<&LitStr> {
        match &self.name {
            OperationName::Literal(name) => Some(name),
            OperationName::Computed(_) | OperationName::Missing => None,
        }
    }

    /// Whether the two are never compiled together.
    pub(crate) fn excludes(&self, other: &Self) -> bool {
        are_exclusive(&self.cfgs, &other.cfgs)
    }

    /// The options with this name.
    pub(crate) fn options_named<'a>(
        &'a self,
        name: &'a str,
    ) -> impl Iterator<Item = &'a OptionCall> {
        self.options
            .iter()
            .filter(move |option| option.name == name)
    }

    /// How it is written, without its arguments.
    pub(crate) fn sketch(&self, context: &str) -> String {
        if self.kind.is_scope() {
            format!("bill({context}.scope(..), ..)")
        } else {
            format!("{context}.{}(..)", self.method)
        }
    }

    /// The fn that compensates it.
    pub(crate) fn compensation(&self) -> Option<&Path> {
        self.options_named("compensate").next()?.path()
    }
}

impl Node {
    /// Whether it is an operation or has one in it.
    pub(crate) fn holds_operation(&self) -> bool {
        match self {
            Self::Operation(_) => true,
            Self::Branch { arms, .. } => {
                let mut nodes = arms.iter().flat_map(|arm| &arm.body);
                nodes.any(Self::holds_operation)
            }
            Self::Loop { body, .. } => body.iter().any(Self::holds_operation),
            Self::Parallel { branches, .. } => branches.iter().flatten().any(Self::holds_operation),
            Self::Exit => false,
        }
    }
}

impl OptionCall {
    /// Its argument, if that is a path.
    pub(crate) fn path(&self) -> Option<&Path> {
        match self.args.first()? {
            Expr::Path(path) => Some(&path.path),
            _ => None,
        }
    }

    /// Its argument, if that is a string literal.
    pub(crate) fn literal(&self) -> Option<&LitStr> {
        string(self.args.first()?)
    }
}
