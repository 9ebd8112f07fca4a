//! The stages in order, as ordinary fns over tokens. They are total: every input gives output.

use proc_macro2::{Group, TokenStream, TokenTree};
use quote::quote;

use crate::{
    attributes::{AttributeKind, COMPENSATE, STEPS, WORKFLOW},
    diagnostics::{Diagnostics, report},
    emit,
    facts::BodyFacts,
    read::read_body,
    refuse,
    resolve::resolve,
    rules::{
        self, options::review_value, rewritten::report_rewritten, signature::review_signature,
    },
    syntax::{
        arguments::AttributeArgs, function::Function, rewritten::RewritingAttribute,
        step_bodies::ParsedBody,
    },
};

/// Expands `#[durable::workflow]`.
pub(crate) fn workflow(args: TokenStream, item: TokenStream) -> TokenStream {
    with_body(&WORKFLOW, args, item, emit::workflow)
}

/// Expands `#[durable::steps]`.
pub(crate) fn steps(args: TokenStream, item: TokenStream) -> TokenStream {
    with_body(&STEPS, args, item, |function, args, body, _| {
        emit::fragment(function, args, body)
    })
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
type Beside = fn(&Function, &AttributeArgs, &BodyFacts, bool) -> TokenStream;

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
    if let Some(above) = RewritingAttribute::find(&function) {
        report_rewritten(attribute, &above, &mut found);
        let item = function.with_body(unread(&function, &args));
        let beside = beside(&function, &args, &BodyFacts::default(), false);
        return finish(item, beside, found);
    }
    let wrong = review_signature(&function, attribute);
    let is_in_order = wrong.is_empty();
    found.append(wrong);
    if function.has_receiver() {
        // Nothing can stand beside a method.
        let item = function.with_body(unread(&function, &args));
        return finish(item, TokenStream::new(), found);
    }
    let (item, body) = body(&function, &args, &mut found);
    let beside = beside(&function, &args, &body, is_in_order);
    finish(item, beside, found)
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

/// Reads and judges the body, and gives the fn with its names turned into keys. A body with a syntax
/// error is given back as it is, for the compiler to report.
fn body(
    function: &Function,
    args: &AttributeArgs,
    found: &mut Diagnostics,
) -> (TokenStream, BodyFacts) {
    let (ident, paths) = (function.ident(), &args.paths);
    let context = function.context_name();
    let Some(mut parsed) = ParsedBody::parse(&function.body, context) else {
        let item = function.with_body(unread(function, args));
        return (item, BodyFacts::default());
    };
    let mut names = resolve(&parsed.block, context, function.inputs());
    let mut body = read_body(&parsed.block, context, function.inputs(), &names);
    let wrong = rules::review(&function.name(), &body);
    let is_refused = !wrong.is_empty();
    found.append(wrong);
    if let Some(context) = context {
        if is_refused {
            refuse::mend(&mut parsed.block, ident, context, &body, paths);
            names = resolve(&parsed.block, Some(context), function.inputs());
        }
        emit::rewrite_body(&mut parsed.block, ident, names, paths);
        if is_refused {
            refuse::detach(&mut parsed.block, ident, context, paths);
        }
    }
    body.cut_recursion(ident);
    (function.with_body(parsed), body)
}

/// The body as it is, except for the names in it.
fn unread(function: &Function, args: &AttributeArgs) -> Group {
    match function.context_name() {
        Some(context) => refuse::unread_body(&function.body, context, &args.paths),
        None => function.body.clone(),
    }
}
