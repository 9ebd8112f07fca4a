//! Macros in a body. A macro's arguments are tokens; those of the well-known ones are parsed as the
//! expressions they become, so that the rules hold in them too.

mod fields;
pub(crate) mod paths;
mod pieces;

use proc_macro2::TokenStream;
use quote::ToTokens;
use syn::{
    Expr, Macro, Pat, Path, Token,
    parse::{ParseStream, Parser},
    punctuated::Punctuated,
};

pub(crate) use pieces::MacroPiece;

/// The arguments of a macro.
pub(crate) struct MacroArgs {
    pub(crate) kind: MacroKind,
    /// Their pieces, if they are what the macro takes.
    pub(crate) pieces: Option<Vec<MacroPiece>>,
}

/// What a macro does with its arguments.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum MacroKind {
    /// It is `durable::join!` or one of its kin, and polls them.
    Combinator(&'static str),
    /// It is `durable::nondeterministic!("reason", value)`: its author answers for the value.
    Hatch,
    Matches,
    Json,
    /// They are expressions, and are printed.
    Formats,
    /// They are expressions, and go somewhere.
    Evaluates,
    /// It is one of `tracing` or `log`.
    Traces,
    /// It evaluates nothing: `stringify!`.
    Inert,
    Unknown,
}

impl MacroKind {
    /// What a macro does, by its name.
    fn of(mac: &Macro) -> Self {
        let path = mac.path.segments.iter();
        let path: Vec<String> = path.map(|segment| segment.ident.to_string()).collect();
        match path.last().map_or("", String::as_str) {
            "join" | "try_join" | "race" if is_foreign(&path) => Self::Unknown,
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
    /// Those of which nothing is known.
    pub(crate) const UNKNOWN: Self = Self {
        kind: MacroKind::Unknown,
        pieces: None,
    };

    /// Parses the arguments of a macro.
    pub(crate) fn parse(mac: &Macro) -> Self {
        let kind = MacroKind::of(mac);
        let tokens = mac.tokens.clone();
        let pieces = match kind {
            MacroKind::Combinator("race") => {
                let arms = arms.parse2(tokens.clone()).ok();
                arms.or_else(|| branches(tokens))
            }
            MacroKind::Combinator(_) => branches(tokens),
            MacroKind::Hatch | MacroKind::Formats | MacroKind::Evaluates => expressions(tokens),
            MacroKind::Matches => matches.parse2(tokens).ok(),
            MacroKind::Json => fields::value(tokens).map(|value| vec![value]),
            MacroKind::Traces => fields::pieces(tokens),
            MacroKind::Inert | MacroKind::Unknown => None,
        };
        Self { kind, pieces }
    }

    /// Changes each expression in it, and writes it back as the arguments of its macro.
    pub(crate) fn rewrite(self, mac: &mut Macro, act: &mut impl FnMut(&mut Expr)) {
        if let Some(mut pieces) = self.pieces {
            let each = pieces.iter_mut();
            each.for_each(|piece| piece.for_each_expression(act));
            mac.tokens = pieces.iter().map(ToTokens::to_token_stream).collect();
        }
    }
}

/// Whether a macro has the name of one that polls what it is given.
pub(crate) fn is_combinator(mac: &Macro) -> bool {
    const NAMES: [&str; 5] = ["join", "race", "select", "select_biased", "try_join"];
    NAMES.contains(&&*name(&mac.path))
}

/// Whether a macro returns from the fn.
pub(crate) fn returns(mac: &Macro) -> bool {
    matches!(&*name(&mac.path), "bail" | "ensure")
}

fn name(path: &Path) -> String {
    let last = path.segments.last();
    last.map(|last| last.ident.to_string()).unwrap_or_default()
}

/// `branch, branch`
fn branches(tokens: TokenStream) -> Option<Vec<MacroPiece>> {
    let pieces = expressions(tokens)?.into_iter();
    let pieces = pieces.map(|piece| match piece {
        MacroPiece::Value(branch) => MacroPiece::Branch(branch),
        piece => piece,
    });
    Some(pieces.collect())
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
