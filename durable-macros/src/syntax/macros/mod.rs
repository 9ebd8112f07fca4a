//! Macros in a body. A macro's arguments are tokens; those of the well-known ones are read as the
//! expressions they become, so that the rules hold in them too.

mod json;
mod part;
pub(crate) mod paths;
mod tracing;

use proc_macro2::{Ident, TokenStream, TokenTree};
use quote::ToTokens;
use syn::{
    Expr, Macro, Pat, Token,
    parse::{ParseStream, Parser},
    punctuated::Punctuated,
};

pub(crate) use part::{Part, expressions};

/// What a macro's arguments are.
pub(crate) enum Reading {
    /// `durable::join!` and its kin.
    Combinator {
        kind: &'static str,
        parts: Vec<Part>,
    },
    /// A macro that evaluates its arguments in place, in order.
    Ordinary(Vec<Part>),
    /// `durable::nondeterministic!("reason", value)`: its author answers for the value.
    Escape(Vec<Part>),
    /// A macro that evaluates nothing: `stringify!`.
    Inert,
    /// One of ours whose arguments are not what it takes, as the compiler says.
    Broken,
    /// Anything else.
    Opaque,
}

/// Those whose arguments are expressions that print.
const FORMATTING: [&str; 21] = [
    "assert",
    "assert_eq",
    "assert_ne",
    "bail",
    "debug_assert",
    "debug_assert_eq",
    "debug_assert_ne",
    "ensure",
    "eprint",
    "eprintln",
    "format",
    "format_args",
    "panic",
    "print",
    "println",
    "todo",
    "unimplemented",
    "unreachable",
    "write",
    "writeln",
    "anyhow",
];

/// Those whose arguments are expressions, and go somewhere.
const VALUES: [&str; 7] = ["dbg", "eyre", "pin", "pin_mut", "smallvec", "vec", "try"];

const TRACING: [&str; 14] = [
    "trace",
    "debug",
    "info",
    "warn",
    "error",
    "event",
    "log",
    "enabled",
    "span",
    "trace_span",
    "debug_span",
    "info_span",
    "warn_span",
    "error_span",
];

const INERT: [&str; 12] = [
    "cfg",
    "column",
    "compile_error",
    "concat",
    "env",
    "file",
    "include_bytes",
    "include_str",
    "line",
    "module_path",
    "option_env",
    "stringify",
];

/// Crates whose combinators have the names of ours.
pub(crate) const FOREIGN: [&str; 6] = [
    "tokio",
    "futures",
    "futures_util",
    "futures_concurrency",
    "async_std",
    "futures_lite",
];

/// Reads a macro's arguments.
pub(crate) fn read(mac: &Macro) -> Reading {
    let name = name(mac);
    let tokens = mac.tokens.clone();
    let foreign = mac.path.segments.len() > 1
        && FOREIGN
            .iter()
            .any(|krate| mac.path.segments[0].ident == krate);
    let parts = match name.as_str() {
        "join" | "try_join" | "race" if foreign => None,
        "join" => return combinator("join", tokens),
        "try_join" => return combinator("try_join", tokens),
        "race" => return combinator("race", tokens),
        "nondeterministic" => return values(tokens).map_or(Reading::Broken, Reading::Escape),
        "matches" | "assert_matches" => matches.parse2(tokens).ok(),
        "json" => json::read(tokens),
        name if INERT.contains(&name) => return Reading::Inert,
        name if FORMATTING.contains(&name) || VALUES.contains(&name) => values(tokens),
        name if TRACING.contains(&name) => tracing::read(tokens),
        _ => None,
    };
    parts.map_or(Reading::Opaque, Reading::Ordinary)
}

/// Hands each expression in a macro's arguments over, to be changed, with the pattern whose names it
/// sees.
pub(crate) fn rewrite(mac: &mut Macro, act: &mut impl FnMut(Option<&Pat>, &mut Expr)) {
    let mut parts = match read(mac) {
        Reading::Combinator { parts, .. } => parts,
        Reading::Ordinary(parts) | Reading::Escape(parts) => parts,
        Reading::Inert | Reading::Broken | Reading::Opaque => return,
    };
    let mut pattern = None;
    for part in &mut parts {
        match part {
            Part::Pattern(next) => pattern = Some(next.clone()),
            Part::Branch(branch) => act(None, branch),
            part => part.for_each_expression(&mut |expression| act(pattern.as_ref(), expression)),
        }
    }
    mac.tokens = parts.iter().map(ToTokens::to_token_stream).collect();
}

/// Whether a macro prints its arguments and does nothing else with them.
pub(crate) fn is_formatting(mac: &Macro) -> bool {
    let name = name(mac);
    FORMATTING.contains(&name.as_str()) || TRACING.contains(&name.as_str())
}

/// Whether a macro has the name of one that polls what it is given.
pub(crate) fn is_combinator(mac: &Macro) -> bool {
    const NAMES: [&str; 5] = ["join", "race", "select", "select_biased", "try_join"];
    NAMES.contains(&name(mac).as_str())
}

/// Whether a macro returns from the fn.
pub(crate) fn returns(mac: &Macro) -> bool {
    matches!(name(mac).as_str(), "bail" | "ensure")
}

fn name(mac: &Macro) -> String {
    mac.path
        .segments
        .last()
        .map(|last| last.ident.to_string())
        .unwrap_or_default()
}

/// The first mention of the context or of an await in tokens that cannot be read.
pub(crate) fn mention(tokens: TokenStream, context: Option<&Ident>) -> Option<Ident> {
    tokens.into_iter().find_map(|token| match token {
        TokenTree::Ident(ident) => (ident == "await" || Some(&ident) == context).then_some(ident),
        TokenTree::Group(group) => mention(group.stream(), context),
        TokenTree::Punct(_) | TokenTree::Literal(_) => None,
    })
}

/// Whether tokens name this.
pub(crate) fn names(tokens: TokenStream, name: &Ident) -> bool {
    tokens.into_iter().any(|token| match token {
        TokenTree::Ident(ident) => ident == *name,
        TokenTree::Group(group) => names(group.stream(), name),
        TokenTree::Punct(_) | TokenTree::Literal(_) => false,
    })
}

fn combinator(kind: &'static str, tokens: TokenStream) -> Reading {
    let parts = if kind == "race" {
        arms.parse2(tokens.clone()).ok()
    } else {
        None
    };
    let branches = || {
        let parts = values(tokens)?.into_iter().map(|part| match part {
            Part::Value(branch) => Part::Branch(branch),
            part => part,
        });
        Some(parts.collect())
    };
    parts
        .or_else(branches)
        .map_or(Reading::Broken, |parts| Reading::Combinator { kind, parts })
}

/// `pattern = branch => handler, ..`
fn arms(input: ParseStream<'_>) -> syn::Result<Vec<Part>> {
    let mut parts = Vec::new();
    while !input.is_empty() {
        let pattern = Pat::parse_multi_with_leading_vert(input)?;
        let equals: Token![=] = input.parse()?;
        let branch = input.parse()?;
        let arrow: Token![=>] = input.parse()?;
        let handler = input.parse()?;
        parts.extend([
            Part::Pattern(pattern),
            Part::raw(equals),
            Part::Branch(branch),
            Part::raw(arrow),
            Part::Handler(handler),
        ]);
        if !input.is_empty() {
            parts.push(Part::raw(input.parse::<Token![,]>()?));
        }
    }
    Ok(parts)
}

/// `expression, pattern if guard`
fn matches(input: ParseStream<'_>) -> syn::Result<Vec<Part>> {
    let expression = input.parse()?;
    let comma: Token![,] = input.parse()?;
    let mut parts = vec![
        Part::Value(expression),
        Part::raw(comma),
        Part::Pattern(Pat::parse_multi_with_leading_vert(input)?),
    ];
    if input.peek(Token![if]) {
        parts.push(Part::raw(input.parse::<Token![if]>()?));
        parts.push(Part::Value(input.parse()?));
    }
    parts.push(Part::Raw(input.parse()?));
    Ok(parts)
}

/// `a, b, name = c` or `value; count`
fn values(tokens: TokenStream) -> Option<Vec<Part>> {
    let list = |tokens: TokenStream| {
        let list = Punctuated::<Expr, Token![,]>::parse_terminated
            .parse2(tokens)
            .ok()?;
        let parts = list.into_pairs().flat_map(|pair| {
            let (expression, comma) = pair.into_tuple();
            [Some(Part::Value(expression)), comma.map(Part::raw)]
        });
        Some(parts.flatten().collect())
    };
    let repeat = |input: ParseStream<'_>| {
        let value = input.parse()?;
        let semicolon: Token![;] = input.parse()?;
        let count = input.parse()?;
        Ok(vec![
            Part::Value(value),
            Part::Raw(semicolon.to_token_stream()),
            Part::Value(count),
        ])
    };
    list(tokens.clone()).or_else(|| repeat.parse2(tokens).ok())
}

/// Splits at the commas.
fn split(tokens: TokenStream) -> Vec<TokenStream> {
    let mut pieces = vec![TokenStream::new()];
    for token in tokens {
        match token {
            TokenTree::Punct(punct) if punct.as_char() == ',' => pieces.push(TokenStream::new()),
            token => {
                if let Some(last) = pieces.last_mut() {
                    last.extend([token]);
                }
            }
        }
    }
    pieces.retain(|piece| !piece.is_empty());
    pieces
}
