//! The arguments of an attribute: `name = "..", was = "..", retry = .., timeout = .., crate = path`.

use proc_macro2::{TokenStream, TokenTree};
use syn::{
    Expr, Ident, LitStr, Path, Token,
    ext::IdentExt,
    parse::{ParseStream, Parser},
};

use crate::{diagnostics::Diagnostics, paths::Paths};

/// What the attribute was told.
#[derive(Default)]
pub(crate) struct Args {
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

/// Reads the arguments. Each is read on its own, so that one mistake hides no other.
pub(crate) fn parse(attribute: &str, tokens: TokenStream, diagnostics: &mut Diagnostics) -> Args {
    let mut args = Args::default();
    let mut seen: Vec<Ident> = Vec::new();
    for argument in split(tokens) {
        let parser =
            |input: ParseStream<'_>| parse_one(attribute, input, &mut args, &mut seen, diagnostics);
        match parser.parse2(argument) {
            Ok(()) => {}
            Err(error) => diagnostics.push_syntax(error),
        }
    }
    args
}

fn parse_one(
    attribute: &str,
    input: ParseStream<'_>,
    args: &mut Args,
    seen: &mut Vec<Ident>,
    diagnostics: &mut Diagnostics,
) -> syn::Result<()> {
    let key = input.call(Ident::parse_any)?;
    let repeated = seen.contains(&key) && key != "was";
    let known = options(attribute).iter().any(|(option, _)| key == option);
    if repeated {
        diagnostics.push(
            &key,
            format_args!("`{key}` is set twice"),
            "only one of them could apply, and which would be a guess",
            "keep one of them",
        );
    } else if !known {
        unknown(attribute, &key, diagnostics);
    }
    seen.push(key.clone());
    if repeated || !known {
        // What belongs to it is not read as anything else.
        return input.parse::<TokenStream>().map(drop);
    }
    input.parse::<Token![=]>()?;
    match key.to_string().as_str() {
        "crate" => args.paths = Paths::renamed(&input.call(Path::parse_mod_style)?),
        "name" => args.name = named(input.parse()?, diagnostics),
        "retry" => args.retry = Some(input.parse()?),
        "timeout" => args.timeout = Some(input.parse()?),
        _ => args.was.extend(named(input.parse()?, diagnostics)),
    }
    Ok(())
}

/// A workflow's name, if it is one.
fn named(name: LitStr, diagnostics: &mut Diagnostics) -> Option<LitStr> {
    if name.value().trim().is_empty() {
        diagnostics.push(
            &name,
            "the name of a workflow cannot be empty",
            "it is what its runs are recorded and found under",
            "a name such as \"shipping\"; or none, then it is the fn's",
        );
        return None;
    }
    Some(name)
}

/// The options of an attribute, and how they are written.
fn options(attribute: &str) -> &'static [(&'static str, &'static str)] {
    match attribute {
        "workflow" => &[
            ("name", "`name = \"..\"`, "),
            ("was", "`was = \"..\"` and "),
            ("crate", "`crate = path`"),
        ],
        "compensate" => &[
            ("retry", "`retry = Retry::..`, "),
            ("timeout", "`timeout = Duration::..` and "),
            ("crate", "`crate = path`"),
        ],
        _ => &[("crate", "`crate = path`")],
    }
}

fn unknown(attribute: &str, key: &Ident, diagnostics: &mut Diagnostics) {
    let known: String = options(attribute).iter().map(|(_, form)| *form).collect();
    diagnostics.push(
        key,
        format_args!("`#[durable::{attribute}]` has no option `{key}`"),
        "an option that is not understood cannot be ignored: it may change what is recorded",
        format_args!("it takes {known}"),
    );
}

/// Splits at the commas between arguments.
fn split(tokens: TokenStream) -> Vec<TokenStream> {
    let mut arguments = vec![TokenStream::new()];
    for token in tokens {
        match token {
            TokenTree::Punct(punct) if punct.as_char() == ',' => arguments.push(TokenStream::new()),
            token => {
                if let Some(last) = arguments.last_mut() {
                    last.extend([token]);
                }
            }
        }
    }
    arguments.retain(|argument| !argument.is_empty());
    arguments
}
