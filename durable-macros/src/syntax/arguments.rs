//! The arguments of an attribute: `name = "..", was = "..", retry = .., timeout = .., crate = path`.

use proc_macro2::TokenStream;
use syn::{
    Expr, Ident, LitStr, Path, Token,
    ext::IdentExt,
    parse::{ParseStream, Parser},
};

use super::tokens::split_at_commas;
use crate::{
    attributes::AttributeKind,
    diagnostics::{Diagnostics, report},
    paths::Paths,
};

/// What the attribute was told.
#[derive(Default)]
pub(crate) struct AttributeArgs {
    /// The name that runs are recorded under, if it is not the fn's.
    pub(crate) name: Option<LitStr>,
    /// Names that it had before, the oldest first.
    pub(crate) was: Vec<LitStr>,
    /// How often a compensation is tried.
    pub(crate) retry: Option<Expr>,
    /// How long an attempt of a compensation may take.
    pub(crate) timeout: Option<Expr>,
    /// Where the facade is found.
    pub(crate) paths: Paths,
}

impl AttributeArgs {
    /// Parses the arguments. Each is parsed on its own, so that one mistake hides no other.
    pub(crate) fn parse(
        attribute: &AttributeKind,
        tokens: TokenStream,
        found: &mut Diagnostics,
    ) -> Self {
        let mut args = Self::default();
        let mut seen: Vec<Ident> = Vec::new();
        for argument in split_at_commas(tokens) {
            let parser = |input: ParseStream<'_>| args.add(attribute, input, &mut seen, found);
            if let Err(error) = parser.parse2(argument) {
                found.push_syntax(error);
            }
        }
        args
    }

    fn add(
        &mut self,
        attribute: &AttributeKind,
        input: ParseStream<'_>,
        seen: &mut Vec<Ident>,
        found: &mut Diagnostics,
    ) -> syn::Result<()> {
        let key = input.call(Ident::parse_any)?;
        let is_repeated = seen.contains(&key) && key != "was";
        let is_known = attribute.options.iter().any(|(option, _)| key == option);
        if is_repeated {
            report!(
                found,
                &key,
                "`{key}` is set twice",
                "only one of them could apply, and which would be a guess",
                "keep one of them",
            );
        } else if !is_known {
            let name = attribute.name;
            let known: String = attribute.options.iter().map(|(_, form)| *form).collect();
            report!(
                found,
                &key,
                "`#[durable::{name}]` has no option `{key}`",
                "an option that is not understood cannot be ignored: it may change what is recorded",
                "it takes {known}",
            );
        }
        seen.push(key.clone());
        if is_repeated || !is_known {
            // What belongs to it is not read as anything else.
            return input.parse::<TokenStream>().map(drop);
        }
        input.parse::<Token![=]>()?;
        match key.to_string().as_str() {
            "crate" => self.paths = Paths::renamed(&input.call(Path::parse_mod_style)?),
            "name" => self.name = workflow_name(input.parse()?, found),
            "retry" => self.retry = Some(input.parse()?),
            "timeout" => self.timeout = Some(input.parse()?),
            _ => self.was.extend(workflow_name(input.parse()?, found)),
        }
        Ok(())
    }
}

/// A workflow's name, if it is one.
fn workflow_name(name: LitStr, found: &mut Diagnostics) -> Option<LitStr> {
    if !name.value().trim().is_empty() {
        return Some(name);
    }
    report!(
        found,
        &name,
        "the name of a workflow cannot be empty",
        "it is what its runs are recorded and found under",
        "a name such as \"shipping\"; or none, then it is the fn's",
    );
    None
}
