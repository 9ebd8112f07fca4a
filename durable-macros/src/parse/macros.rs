//! Macros in a body. A macro's arguments are tokens; those of the well-known ones are read as the
//! expressions they become, so that the rules hold in them too.

use proc_macro2::{Delimiter, Ident, TokenStream, TokenTree};
use quote::{ToTokens, quote};
use syn::{
    Expr, Macro, Pat, Token,
    parse::{ParseStream, Parser},
    punctuated::Punctuated,
};

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
    /// Anything else.
    Opaque,
}

/// A piece of a macro's arguments. All of them in a row are the arguments.
pub(crate) enum Part {
    Raw(TokenStream),
    /// An expression that is evaluated here.
    Value(Expr),
    /// What a combinator runs.
    Branch(Expr),
    /// What a race does with the winner's output.
    Handler(Expr),
}

const VALUES: [&str; 27] = [
    "anyhow",
    "assert",
    "assert_eq",
    "assert_ne",
    "bail",
    "dbg",
    "debug_assert",
    "debug_assert_eq",
    "debug_assert_ne",
    "ensure",
    "eprint",
    "eprintln",
    "eyre",
    "format",
    "format_args",
    "panic",
    "print",
    "println",
    "todo",
    "unimplemented",
    "unreachable",
    "vec",
    "write",
    "writeln",
    "concat",
    "stringify",
    "smallvec",
];

const TRACING: [&str; 12] = [
    "trace",
    "debug",
    "info",
    "warn",
    "error",
    "event",
    "span",
    "trace_span",
    "debug_span",
    "info_span",
    "warn_span",
    "error_span",
];

/// Crates whose macros have the names of ours.
const FOREIGN: [&str; 5] = [
    "tokio",
    "futures",
    "futures_util",
    "async_std",
    "futures_lite",
];

/// Reads a macro's arguments.
pub(crate) fn read(mac: &Macro) -> Reading {
    let Some(last) = mac.path.segments.last() else {
        return Reading::Opaque;
    };
    let name = last.ident.to_string();
    let foreign = mac.path.segments.len() > 1
        && FOREIGN
            .iter()
            .any(|krate| mac.path.segments[0].ident == krate);
    let tokens = mac.tokens.clone();
    let parts = match name.as_str() {
        "nondeterministic" => return values(tokens).map_or(Reading::Opaque, Reading::Escape),
        _ if foreign => None,
        "join" => return combinator("Join", tokens),
        "try_join" => return combinator("TryJoin", tokens),
        "race" => return combinator("Race", tokens),
        "matches" => matches.parse2(tokens).ok(),
        "json" => json(tokens),
        name if VALUES.contains(&name) => values(tokens),
        name if TRACING.contains(&name) => tracing(tokens),
        _ => None,
    };
    parts.map_or(Reading::Opaque, Reading::Ordinary)
}

/// The first mention of the context or of an await in tokens that cannot be read.
pub(crate) fn mention(tokens: TokenStream, context: Option<&Ident>) -> Option<Ident> {
    tokens.into_iter().find_map(|token| match token {
        TokenTree::Ident(ident) => (ident == "await" || Some(&ident) == context).then_some(ident),
        TokenTree::Group(group) => mention(group.stream(), context),
        TokenTree::Punct(_) | TokenTree::Literal(_) => None,
    })
}

fn combinator(kind: &'static str, tokens: TokenStream) -> Reading {
    let parts = if kind == "Race" {
        arms.parse2(tokens.clone()).ok()
    } else {
        None
    };
    let parts = parts.or_else(|| {
        let mut parts = values(tokens)?;
        for part in &mut parts {
            if let Part::Value(expression) = part {
                *part = Part::Branch(expression.clone());
            }
        }
        Some(parts)
    });
    parts.map_or(Reading::Opaque, |parts| Reading::Combinator { kind, parts })
}

/// `pattern = branch => handler, ..`
fn arms(input: ParseStream<'_>) -> syn::Result<Vec<Part>> {
    let mut parts = Vec::new();
    while !input.is_empty() {
        let pattern = Pat::parse_multi_with_leading_vert(input)?;
        let equals: Token![=] = input.parse()?;
        let branch = input.parse()?;
        let arrow: Token![=>] = input.parse()?;
        parts.push(Part::Raw(quote!(#pattern #equals)));
        parts.push(Part::Branch(branch));
        parts.push(Part::Raw(arrow.to_token_stream()));
        parts.push(Part::Handler(input.parse()?));
        comma(input, &mut parts)?;
    }
    Ok(parts)
}

fn comma(input: ParseStream<'_>, parts: &mut Vec<Part>) -> syn::Result<()> {
    if !input.is_empty() {
        parts.push(Part::Raw(input.parse::<Token![,]>()?.to_token_stream()));
    }
    Ok(())
}

/// `expression, pattern`
fn matches(input: ParseStream<'_>) -> syn::Result<Vec<Part>> {
    let expression = input.parse()?;
    Ok(vec![Part::Value(expression), Part::Raw(input.parse()?)])
}

/// `a, b, name = c` or `value; count`
fn values(tokens: TokenStream) -> Option<Vec<Part>> {
    let list = |tokens: TokenStream| {
        let list = Punctuated::<Expr, Token![,]>::parse_terminated
            .parse2(tokens)
            .ok()?;
        let parts = list.into_pairs().flat_map(|pair| {
            let (expression, comma) = pair.into_tuple();
            [
                Some(Part::Value(expression)),
                comma.map(|comma| Part::Raw(comma.to_token_stream())),
            ]
        });
        Some(parts.flatten().collect())
    };
    let repeat = |input: ParseStream<'_>| {
        let value = input.parse()?;
        let semicolon: Token![;] = input.parse()?;
        Ok(vec![
            Part::Value(value),
            Part::Raw(semicolon.to_token_stream()),
            Part::Value(input.parse()?),
        ])
    };
    list(tokens.clone()).or_else(|| repeat.parse2(tokens).ok())
}

/// `target: "t", field = %value, ?value, "message {}", value`
fn tracing(tokens: TokenStream) -> Option<Vec<Part>> {
    let mut parts = Vec::new();
    for piece in split(tokens, ',') {
        let (head, value) = match split(piece.clone(), '=').len() {
            // `a == b` and `a => b` are values.
            2 => cut(piece, '='),
            _ => (TokenStream::new(), piece),
        };
        let (target, value) = match starts_with_key(&value) {
            true => cut(value, ':'),
            false => (TokenStream::new(), value),
        };
        let (sigil, value) = strip_sigil(value);
        parts.push(Part::Raw(quote!(#head #target #sigil)));
        parts.push(Part::Value(syn::parse2(value).ok()?));
        parts.push(Part::Raw(quote!(,)));
    }
    // The separator after the last piece is optional, and some macros dislike it.
    parts.pop();
    Some(parts)
}

/// Whether tokens begin with `target:`, `parent:` or `name:`.
fn starts_with_key(tokens: &TokenStream) -> bool {
    let mut tokens = tokens.clone().into_iter();
    let key = matches!(tokens.next(), Some(TokenTree::Ident(ident))
        if ident == "target" || ident == "parent" || ident == "name");
    key && matches!(tokens.next(), Some(TokenTree::Punct(punct))
        if punct.as_char() == ':' && punct.spacing() == proc_macro2::Spacing::Alone)
}

fn strip_sigil(tokens: TokenStream) -> (TokenStream, TokenStream) {
    let mut rest = tokens.clone().into_iter();
    match rest.next() {
        Some(TokenTree::Punct(punct)) if matches!(punct.as_char(), '%' | '?') => {
            (TokenTree::Punct(punct).into(), rest.collect())
        }
        _ => (TokenStream::new(), tokens),
    }
}

/// `{ "key": value, "list": [value] }`
fn json(tokens: TokenStream) -> Option<Vec<Part>> {
    let mut trees = tokens.clone().into_iter();
    if let (Some(TokenTree::Group(group)), None) = (trees.next(), trees.next()) {
        let delimiter = group.delimiter();
        if matches!(delimiter, Delimiter::Brace | Delimiter::Bracket) {
            return json_members(&group, delimiter == Delimiter::Brace);
        }
    }
    syn::parse2(tokens)
        .ok()
        .map(|value| vec![Part::Value(value)])
}

/// The members of a group are values, but the group as a whole is not; it is judged and kept as raw
/// tokens, which is right as long as no member makes an operation.
fn json_members(group: &proc_macro2::Group, keyed: bool) -> Option<Vec<Part>> {
    let mut values = Vec::new();
    for member in split(group.stream(), ',') {
        let value = if keyed { cut(member, ':').1 } else { member };
        values.extend(json(value)?);
    }
    let makes_operations = values.iter().any(|part| match part {
        Part::Value(value) => mention(value.to_token_stream(), None).is_some(),
        _ => false,
    });
    (!makes_operations).then(|| vec![Part::Raw(group.to_token_stream())])
}

/// Splits at a punctuation mark that stands alone.
fn split(tokens: TokenStream, mark: char) -> Vec<TokenStream> {
    let mut pieces = vec![TokenStream::new()];
    let mut joint = false;
    for token in tokens {
        let (is_mark, now_joint) = match &token {
            TokenTree::Punct(punct) => {
                let alone = punct.spacing() == proc_macro2::Spacing::Alone;
                // `= %value` and `= ?value` are a mark and a sigil.
                (
                    punct.as_char() == mark && !joint && (alone || mark == '='),
                    !alone,
                )
            }
            _ => (false, false),
        };
        joint = now_joint;
        if is_mark {
            pieces.push(TokenStream::new());
        } else if let Some(last) = pieces.last_mut() {
            last.extend([token]);
        }
    }
    pieces.retain(|piece| !piece.is_empty());
    pieces
}

/// The tokens up to and with a mark, and those after it.
fn cut(tokens: TokenStream, mark: char) -> (TokenStream, TokenStream) {
    let mut head = TokenStream::new();
    let mut rest = tokens.into_iter();
    for token in rest.by_ref() {
        let found = matches!(&token, TokenTree::Punct(punct) if punct.as_char() == mark);
        head.extend([token]);
        if found {
            break;
        }
    }
    (head, rest.collect())
}

impl Part {
    /// The expression that is evaluated in place, if this is one.
    pub(crate) fn value(&self) -> Option<&Expr> {
        match self {
            Self::Value(value) => Some(value),
            Self::Raw(_) | Self::Branch(_) | Self::Handler(_) => None,
        }
    }
}

impl ToTokens for Part {
    fn to_tokens(&self, tokens: &mut TokenStream) {
        match self {
            Self::Raw(raw) => raw.to_tokens(tokens),
            Self::Value(expression) | Self::Branch(expression) | Self::Handler(expression) => {
                expression.to_tokens(tokens);
            }
        }
    }
}
