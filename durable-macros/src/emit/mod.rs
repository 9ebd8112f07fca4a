//! What is generated, as tokens. Nothing here can fail.

mod body;
mod compensation;
mod fragment;
mod graph_text;
mod refused;
mod step_enum;
mod wiring;
mod workflow;

use proc_macro2::TokenStream;

use crate::{
    facts::{BodyFacts, NamedOperation},
    syntax::{arguments::AttributeArgs, function::Function},
};

pub(crate) use compensation::compensation;
#[cfg(test)]
pub(crate) use graph_text::graph_text;
pub(crate) use refused::{refused, unread};

/// What is generated beside a fn goes by this.
pub(crate) struct Emitter<'a> {
    function: &'a Function,
    args: &'a AttributeArgs,
    body: &'a BodyFacts,
    /// The operations that have a variant.
    named: Vec<NamedOperation<'a>>,
    /// The `cfg`s of the fn, which hold for all that is beside it.
    cfgs: TokenStream,
    /// The hidden module of the facade.
    private: TokenStream,
}

impl<'a> Emitter<'a> {
    /// An emitter for a fn in whose body this was read.
    pub(crate) fn new(
        function: &'a Function,
        args: &'a AttributeArgs,
        body: &'a BodyFacts,
    ) -> Self {
        let mut named = body.named_operations();
        named.retain(|named| named.clash.is_none());
        Self {
            function,
            args,
            body,
            named,
            cfgs: function.cfgs(),
            private: args.paths.private(),
        }
    }
}
