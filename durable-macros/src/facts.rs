//! What was read from a body: the step graph with spans, and the facts that the rules judge.

use std::ops::Range;

use proc_macro2::{Ident, Span, TokenStream};
use syn::{Attribute, Expr, ExprLit, Lit, LitStr, Path, Type};

use crate::syntax::cfgs::are_exclusive;

/// Everything read from one body.
#[derive(Default)]
pub(crate) struct Body {
    /// What the body calls its context.
    pub(crate) context: String,
    /// The durable operations, in program order.
    pub(crate) operations: Vec<Operation>,
    /// How they nest.
    pub(crate) nodes: Vec<Node>,
    /// Locals that are the context under another name.
    pub(crate) aliases: Vec<Ident>,
    /// Uses of the context that are not calls on it.
    pub(crate) uses: Vec<ContextUse>,
    /// Every `.await` outside a step body.
    pub(crate) awaits: Vec<Await>,
    /// Every path that is named outside a step body, with aliases resolved.
    pub(crate) paths: Vec<PathUse>,
    /// Macros that the parser does not know, outside a step body.
    pub(crate) macros: Vec<MacroUse>,
    /// Uses of `durable::nondeterministic!`.
    pub(crate) escapes: Vec<Escape>,
    /// Methods that are judged by what they are called on: `ctx.now().elapsed()`.
    pub(crate) methods: Vec<(Ident, MethodUse)>,
    /// Loops that can only go round and round.
    pub(crate) spinning: Vec<Span>,
    /// Options that are set on an operation in a local, and not where it is built.
    pub(crate) late_options: Vec<Ident>,
    /// Locals that hold operations and are never mentioned again, and whether it is one operation.
    pub(crate) forgotten: Vec<(Ident, bool)>,
    /// Combinators that nobody awaits: `durable::join_all(..);`.
    pub(crate) dropped_combinators: Vec<Ident>,
    /// Text that a step gives as it stands in the source.
    pub(crate) literals: Vec<LitStr>,
    /// The types of application state that the workflow and its steps read.
    pub(crate) states: Vec<Type>,
    /// How many facts were noted.
    noted: usize,
}

/// A call on the context that makes a durable operation.
pub(crate) struct Operation {
    pub(crate) kind: Kind,
    /// The method's name as written.
    pub(crate) method: Ident,
    pub(crate) name: Name,
    /// Whether it has fewer arguments than it takes, as while it is typed.
    pub(crate) is_short: bool,
    /// The type in its turbofish.
    pub(crate) generic: Option<Type>,
    /// The fragment that is called in it, if it is a scope.
    pub(crate) fragment: Option<Path>,
    /// The `cfg`s that it is under.
    pub(crate) cfgs: Vec<Attribute>,
    /// The options of its builder, in order.
    pub(crate) options: Vec<Choice>,
    pub(crate) place: Place,
    pub(crate) fate: Fate,
    pub(crate) order: usize,
}

/// What an operation is.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    Step,
    Sleep,
    Signal,
    Child,
    Scope,
}

/// What an operation is called.
pub(crate) enum Name {
    Literal(LitStr),
    Computed(Box<Expr>),
    Missing,
}

/// An option of an operation's builder: `.retry(..)`.
pub(crate) struct Choice {
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
    Escape,
}

impl Place {
    /// Whether clocks, I/O and awaits are free to be used here.
    pub(crate) fn is_unjudged(self) -> bool {
        matches!(self, Self::StepBody | Self::Escape)
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
    pub(crate) fn of_a_part(self) -> Self {
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
        /// Whether it says how it ends, or is left by `break` or `return`.
        ends: bool,
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

/// A mention of the context that is not a call on it.
pub(crate) struct ContextUse {
    pub(crate) ident: Ident,
    pub(crate) how: How,
    pub(crate) place: Place,
    pub(crate) order: usize,
}

/// What is done with the context.
#[derive(Clone, PartialEq, Eq)]
pub(crate) enum How {
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

/// An `.await`, or what a combinator awaits.
pub(crate) struct Await {
    /// The smallest tokens that say so.
    pub(crate) at: TokenStream,
    /// What is awaited, as text, if it is not durable.
    pub(crate) foreign: Option<String>,
    /// The order of the facts in what is awaited.
    pub(crate) base: Range<usize>,
}

/// A path that is named.
pub(crate) struct PathUse {
    pub(crate) path: Path,
    /// Its segments, with an alias from a `use` in the body resolved.
    pub(crate) segments: Vec<String>,
    /// How many generic arguments its last segment has.
    pub(crate) generics: usize,
    pub(crate) order: usize,
    /// The order of the facts in its arguments, if it is called.
    pub(crate) args: Range<usize>,
}

/// What a method does that gives another answer on a replay.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum MethodUse {
    /// Reads the clock.
    Clock,
    /// Asks the file system.
    File,
    /// Asks the network.
    Network,
    /// Uses what is shared by all runs of this process.
    Global,
}

/// `durable::nondeterministic!(reason, value)`.
pub(crate) struct Escape {
    pub(crate) path: Path,
    pub(crate) reason: Option<Expr>,
    /// How many values follow the reason.
    pub(crate) values: usize,
}

/// A macro that the parser cannot look into.
pub(crate) struct MacroUse {
    pub(crate) path: Path,
    /// The path's segments, with an alias from a `use` in the body resolved.
    pub(crate) segments: Vec<String>,
    /// The first mention of the context or of an await in it.
    pub(crate) mention: Option<Ident>,
}

impl Body {
    /// Nothing yet, of a body that calls its context so.
    pub(crate) fn of(context: String) -> Self {
        Self {
            context,
            ..Self::default()
        }
    }

    /// Forgets which fragment is called where that is the fn itself: what is built from it would have no
    /// end.
    pub(crate) fn cut_recursion(&mut self, owner: &Ident) {
        for operation in &mut self.operations {
            operation
                .fragment
                .take_if(|fragment| fragment.is_ident(owner));
        }
    }

    /// The place of a fact in the order in which they are noted: what is in an expression is noted
    /// while that is read.
    pub(crate) fn next_order(&mut self) -> usize {
        self.noted += 1;
        self.noted
    }
}

impl Operation {
    /// The literal it is named by, if it is.
    pub(crate) fn literal(&self) -> Option<&LitStr> {
        match &self.name {
            Name::Literal(name) => Some(name),
            Name::Computed(_) | Name::Missing => None,
        }
    }

    /// Whether the two are never compiled together.
    pub(crate) fn excludes(&self, other: &Self) -> bool {
        are_exclusive(&self.cfgs, &other.cfgs)
    }

    /// The options with this name.
    pub(crate) fn choices<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a Choice> {
        self.options
            .iter()
            .filter(move |choice| choice.name == name)
    }

    /// How it is written, without its arguments.
    pub(crate) fn sketch(&self, context: &str) -> String {
        match self.kind {
            Kind::Scope => format!("bill({context}.scope(..), ..)"),
            _ => format!("{context}.{}(..)", self.method),
        }
    }

    /// The fn that compensates it.
    pub(crate) fn compensation(&self) -> Option<&Path> {
        self.choices("compensate").next()?.path()
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

impl Choice {
    /// Its argument, if that is a path.
    pub(crate) fn path(&self) -> Option<&Path> {
        match self.args.first()? {
            Expr::Path(path) => Some(&path.path),
            _ => None,
        }
    }

    /// Its argument, if that is a string literal.
    pub(crate) fn literal(&self) -> Option<&LitStr> {
        match self.args.first()? {
            Expr::Lit(ExprLit {
                lit: Lit::Str(text),
                ..
            }) => Some(text),
            _ => None,
        }
    }
}

impl Kind {
    /// How many arguments the method takes that makes it.
    pub(crate) fn arity(self) -> usize {
        match self {
            Self::Step | Self::Sleep | Self::Child => 2,
            Self::Signal | Self::Scope => 1,
        }
    }

    /// What a message calls it.
    pub(crate) fn noun(self) -> &'static str {
        match self {
            Self::Step => "step",
            Self::Sleep => "sleep",
            Self::Signal => "signal",
            Self::Child => "child",
            Self::Scope => "fragment",
        }
    }
}
