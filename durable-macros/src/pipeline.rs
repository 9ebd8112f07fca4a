//! The stages in order, as ordinary fns over tokens. They are total: every input gives output.

use proc_macro2::{Group, Ident, TokenStream};
use quote::{ToTokens, quote};
use syn::{Attribute, Block, parse::Parser, token::Brace};

use crate::{
    diagnostics::Diagnostics,
    emit, facts, read, refuse,
    rules::{self, signature::Shape},
    syntax::{
        arguments::{self, Args},
        function::Function,
        rewritten,
        step_bodies::SetAside,
    },
};

/// Expands `#[durable::workflow]`.
pub(crate) fn workflow(args: TokenStream, item: TokenStream) -> TokenStream {
    let mut diagnostics = Diagnostics::default();
    let args = arguments::parse("workflow", args, &mut diagnostics);
    let Some(function) = function("workflow", &item, &mut diagnostics) else {
        return finish(item, TokenStream::new(), diagnostics);
    };
    if let Some(above) = rewritten::find(&function) {
        rules::rewritten::report("workflow", &above, &mut diagnostics);
        let item = function.with_body(unread(&function, &args));
        let beside = emit::workflow(&function, &args, &facts::Body::default(), false);
        return finish(item, beside, diagnostics);
    }
    let signed = signature(&function, &rules::signature::WORKFLOW, &mut diagnostics);
    if function.has_receiver() {
        // Nothing can stand beside a method.
        let item = function.with_body(unread(&function, &args));
        return finish(item, TokenStream::new(), diagnostics);
    }
    let (item, body) = body(&function, &args, &mut diagnostics);
    let beside = emit::workflow(&function, &args, &body, signed);
    finish(item, beside, diagnostics)
}

/// Expands `#[durable::steps]`.
pub(crate) fn steps(args: TokenStream, item: TokenStream) -> TokenStream {
    let mut diagnostics = Diagnostics::default();
    let args = arguments::parse("steps", args, &mut diagnostics);
    let Some(function) = function("steps", &item, &mut diagnostics) else {
        return finish(item, TokenStream::new(), diagnostics);
    };
    if let Some(above) = rewritten::find(&function) {
        rules::rewritten::report("steps", &above, &mut diagnostics);
        let item = function.with_body(unread(&function, &args));
        let beside = emit::fragment(&function, &args.paths, &facts::Body::default());
        return finish(item, beside, diagnostics);
    }
    signature(&function, &rules::signature::FRAGMENT, &mut diagnostics);
    let (item, body) = body(&function, &args, &mut diagnostics);
    let beside = emit::fragment(&function, &args.paths, &body);
    finish(item, beside, diagnostics)
}

/// Expands `#[durable::compensate]`.
pub(crate) fn compensate(args: TokenStream, item: TokenStream) -> TokenStream {
    let mut diagnostics = Diagnostics::default();
    let args = arguments::parse("compensate", args, &mut diagnostics);
    let Some(function) = function("compensate", &item, &mut diagnostics) else {
        return finish(item, TokenStream::new(), diagnostics);
    };
    let signed = signature(&function, &rules::signature::COMPENSATION, &mut diagnostics);
    let options = [("retry", &args.retry), ("timeout", &args.timeout)];
    for (name, value) in options {
        if let Some(value) = value {
            rules::options::value("compensation", name, value, &mut diagnostics);
        }
    }
    let beside = if signed {
        emit::compensation(&function, &args)
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
    match Function::read(item) {
        Ok(mut function) => {
            for another in function.take_own_attributes() {
                diagnostics.push(
                    &another,
                    format_args!("`{}` has two attributes of `durable`", function.ident()),
                    "each makes the fn into something else: the second would find what the first has \
                     made of it",
                    "keep one of them",
                );
            }
            Some(function)
        }
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
    rules::signature::check(function, shape, &mut found);
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
) -> (TokenStream, facts::Body) {
    let context = function.context().and_then(|(name, _)| name);
    let judged = context.and_then(|context| judge_quickly(function, context));
    let judged = judged.or_else(|| {
        let block = block(&function.body, function.body.stream())?;
        Some(judge(function, context, block, true))
    });
    let Some(Judged {
        mut block,
        mut read,
        found,
    }) = judged
    else {
        let body = unread(function, args);
        return (function.with_body(body), facts::Body::default());
    };
    let refused = !found.is_empty();
    diagnostics.append(found);
    if let Some(context) = context {
        let block = &mut block.block;
        if refused {
            refuse::mend(block, function.ident(), context, &read, &args.paths);
        }
        emit::rewrite(block, function.ident(), context, &args.paths);
        if refused {
            refuse::detach(block, function.ident(), context, &args.paths);
        }
    }
    read.cut_recursion(function.ident());
    (function.with_body(block.into_tokens()), read)
}

/// A body that was read, and what is wrong with it.
struct Judged {
    block: ReadBlock,
    read: facts::Body,
    found: Diagnostics,
}

/// Reads and judges a body without the step bodies that need not be read. A body that is refused is mended,
/// for which all of it is to be read.
fn judge_quickly(function: &Function, context: &Ident) -> Option<Judged> {
    let (aside, tokens) = SetAside::take(&function.body.stream(), context);
    let (is_whole, closures) = (aside.is_empty(), aside.has_closures());
    let mut block = block(&function.body, tokens)?;
    if !aside.put_back(&mut block.block, context) {
        return None;
    }
    let judged = judge(function, Some(context), block, closures);
    (is_whole || judged.found.is_empty()).then_some(judged)
}

fn judge(function: &Function, context: Option<&Ident>, block: ReadBlock, closures: bool) -> Judged {
    let read = read::body::read(&block.block, context, function.inputs(), closures);
    let mut found = Diagnostics::default();
    rules::body(&function.name(), &read, &mut found);
    Judged { block, read, found }
}

/// What is made of a fn whose body is accepted without all of it being read, and what is made of it
/// otherwise; nothing if it is not.
#[cfg(test)]
pub(crate) fn judged_both_ways(item: TokenStream) -> Option<[String; 2]> {
    let function = Function::read(&item).ok()?;
    let context = function.context()?.0?;
    let quick = judge_quickly(&function, context)?;
    let block = block(&function.body, function.body.stream())?;
    let both = [quick, judge(&function, Some(context), block, true)].map(|judged| {
        let graph = emit::graph_text("order", 1, &judged.read);
        let states = judged.read.states.iter();
        let body = judged.block.into_tokens();
        let errors = judged.found.into_compile_errors();
        // Tokens that were parsed are spaced in another way.
        let all = quote!(#errors #graph #(#states)* #body).to_string();
        all.split_whitespace().collect()
    });
    Some(both)
}

/// The body as it is, except for the names in it.
fn unread(function: &Function, args: &Args) -> Group {
    match function.context() {
        Some((Some(context), _)) => refuse::unread(&function.body, context, &args.paths),
        _ => function.body.clone(),
    }
}

/// A body that could be read.
struct ReadBlock {
    attributes: Vec<Attribute>,
    block: Block,
}

fn block(group: &Group, tokens: TokenStream) -> Option<ReadBlock> {
    let parser = |input: syn::parse::ParseStream<'_>| {
        Ok((
            input.call(Attribute::parse_inner)?,
            input.call(Block::parse_within)?,
        ))
    };
    let (attributes, stmts) = parser.parse2(tokens).ok()?;
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
