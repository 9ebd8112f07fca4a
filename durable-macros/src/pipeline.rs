//! The stages in order, as ordinary fns over tokens. They are total: every input gives output.

use proc_macro2::{TokenStream, TokenTree};
use quote::quote;

use crate::{
    attributes::{AttributeKind, COMPENSATE, STEPS, WORKFLOW},
    diagnostics::{Diagnostics, report},
    emit::{self, Emitter},
    facts::BodyFacts,
    read::read_body,
    resolve::resolve,
    rules::{options::review_value, rewritten::review_rewritten, signature::review_signature},
    syntax::{arguments::AttributeArgs, function::Function, step_bodies::parse_body},
};

/// Expands `#[durable::workflow]`.
pub(crate) fn workflow(args: TokenStream, item: TokenStream) -> TokenStream {
    with_body(&WORKFLOW, args, item, |emitter, is_in_order| {
        emitter.workflow(is_in_order)
    })
}

/// Expands `#[durable::steps]`.
pub(crate) fn steps(args: TokenStream, item: TokenStream) -> TokenStream {
    with_body(&STEPS, args, item, |emitter, _| emitter.fragment())
}

/// Expands `#[durable::compensate]`.
pub(crate) fn compensate(args: TokenStream, item: TokenStream) -> TokenStream {
    let mut found = Diagnostics::default();
    let args = AttributeArgs::parse(&COMPENSATE, args, &mut found);
    let Some(function) = function(&COMPENSATE, &item, &mut found) else {
        return finish(item, TokenStream::new(), found);
    };
    let wrong = review_signature(&function, &COMPENSATE);
    let beside = if wrong.is_empty() {
        emit::compensation(&function, &args)
    } else {
        TokenStream::new()
    };
    found.append(wrong);
    for (name, value) in [("retry", &args.retry), ("timeout", &args.timeout)] {
        if let Some(value) = value {
            review_value(COMPENSATE.noun, name, value, &mut found);
        }
    }
    finish(item, beside, found)
}

/// What is generated beside a fn, whose signature may be in order.
type Beside = fn(&Emitter<'_>, bool) -> TokenStream;

/// Expands an attribute of a fn whose body makes operations.
fn with_body(
    attribute: &AttributeKind,
    args: TokenStream,
    item: TokenStream,
    beside: Beside,
) -> TokenStream {
    let mut found = Diagnostics::default();
    let args = AttributeArgs::parse(attribute, args, &mut found);
    let Some(function) = function(attribute, &item, &mut found) else {
        return finish(item, TokenStream::new(), found);
    };
    let nothing = BodyFacts::default();
    let above = review_rewritten(attribute, &function);
    if !above.is_empty() {
        found.append(above);
        let beside = beside(&Emitter::new(&function, &args, &nothing), false);
        return finish(emit::unread(&function), beside, found);
    }
    let wrong = review_signature(&function, attribute);
    let is_in_order = wrong.is_empty();
    found.append(wrong);
    if function.has_receiver() {
        // Nothing can stand beside a method.
        return finish(emit::unread(&function), TokenStream::new(), found);
    }
    let context = function.context_name();
    let Some(mut parsed) = parse_body(&function.body, context) else {
        let beside = beside(&Emitter::new(&function, &args, &nothing), is_in_order);
        return finish(emit::unread(&function), beside, found);
    };
    let names = resolve(&parsed.block, &function);
    let (body, wrong) = read_body(&parsed.block, &function, &names);
    let is_refused = !wrong.is_empty();
    found.append(wrong);
    let emitter = Emitter::new(&function, &args, &body);
    if context.is_some() {
        emitter.rewrite(&mut parsed.block, names);
    }
    let beside = beside(&emitter, is_in_order);
    if is_refused {
        let item = emit::refused(&function, parsed, found);
        return quote!(#item #beside);
    }
    finish(function.with_body(parsed), beside, found)
}

fn finish(item: TokenStream, beside: TokenStream, found: Diagnostics) -> TokenStream {
    let errors = found.into_compile_errors();
    quote!(#item #beside #errors)
}

/// Parses the item as a fn.
fn function(
    attribute: &AttributeKind,
    item: &TokenStream,
    found: &mut Diagnostics,
) -> Option<Function> {
    let error = match Function::parse(item) {
        Ok(mut function) => {
            let ident = function.ident().clone();
            for another in function.take_own_attributes() {
                report!(
                    found,
                    &another,
                    "`{ident}` has two attributes of `durable`",
                    "each makes the fn into something else: the second would find what the first has \
                     made of it",
                    "keep one of them",
                );
            }
            return Some(function);
        }
        Err(error) => error,
    };
    let is_fn = |token| matches!(token, TokenTree::Ident(word) if word == "fn");
    if item.clone().into_iter().any(is_fn) {
        found.push_syntax(error);
    } else {
        let name = attribute.name;
        report!(
            found,
            item.clone().into_iter().take(1).collect::<TokenStream>(),
            "`#[durable::{name}]` goes on an `async fn`",
            "the engine runs it as a future",
            "move the attribute to the fn",
        );
    }
    None
}
