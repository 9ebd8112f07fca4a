//! Bodies, and the bodies of steps in them. The body of a step is free: the rules look in it for a few words
//! only, so it stays tokens unless it has one of them. To parse it all the same would be a large part of what
//! an expansion costs.

use proc_macro2::{Delimiter, Group, Ident, Literal, TokenStream, TokenTree};
use syn::{
    Expr, ExprBlock, ExprLit, ExprMethodCall, Lit, Token,
    parse::{ParseStream, Parser},
    visit_mut::{self, VisitMut},
};

use super::{
    expressions::referenced_name,
    tokens::{self, is_mark},
};
use crate::operations::made_by;

/// Parses the body of a fn, in which the bodies of steps stay tokens where they can: an [`Expr::Verbatim`].
pub(crate) fn parse_body(body: &Group, context: Option<&Ident>) -> Option<ExprBlock> {
    let whole = || syn::parse2(TokenTree::Group(body.clone()).into()).ok();
    let Some(context) = context else {
        return whole();
    };
    let mut bodies = StepBodies {
        context,
        taken: Vec::new(),
        placed: 0,
    };
    let Some(rest) = bodies.take(&TokenTree::Group(body.clone()).into()) else {
        return whole();
    };
    let mut parsed: ExprBlock = syn::parse2(rest).ok()?;
    bodies.visit_block_mut(&mut parsed.block);
    if bodies.placed == bodies.taken.len() {
        Some(parsed)
    } else {
        whole()
    }
}

/// Parses the body of a step.
pub(crate) fn parse_step(body: &TokenStream) -> Option<Expr> {
    let parser = |input: ParseStream<'_>| {
        let body = input.parse()?;
        input.parse::<Option<Token![,]>>()?;
        Ok(body)
    };
    let body = parser.parse2(body.clone()).ok();
    body.filter(|body| !matches!(body, Expr::Verbatim(_)))
}

/// The bodies of steps that were taken out of a workflow's tokens. Their numbers are in their places.
struct StepBodies<'a> {
    context: &'a Ident,
    taken: Vec<TokenStream>,
    /// How many were put back.
    placed: usize,
}

impl StepBodies<'_> {
    /// The tokens without the bodies, if there are any.
    fn take(&mut self, tokens: &TokenStream) -> Option<TokenStream> {
        let mut trees: Vec<TokenTree> = tokens.clone().into_iter().collect();
        let mut changed = false;
        for at in 0..trees.len() {
            let TokenTree::Group(group) = &trees[at] else {
                continue;
            };
            if at > 0 && is_mark(&trees[at - 1], '!') {
                // A macro reads its tokens itself, and so do we.
                continue;
            }
            let stream = group.stream();
            let body = match group.delimiter() {
                Delimiter::Parenthesis => self.body_of(&trees[..at]),
                _ => None,
            };
            let taken = body.and_then(|body| self.take_body(&stream, body));
            if let Some(inner) = taken.or_else(|| self.take(&stream)) {
                let mut rest = Group::new(group.delimiter(), inner);
                rest.set_span(group.span());
                trees[at] = TokenTree::Group(rest);
                changed = true;
            }
        }
        changed.then(|| trees.into_iter().collect())
    }

    /// Which argument is a body, in a call of what these tokens end in: `ctx.step`.
    fn body_of(&self, before: &[TokenTree]) -> Option<usize> {
        match before {
            [
                ..,
                TokenTree::Ident(receiver),
                dot,
                TokenTree::Ident(method),
            ] if is_mark(dot, '.') && receiver == self.context => made_by(method)?.body,
            _ => None,
        }
    }

    /// Arguments without the last of them, the body: of `"charge", |step| charge(step)`.
    fn take_body(&mut self, args: &TokenStream, body: usize) -> Option<TokenStream> {
        let mut trees: Vec<TokenTree> = args.clone().into_iter().collect();
        let mut commas = (1..=trees.len()).filter(|end| is_mark(&trees[end - 1], ','));
        let rest = trees.split_off(commas.nth(body.checked_sub(1)?)?);
        let is_named = matches!(trees.first(), Some(TokenTree::Literal(_)));
        if !is_named || !is_closure(&rest) {
            return None;
        }
        trees.push(Literal::usize_unsuffixed(self.taken.len()).into());
        self.taken.push(rest.into_iter().collect());
        Some(trees.into_iter().collect())
    }

    /// Whether a body is to be parsed, to see what the rules look for.
    fn is_telling(&self, body: &TokenStream) -> bool {
        let context = self.context.to_string();
        let mut ok = false;
        tokens::any(body.clone(), &mut |token| match token {
            TokenTree::Ident(word) => {
                let word = word.to_string();
                ok |= word == "Ok";
                word == context || TELLING.contains(&&*word)
            }
            // A macro, whose tokens say what it makes of them, and an attribute.
            TokenTree::Punct(mark) => matches!(mark.as_char(), '!' | '#'),
            // Text that may be what the step gives: `Ok("done")`.
            TokenTree::Group(group) => ok && is_text(group.stream()),
            TokenTree::Literal(_) => false,
        })
    }
}

impl VisitMut for StepBodies<'_> {
    fn visit_expr_method_call_mut(&mut self, call: &mut ExprMethodCall) {
        visit_mut::visit_expr_method_call_mut(self, call);
        if referenced_name(&call.receiver).is_none_or(|name| name != self.context) {
            return;
        }
        let body = made_by(&call.method).and_then(|kind| kind.body);
        if let Some(arg) = body.and_then(|body| call.args.get_mut(body))
            && let Expr::Lit(ExprLit {
                lit: Lit::Int(number),
                ..
            }) = arg
            && let Ok(number) = number.base10_parse::<usize>()
            && let Some(body) = self.taken.get(number)
        {
            let parsed = self.is_telling(body).then(|| parse_step(body)).flatten();
            *arg = parsed.unwrap_or_else(|| Expr::Verbatim(body.clone()));
            self.placed += 1;
        }
    }
}

/// Words that the rules look for in a step too: those of items, and of the state that it reads.
const TELLING: [&str; 13] = [
    "const", "enum", "extern", "fn", "impl", "mod", "state", "static", "struct", "trait", "type",
    "union", "use",
];

/// Whether this begins as a closure does: `async move |step|`.
fn is_closure(tokens: &[TokenTree]) -> bool {
    let first = tokens.iter().find(|token| match token {
        TokenTree::Ident(word) => word != "move" && word != "async",
        _ => true,
    });
    first.is_some_and(|token| is_mark(token, '|'))
}

/// Whether this is a string and nothing else.
fn is_text(tokens: TokenStream) -> bool {
    let mut tokens = tokens.into_iter();
    match (tokens.next(), tokens.next()) {
        (Some(TokenTree::Literal(only)), None) => only.to_string().starts_with(['"', 'r']),
        _ => false,
    }
}
