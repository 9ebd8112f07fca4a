//! Macros in a body. A macro's arguments are tokens; those of the well-known ones are parsed as the
//! expressions they become, so that the rules hold in them too.

mod json;
pub(crate) mod paths;
mod pieces;
mod tracing;

use proc_macro2::TokenStream;
use quote::ToTokens;
use syn::{
    Expr, Macro, Pat, Path, Token,
    parse::{ParseStream, Parser},
    punctuated::Punctuated,
};

pub(crate) use pieces::MacroPiece;

/// The arguments of a macro.
pub(crate) enum MacroArgs {
    /// Those of `durable::join!` and its kin.
    Combinator {
        kind: &'static str,
        pieces: Vec<MacroPiece>,
    },
    /// Those of a macro that evaluates them in place, in order.
    Evaluated(Vec<MacroPiece>),
    /// Those of `durable::nondeterministic!("reason", value)`: its author answers for the value.
    Hatch(Vec<MacroPiece>),
    /// Those of a macro that evaluates nothing: `stringify!`.
    Inert,
    /// Those of one of ours that are not what it takes, as the compiler says.
    Malformed,
    /// Anything else.
    Unknown,
}

/// What a macro does with its arguments.
#[derive(Clone, Copy, PartialEq, Eq)]
enum MacroKind {
    /// One of ours that polls them.
    Combinator(&'static str),
    Hatch,
    Matches,
    Json,
    /// They are expressions, and are printed.
    Formats,
    /// They are expressions, and go somewhere.
    Evaluates,
    /// It is one of `tracing` or `log`.
    Traces,
    Inert,
    Unknown,
}

impl MacroKind {
    /// What a macro does, by its name.
    fn of(mac: &Macro) -> Self {
        match &*name(&mac.path) {
            "join" => Self::Combinator("join"),
            "try_join" => Self::Combinator("try_join"),
            "race" => Self::Combinator("race"),
            "nondeterministic" => Self::Hatch,
            "matches" | "assert_matches" => Self::Matches,
            "json" => Self::Json,
            "anyhow" | "assert" | "assert_eq" | "assert_ne" | "bail" | "debug_assert"
            | "debug_assert_eq" | "debug_assert_ne" | "ensure" | "eprint" | "eprintln"
            | "format" | "format_args" | "panic" | "print" | "println" | "todo"
            | "unimplemented" | "unreachable" | "write" | "writeln" => Self::Formats,
            "dbg" | "eyre" | "pin" | "pin_mut" | "smallvec" | "try" | "vec" => Self::Evaluates,
            "debug" | "debug_span" | "enabled" | "error" | "error_span" | "event" | "info"
            | "info_span" | "log" | "span" | "trace" | "trace_span" | "warn" | "warn_span" => {
                Self::Traces
            }
            "cfg" | "column" | "compile_error" | "concat" | "env" | "file" | "include_bytes"
            | "include_str" | "line" | "module_path" | "option_env" | "stringify" => Self::Inert,
            _ => Self::Unknown,
        }
    }
}

/// Crates whose combinators have the names of ours.
const FOREIGN: [&str; 6] = [
    "async_std",
    "futures",
    "futures_concurrency",
    "futures_lite",
    "futures_util",
    "tokio",
];

/// Whether a path, given by its names, leads into a crate that has combinators of its own.
pub(crate) fn is_foreign(path: &[String]) -> bool {
    path.len() > 1 && FOREIGN.contains(&&*path[0])
}

impl MacroArgs {
    /// Parses the arguments of a macro.
    pub(crate) fn parse(mac: &Macro) -> Self {
        let tokens = mac.tokens.clone();
        let pieces = match MacroKind::of(mac) {
            MacroKind::Combinator(kind) => return combinator(kind, mac),
            MacroKind::Hatch => return expressions(tokens).map_or(Self::Malformed, Self::Hatch),
            MacroKind::Inert => return Self::Inert,
            MacroKind::Matches => matches.parse2(tokens).ok(),
            MacroKind::Json => json::pieces(tokens),
            MacroKind::Formats | MacroKind::Evaluates => expressions(tokens),
            MacroKind::Traces => tracing::pieces(tokens),
            MacroKind::Unknown => None,
        };
        pieces.map_or(Self::Unknown, Self::Evaluated)
    }

    /// Its pieces, if they are known.
    pub(crate) fn pieces(&self) -> Option<&[MacroPiece]> {
        match self {
            Self::Combinator { pieces, .. } | Self::Evaluated(pieces) | Self::Hatch(pieces) => {
                Some(pieces)
            }
            Self::Inert | Self::Malformed | Self::Unknown => None,
        }
    }

    /// Changes each expression in it, and writes it back as the arguments of its macro.
    pub(crate) fn rewrite(mut self, mac: &mut Macro, act: &mut impl FnMut(&mut Expr)) {
        if let Self::Combinator { pieces, .. } | Self::Evaluated(pieces) | Self::Hatch(pieces) =
            &mut self
        {
            for piece in &mut *pieces {
                piece.for_each_expression(act);
            }
            mac.tokens = pieces.iter().map(ToTokens::to_token_stream).collect();
        }
    }
}

/// Whether a macro prints its arguments and does nothing else with them.
pub(crate) fn is_formatting(mac: &Macro) -> bool {
    matches!(MacroKind::of(mac), MacroKind::Formats | MacroKind::Traces)
}

/// Whether a macro has the name of one that polls what it is given.
pub(crate) fn is_combinator(mac: &Macro) -> bool {
    matches!(MacroKind::of(mac), MacroKind::Combinator(_))
        || matches!(&*name(&mac.path), "select" | "select_biased")
}

/// Whether a macro returns from the fn.
pub(crate) fn returns(mac: &Macro) -> bool {
    matches!(&*name(&mac.path), "bail" | "ensure")
}

fn name(path: &Path) -> String {
    let last = path.segments.last();
    last.map(|last| last.ident.to_string()).unwrap_or_default()
}

fn combinator(kind: &'static str, mac: &Macro) -> MacroArgs {
    let path: Vec<String> = mac
        .path
        .segments
        .iter()
        .map(|segment| segment.ident.to_string())
        .collect();
    if is_foreign(&path) {
        return MacroArgs::Unknown;
    }
    let arms = match kind {
        "race" => arms.parse2(mac.tokens.clone()).ok(),
        _ => None,
    };
    let branches = || {
        let pieces = expressions(mac.tokens.clone())?.into_iter();
        let pieces = pieces.map(|piece| match piece {
            MacroPiece::Value(branch) => MacroPiece::Branch(branch),
            piece => piece,
        });
        Some(pieces.collect())
    };
    match arms.or_else(branches) {
        Some(pieces) => MacroArgs::Combinator { kind, pieces },
        None => MacroArgs::Malformed,
    }
}

/// `pattern = branch => handler, ..`
fn arms(input: ParseStream<'_>) -> syn::Result<Vec<MacroPiece>> {
    let mut pieces = Vec::new();
    while !input.is_empty() {
        let pattern = Pat::parse_multi_with_leading_vert(input)?;
        let equals: Token![=] = input.parse()?;
        let branch = input.parse()?;
        let arrow: Token![=>] = input.parse()?;
        let handler = input.parse()?;
        pieces.extend([
            MacroPiece::Pattern(pattern),
            MacroPiece::raw(equals),
            MacroPiece::Branch(branch),
            MacroPiece::raw(arrow),
            MacroPiece::Handler(handler),
        ]);
        if !input.is_empty() {
            pieces.push(MacroPiece::raw(input.parse::<Token![,]>()?));
        }
    }
    Ok(pieces)
}

/// `expression, pattern if guard`
fn matches(input: ParseStream<'_>) -> syn::Result<Vec<MacroPiece>> {
    let mut pieces = vec![
        MacroPiece::Value(input.parse()?),
        MacroPiece::raw(input.parse::<Token![,]>()?),
        MacroPiece::Pattern(Pat::parse_multi_with_leading_vert(input)?),
    ];
    if input.peek(Token![if]) {
        pieces.push(MacroPiece::raw(input.parse::<Token![if]>()?));
        pieces.push(MacroPiece::Value(input.parse()?));
    }
    pieces.push(MacroPiece::Raw(input.parse()?));
    Ok(pieces)
}

/// `a, b, name = c` or `value; count`
fn expressions(tokens: TokenStream) -> Option<Vec<MacroPiece>> {
    let list = Punctuated::<Expr, Token![,]>::parse_terminated.parse2(tokens.clone());
    if let Ok(list) = list {
        let pieces = list.into_pairs().flat_map(|pair| {
            let (expression, comma) = pair.into_tuple();
            [
                Some(MacroPiece::Value(expression)),
                comma.map(MacroPiece::raw),
            ]
        });
        return Some(pieces.flatten().collect());
    }
    let repeat = |input: ParseStream<'_>| {
        Ok(vec![
            MacroPiece::Value(input.parse()?),
            MacroPiece::raw(input.parse::<Token![;]>()?),
            MacroPiece::Value(input.parse()?),
        ])
    };
    repeat.parse2(tokens).ok()
}
