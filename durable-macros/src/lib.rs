//! The attributes of `durable`. Use them through that crate, which documents them.
//!
//! An expansion goes `syntax -> resolve -> read -> rules -> emit`. The signature is parsed first and the body
//! second; every rule reports all it finds; and the user's fn is emitted whatever was wrong, so that an
//! editor keeps working in it.

mod attributes;
mod diagnostics;
mod emit;
mod facts;
mod hazards;
mod names;
mod operations;
mod paths;
mod pipeline;
mod read;
mod resolve;
mod rules;
mod syntax;
#[cfg(test)]
mod tests;

/// Turns an async fn into a workflow. Documented in `durable`.
#[proc_macro_attribute]
pub fn workflow(
    args: proc_macro::TokenStream,
    item: proc_macro::TokenStream,
) -> proc_macro::TokenStream {
    pipeline::workflow(args.into(), item.into()).into()
}

/// Turns an async fn into a fragment: steps that several workflows share. Documented in `durable`.
#[proc_macro_attribute]
pub fn steps(
    args: proc_macro::TokenStream,
    item: proc_macro::TokenStream,
) -> proc_macro::TokenStream {
    pipeline::steps(args.into(), item.into()).into()
}

/// Turns an async fn into the compensation of a step. Documented in `durable`.
#[proc_macro_attribute]
pub fn compensate(
    args: proc_macro::TokenStream,
    item: proc_macro::TokenStream,
) -> proc_macro::TokenStream {
    pipeline::compensate(args.into(), item.into()).into()
}
