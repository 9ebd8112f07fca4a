//! Attribute macros that stand above ours: they are expanded first, and ours reads what they have made.

use proc_macro2::{Ident, Span, TokenStream, TokenTree};

use crate::syntax::function::Function;

/// An attribute macro that has rewritten the fn.
pub(crate) struct Above {
    pub(crate) at: Span,
    /// As it is written, as far as that is known.
    pub(crate) name: String,
    pub(crate) kind: Kind,
}

#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    /// `#[tracing::instrument]`
    Instrument,
    /// `#[tokio::main]`, `#[tokio::test]`
    Runtime,
    Other,
}

/// The attribute that has rewritten this fn, if one has.
pub(crate) fn find(function: &Function) -> Option<Above> {
    let body = function.body.stream();
    if let Some(local) = ident(body.clone(), 2, &|name| name.starts_with("__tracing_")) {
        let at = local.span();
        let name = written(at).unwrap_or_else(|| "#[tracing::instrument]".to_owned());
        let kind = Kind::Instrument;
        return Some(Above { at, name, kind });
    }
    let is_blocking = function.signature.asyncness.is_none()
        && ident(body.clone(), 2, &|name| name == "block_on").is_some();
    if is_blocking {
        return Some(Above {
            at: function.ident().span(),
            name: "#[tokio::main]` or `#[tokio::test]".to_owned(),
            kind: Kind::Runtime,
        });
    }
    // What a macro adds of its own is placed at its call.
    let mut ends = body.into_iter();
    let ends = [ends.next(), ends.last()];
    ends.into_iter().flatten().find_map(|token| {
        let at = token.span();
        Some(Above {
            at,
            name: written(at)?,
            kind: Kind::Other,
        })
    })
}

/// The attribute that this is placed at.
fn written(at: Span) -> Option<String> {
    let text = at.source_text().filter(|text| text.starts_with("#["))?;
    Some(text.split_whitespace().collect::<Vec<_>>().join(" "))
}

fn ident(tokens: TokenStream, depth: u32, is: &impl Fn(&str) -> bool) -> Option<Ident> {
    tokens.into_iter().find_map(|token| match token {
        TokenTree::Ident(found) => is(&found.to_string()).then_some(found),
        TokenTree::Group(group) if depth > 0 => ident(group.stream(), depth - 1, is),
        _ => None,
    })
}
