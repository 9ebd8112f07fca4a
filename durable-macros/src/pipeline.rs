//! The stages in order, as ordinary fns over tokens. They are total: every input gives output.

use proc_macro2::{Group, TokenStream};
use quote::{ToTokens, quote};
use syn::{Attribute, Block, parse::Parser, token::Brace};

use crate::{
    diagnostics::Diagnostics,
    expand, graph,
    parse::{self, args::Args, signature::Function},
    validate::{self, signature::Shape},
};

/// Expands `#[durable::workflow]`.
pub(crate) fn workflow(args: TokenStream, item: TokenStream) -> TokenStream {
    let mut diagnostics = Diagnostics::default();
    let args = parse::args::parse("workflow", args, &mut diagnostics);
    let Some(function) = function("workflow", &item, &mut diagnostics) else {
        return finish(item, TokenStream::new(), diagnostics);
    };
    let signed = signature(&function, &validate::signature::WORKFLOW, &mut diagnostics);
    if function.has_receiver() {
        // Nothing can stand beside a method.
        return finish(
            function.with_body(&function.body),
            TokenStream::new(),
            diagnostics,
        );
    }
    let (item, body) = body(&function, &args, &mut diagnostics);
    let beside = expand::workflow(&function, &args, &body, signed);
    finish(item, beside, diagnostics)
}

/// Expands `#[durable::steps]`.
pub(crate) fn steps(args: TokenStream, item: TokenStream) -> TokenStream {
    let mut diagnostics = Diagnostics::default();
    let args = parse::args::parse("steps", args, &mut diagnostics);
    let Some(function) = function("steps", &item, &mut diagnostics) else {
        return finish(item, TokenStream::new(), diagnostics);
    };
    signature(&function, &validate::signature::FRAGMENT, &mut diagnostics);
    let (item, body) = body(&function, &args, &mut diagnostics);
    let beside = expand::fragment(&function, &args.paths, &body);
    finish(item, beside, diagnostics)
}

/// Expands `#[durable::compensate]`.
pub(crate) fn compensate(args: TokenStream, item: TokenStream) -> TokenStream {
    let mut diagnostics = Diagnostics::default();
    let args = parse::args::parse("compensate", args, &mut diagnostics);
    let Some(function) = function("compensate", &item, &mut diagnostics) else {
        return finish(item, TokenStream::new(), diagnostics);
    };
    let signed = signature(
        &function,
        &validate::signature::COMPENSATION,
        &mut diagnostics,
    );
    let beside = if signed {
        expand::compensation(&function, &args.paths)
    } else {
        TokenStream::new()
    };
    finish(item, beside, diagnostics)
}

fn finish(item: TokenStream, beside: TokenStream, diagnostics: Diagnostics) -> TokenStream {
    let errors = diagnostics.into_compile_errors();
    quote!(#item #beside #errors)
}

/// Reads the item as a fn.
fn function(
    attribute: &str,
    item: &TokenStream,
    diagnostics: &mut Diagnostics,
) -> Option<Function> {
    match syn::parse2(item.clone()) {
        Ok(function) => Some(function),
        Err(error) => {
            let is_fn = item.clone().into_iter().any(|token| match token {
                proc_macro2::TokenTree::Ident(ident) => ident == "fn",
                _ => false,
            });
            if is_fn {
                diagnostics.push_syntax(error);
            } else {
                let head: TokenStream = item.clone().into_iter().take(1).collect();
                diagnostics.push(
                    head,
                    format_args!("`#[durable::{attribute}]` goes on an `async fn`"),
                    "the engine runs it as a future",
                    "move the attribute to the fn",
                );
            }
            None
        }
    }
}

/// Whether the signature is in order.
fn signature(function: &Function, shape: &Shape, diagnostics: &mut Diagnostics) -> bool {
    let mut found = Diagnostics::default();
    validate::signature::check(function, shape, &mut found);
    let in_order = found.is_empty();
    diagnostics.append(found);
    in_order
}

/// Reads and judges the body, and gives the fn with its names turned into keys. A body with a syntax
/// error is given back as it is, for the compiler to report.
fn body(
    function: &Function,
    args: &Args,
    diagnostics: &mut Diagnostics,
) -> (TokenStream, graph::Body) {
    let context = function.context().and_then(|(name, _)| name);
    let Some(mut block) = block(&function.body) else {
        let body = match context {
            Some(context) => expand::unread(&function.body, context, &args.paths),
            None => function.body.clone(),
        };
        return (function.with_body(body), graph::Body::default());
    };
    let read = parse::body::read(&block.block, context);
    let mut found = Diagnostics::default();
    validate::body(&function.name(), &read, &mut found);
    let refused = !found.is_empty();
    diagnostics.append(found);
    if let Some(context) = context {
        let block = &mut block.block;
        if refused {
            expand::mend(block, context, &read, &args.paths);
        }
        expand::rewrite(block, function.ident(), context, &args.paths);
        if refused {
            expand::detach(block, function.ident(), context, &args.paths);
        }
    }
    (function.with_body(block.into_tokens()), read)
}

/// A body that could be read.
struct ReadBlock {
    attributes: Vec<Attribute>,
    block: Block,
}

fn block(group: &Group) -> Option<ReadBlock> {
    let parser = |input: syn::parse::ParseStream<'_>| {
        Ok((
            input.call(Attribute::parse_inner)?,
            input.call(Block::parse_within)?,
        ))
    };
    let (attributes, stmts) = parser.parse2(group.stream()).ok()?;
    let block = Block {
        brace_token: Brace {
            span: group.delim_span(),
        },
        stmts,
    };
    Some(ReadBlock { attributes, block })
}

impl ReadBlock {
    fn into_tokens(self) -> TokenStream {
        let Self { attributes, block } = self;
        let mut tokens = TokenStream::new();
        block.brace_token.surround(&mut tokens, |inner| {
            attributes
                .iter()
                .for_each(|attribute| attribute.to_tokens(inner));
            block
                .stmts
                .iter()
                .for_each(|statement| statement.to_tokens(inner));
        });
        tokens
    }
}
