//! Attribute macros that stand above ours: they are expanded first, and ours reads what they have made.

use proc_macro2::{Delimiter, Ident, Span, TokenStream, TokenTree};

use super::{function::Function, tokens::find_name};

/// An attribute macro that has rewritten the fn.
pub(crate) struct RewritingAttribute {
    pub(crate) at: Span,
    /// As it is written, as far as that is known.
    pub(crate) name: String,
    pub(crate) kind: RewritingKind,
}

#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum RewritingKind {
    /// `#[tracing::instrument]`
    Instrument,
    /// `#[tokio::main]`, `#[tokio::test]`
    Runtime,
    Other,
}

impl RewritingAttribute {
    /// The attribute that has rewritten this fn, if one has.
    pub(crate) fn find(function: &Function) -> Option<Self> {
        let body = function.body.stream();
        let is_local = |name: &Ident| name.to_string().starts_with("__tracing_");
        if let Some(local) = early_name(body.clone(), 2, &is_local) {
            let at = local.span();
            let name = attribute_at(at).unwrap_or_else(|| "#[tracing::instrument]".to_owned());
            let kind = RewritingKind::Instrument;
            return Some(Self { at, name, kind });
        }
        let is_blocking = function.signature.asyncness.is_none()
            && find_name(body.clone(), 2, &|name| name == "block_on").is_some();
        if is_blocking {
            return Some(Self {
                at: function.ident().span(),
                name: "#[tokio::main]` or `#[tokio::test]".to_owned(),
                kind: RewritingKind::Runtime,
            });
        }
        // What a macro adds of its own is placed at its call.
        let mut ends = body.into_iter();
        let ends = [ends.next(), ends.last()];
        ends.into_iter().flatten().find_map(|token| {
            let at = token.span();
            let name = attribute_at(at)?;
            let kind = RewritingKind::Other;
            Some(Self { at, name, kind })
        })
    }
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
