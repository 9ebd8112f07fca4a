//! The operations of a context, a row for each: everything that the attributes know of one by its kind.
//!
//! Whatever reads, judges, draws or emits an operation goes by the properties in its row, so a new operation
//! is a new row, and a rule of its own only where it is like no other. A property that no operation has had
//! is a field, with its value for all the others in [`PLAIN`].

use proc_macro2::Ident;

/// A kind of operation.
#[derive(Debug)]
pub(crate) struct OperationKind {
    /// The methods of the context that make it.
    methods: &'static [&'static str],
    /// Its word in the text of a graph, and what its name is the name of.
    pub(crate) word: &'static str,
    /// What a message calls it.
    pub(crate) noun: &'static str,
    /// How many arguments its methods take.
    pub(crate) arity: usize,
    /// The argument that is the body of a step, counted from 0: it runs apart from the workflow, and is free.
    pub(crate) body: Option<usize>,
    /// The type in its turbofish.
    pub(crate) carries: Carries,
    /// The options of its builder.
    pub(crate) options: &'static [&'static str],
    /// Options that others have, with words of its own for why it has not.
    pub(crate) lacks: &'static [LackingOption],
    /// What to write when nobody awaits it, if that is not what is said of all.
    pub(crate) unawaited: Option<&'static str>,
}

/// The type in the turbofish of an operation.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Carries {
    Nothing,
    /// The type of a value from outside: it must be named, and its sender is checked against it.
    Payload,
    /// The workflow that is started.
    Workflow,
    /// None: the operation stands for those of the fragment that it is handed to.
    Fragment,
}

/// An option that an operation does not have. In what to write instead, `{context}` is the context and
/// `{operation}` the operation.
#[derive(Debug)]
pub(crate) struct LackingOption {
    pub(crate) option: &'static str,
    pub(crate) why: &'static str,
    pub(crate) instead: Option<&'static str>,
}

/// Every property as most operations have it.
const PLAIN: OperationKind = OperationKind {
    methods: &[],
    word: "",
    noun: "",
    arity: 2,
    body: None,
    carries: Carries::Nothing,
    options: &["was"],
    lacks: &[],
    unawaited: None,
};

static OPERATIONS: [OperationKind; 5] = [
    OperationKind {
        methods: &["step"],
        word: "step",
        noun: "step",
        body: Some(1),
        options: &["retry", "timeout", "compensate", "was"],
        ..PLAIN
    },
    OperationKind {
        methods: &["sleep", "sleep_until"],
        word: "sleep",
        noun: "sleep",
        lacks: &[
            RETRY_OF_A_WAIT,
            COMPENSATE_OF_A_WAIT,
            LackingOption {
                option: "timeout",
                why: "a sleep ends by itself, at a recorded time",
                instead: None,
            },
        ],
        ..PLAIN
    },
    OperationKind {
        methods: &["signal"],
        word: "signal",
        noun: "signal",
        arity: 1,
        carries: Carries::Payload,
        options: &["timeout", "was"],
        lacks: &[RETRY_OF_A_WAIT, COMPENSATE_OF_A_WAIT],
        ..PLAIN
    },
    OperationKind {
        methods: &["child"],
        word: "child",
        noun: "child",
        carries: Carries::Workflow,
        options: &["compensate", "was"],
        lacks: &[
            LackingOption {
                option: "retry",
                why: LIMIT_OF_A_CHILD,
                instead: Some(
                    "`.retry(..)` on the child's steps; or, for another run, a loop around the child",
                ),
            },
            LackingOption {
                option: "timeout",
                why: LIMIT_OF_A_CHILD,
                instead: Some(
                    "`durable::race! { done = {operation} => .., _ = {context}.sleep(\"a_name\", duration) \
                     => .. }`: a child that loses is canceled",
                ),
            },
        ],
        unawaited: Some(
            "add `.await?`; to run it beside others, hand it to `durable::join!`; to start a run and not wait \
             for it, start it in a step with a client: `client.start::<order>(id, input).await?`",
        ),
        ..PLAIN
    },
    OperationKind {
        methods: &["scope"],
        word: "scope",
        noun: "fragment",
        arity: 1,
        carries: Carries::Fragment,
        options: &[],
        ..PLAIN
    },
];

const RETRY_OF_A_WAIT: LackingOption = LackingOption {
    option: "retry",
    why: "a wait does nothing that could be done again",
    instead: None,
};

const COMPENSATE_OF_A_WAIT: LackingOption = LackingOption {
    option: "compensate",
    why: "waiting has no effect that a rollback could undo",
    instead: Some("put `.compensate(..)` on the step or child whose effect is to be undone"),
};

const LIMIT_OF_A_CHILD: &str = "a child is a run of its own: what is retried in it, and how long it may \
                                take, is said in its steps";

/// Methods of the context that give a value at once.
const QUERIES: [&str; 6] = ["is_replaying", "now", "random", "run_id", "state", "uuid"];

/// The kind of operation that a method of the context makes, if it makes one.
pub(crate) fn made_by(method: &Ident) -> Option<&'static OperationKind> {
    let method = method.to_string();
    OPERATIONS
        .iter()
        .find(|kind| kind.methods.contains(&&*method))
}

/// Whether a method of the context asks it for a value, and makes no operation.
pub(crate) fn is_query(method: &Ident) -> bool {
    QUERIES.contains(&&*method.to_string())
}

/// Whether a method sets an option of some operation.
pub(crate) fn is_option(method: &Ident) -> bool {
    let method = method.to_string();
    OPERATIONS
        .iter()
        .any(|kind| kind.options.contains(&&*method))
}

impl OperationKind {
    /// Whether its steps are those of a fragment.
    pub(crate) fn is_scope(&self) -> bool {
        self.carries == Carries::Fragment
    }

    /// Whether this is an option that only other operations have. One that none has is left to the compiler,
    /// which knows names that are close to it; so is a scope, which has none and is nothing by itself.
    pub(crate) fn lacks_option(&self, option: &Ident) -> bool {
        !self.is_scope() && is_option(option) && !self.options.contains(&&*option.to_string())
    }
}

/// The methods of a `Result`, as an operation gives one once it is awaited.
const OF_RESULTS: [&str; 16] = [
    "and_then",
    "err",
    "expect",
    "expect_err",
    "inspect_err",
    "is_err",
    "is_ok",
    "map",
    "map_err",
    "ok",
    "or_else",
    "unwrap",
    "unwrap_err",
    "unwrap_or",
    "unwrap_or_default",
    "unwrap_or_else",
];

/// Whether this is called on a `Result`, and so on what an operation comes to.
pub(crate) fn is_of_result(method: &Ident) -> bool {
    OF_RESULTS.contains(&&*method.to_string())
}
