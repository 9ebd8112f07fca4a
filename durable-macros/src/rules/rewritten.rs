//! Attribute macros that stand above ours: they are expanded first, and ours reads what they have made.

use proc_macro2::{Delimiter, Ident, Span, TokenStream, TokenTree};

use crate::{
    attributes::AttributeKind,
    diagnostics::{At, Diagnostics, report},
    syntax::{function::Function, tokens::find_name},
};

/// Reports the attribute that has rewritten this fn, if one has.
pub(crate) fn review_rewritten(ours: &AttributeKind, function: &Function) -> Diagnostics {
    let mut found = Diagnostics::default();
    let ours = ours.name;
    if let Some((at, above, instead)) = above(ours, function) {
        report!(
            found,
            At(at),
            "`{above}` stands above `#[durable::{ours}]`",
            "the upper one is expanded first, and the lower one reads what it has made of the fn",
            "{instead}",
        );
    }
    found
}

/// Where the attribute is that has rewritten a fn, how it is written as far as that is known, and what to
/// write instead.
fn above(ours: &str, function: &Function) -> Option<(Span, String, String)> {
    let body = function.body.stream();
    let is_local = |name: &Ident| name.to_string().starts_with("__tracing_");
    if let Some(local) = early_name(body.clone(), 2, &is_local) {
        let at = local.span();
        let name = attribute_at(at).unwrap_or_else(|| "#[tracing::instrument]".to_owned());
        let instead = format!(
            "swap them: `#[durable::{ours}]` on top, `#[tracing::instrument]` below; or leave it out, \
             since the engine runs the body in a span `workflow` that has the run's id"
        );
        return Some((at, name, instead));
    }
    let is_blocking = function.signature.asyncness.is_none()
        && find_name(body.clone(), 2, &|name| name == "block_on").is_some();
    if is_blocking {
        let name = "#[tokio::main]` or `#[tokio::test]";
        let instead =
            "take it away; an engine runs the workflow: `engine.client().start::<order>(..)`";
        let at = function.ident().span();
        return Some((at, name.to_owned(), instead.to_owned()));
    }
    // What a macro adds of its own is placed at its call.
    let mut ends = body.into_iter();
    let ends = [ends.next(), ends.last()];
    ends.into_iter().flatten().find_map(|token| {
        let at = token.span();
        let name = attribute_at(at)?;
        let instead = format!("swap them: `#[durable::{ours}]` on top, `{name}` below");
        Some((at, name, instead))
    })
}

/// The first name that satisfies a test among the first tokens of a block, or of one in it.
fn early_name(tokens: TokenStream, depth: u32, test: &impl Fn(&Ident) -> bool) -> Option<Ident> {
    const TOKENS: usize = 8;
    tokens
        .into_iter()
        .enumerate()
        .find_map(|(index, token)| match token {
            TokenTree::Ident(name) => (index < TOKENS && test(&name)).then_some(name),
            TokenTree::Group(group) if depth > 0 && group.delimiter() == Delimiter::Brace => {
                early_name(group.stream(), depth - 1, test)
            }
            _ => None,
        })
}

/// The attribute that this is placed at.
fn attribute_at(at: Span) -> Option<String> {
    let text = at.source_text().filter(|text| text.starts_with("#["))?;
    Some(text.split_whitespace().collect::<Vec<_>>().join(" "))
}
