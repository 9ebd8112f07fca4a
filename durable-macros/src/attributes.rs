//! The attributes, a row for each.

use std::ops::RangeInclusive;

/// One of the attributes, and what it asks of the fn below it.
#[derive(Debug)]
pub(crate) struct AttributeKind {
    pub(crate) name: &'static str,
    /// What a message calls the fn.
    pub(crate) noun: &'static str,
    /// Its options, and how a list of them is written.
    pub(crate) options: &'static [(&'static str, &'static str)],
    /// The first parameter.
    pub(crate) context: &'static str,
    /// How many parameters may follow it.
    pub(crate) inputs: RangeInclusive<usize>,
    /// Why no more of them.
    pub(crate) why_one: &'static str,
    /// Whether it is called by the engine, with values from the journal, and not by user code.
    pub(crate) by_engine: bool,
    /// A whole signature.
    pub(crate) example: &'static str,
}

pub(crate) static WORKFLOW: AttributeKind = AttributeKind {
    name: "workflow",
    noun: "workflow",
    options: &[
        ("name", "`name = \"..\"`, "),
        ("was", "`was = \"..\"` and "),
        ("crate", "`crate = path`"),
    ],
    context: "ctx: &Ctx",
    inputs: 0..=1,
    why_one: "one value is recorded with the run; put several into a struct or a tuple",
    by_engine: true,
    example: "async fn order(ctx: &Ctx, input: Order) -> durable::Result<Receipt>",
};

pub(crate) static STEPS: AttributeKind = AttributeKind {
    name: "steps",
    noun: "fragment",
    options: &[("crate", "`crate = path`")],
    context: "ctx: Ctx",
    inputs: 0..=usize::MAX,
    why_one: "",
    by_engine: false,
    example: "async fn bill(ctx: Ctx, order: &Order) -> durable::Result<Payment>",
};

pub(crate) static COMPENSATE: AttributeKind = AttributeKind {
    name: "compensate",
    noun: "compensation",
    options: &[
        ("retry", "`retry = Retry::..`, "),
        ("timeout", "`timeout = Duration::..` and "),
        ("crate", "`crate = path`"),
    ],
    context: "step: &StepCtx",
    inputs: 1..=1,
    why_one: "a rollback has what the step recorded, and nothing else",
    by_engine: true,
    example: "async fn refund(step: &StepCtx, payment: Payment) -> durable::Result<()>",
};

/// The names of all of them.
pub(crate) const NAMES: [&str; 3] = ["workflow", "steps", "compensate"];
