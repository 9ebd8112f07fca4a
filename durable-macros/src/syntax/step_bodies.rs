//! The bodies of steps that need not be read. The body of a step is free: the rules look in it for a few
//! words only, and where its tokens have none of them, there is nothing to find. Parsing it all the same
//! would be a large part of what an expansion costs.

use proc_macro2::{Delimiter, Group, Ident, Literal, TokenStream, TokenTree};
use syn::{
    Block, Expr, ExprLit, ExprMethodCall, Lit, Token,
    parse::{ParseStream, Parser},
    visit_mut::{self, VisitMut},
};

use crate::syntax::operation_call::is_context;

/// Words that the rules look for in a step too: those of items, and of the state that it reads.
const TELLING: [&str; 13] = [
    "const", "enum", "extern", "fn", "impl", "mod", "state", "static", "struct", "trait", "type",
    "union", "use",
];

/// Step bodies that were taken out of a workflow's tokens. Their numbers are in their places.
#[derive(Default)]
pub(crate) struct SetAside {
    bodies: Vec<TokenStream>,
    /// Whether a local may hold a closure.
    closures: bool,
}

impl SetAside {
    /// Takes the bodies that need not be read out of these tokens.
    pub(crate) fn take(tokens: &TokenStream, context: &Ident) -> (Self, TokenStream) {
        let mut aside = Self::default();
        let rest = aside.fold(tokens, &context.to_string());
        (aside, rest.unwrap_or_else(|| tokens.clone()))
    }

    /// The tokens without the bodies, if there are any.
    fn fold(&mut self, tokens: &TokenStream, context: &str) -> Option<TokenStream> {
        let mut trees: Vec<TokenTree> = tokens.clone().into_iter().collect();
        let mut changed = false;
        for at in 0..trees.len() {
            let group = match &trees[at] {
                TokenTree::Group(group) => group,
                TokenTree::Punct(mark) if mark.as_char() == '=' => {
                    self.closures |= may_be_closure(trees.get(at + 1));
                    continue;
                }
                _ => continue,
            };
            if at > 0 && is_punct(&trees[at - 1], '!') {
                // A macro reads its tokens itself, and so do we.
                self.closures = true;
                continue;
            }
            let stream = group.stream();
            let is_step =
                group.delimiter() == Delimiter::Parenthesis && is_step(&trees[..at], context);
            let taken = if is_step {
                self.take_body(&stream, context)
            } else {
                None
            };
            if let Some(inner) = taken.or_else(|| self.fold(&stream, context)) {
                let mut folded = Group::new(group.delimiter(), inner);
                folded.set_span(group.span());
                trees[at] = TokenTree::Group(folded);
                changed = true;
            }
        }
        changed.then(|| trees.into_iter().collect())
    }

    /// The arguments of a step without its body: of `"charge", |step| charge(step)`.
    fn take_body(&mut self, args: &TokenStream, context: &str) -> Option<TokenStream> {
        let mut trees = args.clone().into_iter();
        let (name, comma) = (trees.next()?, trees.next()?);
        let body: Vec<TokenTree> = trees.collect();
        let is_named = matches!(name, TokenTree::Literal(_)) && is_punct(&comma, ',');
        if !is_named || !is_closure(&body) || is_telling(&body, context) || gives_text(&body) {
            return None;
        }
        let number = TokenTree::Literal(Literal::usize_unsuffixed(self.bodies.len()));
        self.bodies.push(body.into_iter().collect());
        Some([name, comma, number].into_iter().collect())
    }

    /// Whether a local may hold a closure, which may be the body of a step.
    pub(crate) fn has_closures(&self) -> bool {
        self.closures
    }

    /// Whether all is to be read.
    pub(crate) fn is_empty(&self) -> bool {
        self.bodies.is_empty()
    }

    /// Puts the bodies back, as tokens, and says whether each of them found its place.
    pub(crate) fn put_back(self, block: &mut Block, context: &Ident) -> bool {
        if self.bodies.is_empty() {
            return true;
        }
        let mut put_back = PutBack {
            bodies: self.bodies,
            placed: 0,
            context,
        };
        put_back.visit_block_mut(block);
        put_back.placed == put_back.bodies.len()
    }
}

/// Reads a body that was set aside after all.
pub(crate) fn read(body: &TokenStream) -> Option<Expr> {
    let parser = |input: ParseStream<'_>| {
        let body = input.parse()?;
        input.parse::<Option<Token![,]>>()?;
        Ok(body)
    };
    let body = parser.parse2(body.clone()).ok();
    body.filter(|body| !matches!(body, Expr::Verbatim(_)))
}

struct PutBack<'a> {
    bodies: Vec<TokenStream>,
    placed: usize,
    context: &'a Ident,
}

impl VisitMut for PutBack<'_> {
    fn visit_expr_method_call_mut(&mut self, call: &mut ExprMethodCall) {
        visit_mut::visit_expr_method_call_mut(self, call);
        if let Some(Expr::Lit(ExprLit {
            lit: Lit::Int(number),
            ..
        })) = call.args.get(1)
            && is_context(&call.receiver, self.context)
            && let Ok(number) = number.base10_parse::<usize>()
            && let Some(body) = self.bodies.get(number)
        {
            call.args[1] = Expr::Verbatim(body.clone());
            self.placed += 1;
        }
    }
}

/// Whether these tokens end in `ctx.step`.
fn is_step(before: &[TokenTree], context: &str) -> bool {
    match before {
        [
            ..,
            TokenTree::Ident(receiver),
            dot,
            TokenTree::Ident(method),
        ] => is_punct(dot, '.') && method == "step" && receiver == context,
        _ => false,
    }
}

/// Whether what follows a `=` may be a closure.
fn may_be_closure(next: Option<&TokenTree>) -> bool {
    match next {
        Some(TokenTree::Ident(word)) => word == "move" || word == "async" || word == "static",
        Some(TokenTree::Punct(mark)) => matches!(mark.as_char(), '|' | '#'),
        Some(TokenTree::Group(_)) => true,
        Some(TokenTree::Literal(_)) | None => false,
    }
}

/// Whether this begins as a closure does: `async move |step|`.
fn is_closure(tokens: &[TokenTree]) -> bool {
    let first = tokens.iter().find(|token| match token {
        TokenTree::Ident(word) => word != "move" && word != "async",
        _ => true,
    });
    first.is_some_and(|token| is_punct(token, '|'))
}

/// Whether text that stands in it may be what the step gives: `Ok("done")`.
fn gives_text(tokens: &[TokenTree]) -> bool {
    let mut seen = false;
    tokens.iter().any(|token| match token {
        TokenTree::Ident(word) => {
            seen |= word == "Ok";
            false
        }
        TokenTree::Group(group) => {
            let inner: Vec<TokenTree> = group.stream().into_iter().collect();
            (seen && is_text(&inner)) || gives_text(&inner)
        }
        TokenTree::Punct(_) | TokenTree::Literal(_) => false,
    })
}

fn is_text(tokens: &[TokenTree]) -> bool {
    matches!(tokens, [TokenTree::Literal(literal)] if literal.to_string().starts_with(['"', 'r']))
}

fn is_telling(tokens: &[TokenTree], context: &str) -> bool {
    tokens.iter().any(|token| match token {
        TokenTree::Ident(word) => {
            let word = word.to_string();
            word == context || TELLING.contains(&&*word)
        }
        // A macro, whose tokens say what it makes of them, and an attribute.
        TokenTree::Punct(mark) => matches!(mark.as_char(), '!' | '#'),
        TokenTree::Group(group) => {
            let inner: Vec<TokenTree> = group.stream().into_iter().collect();
            is_telling(&inner, context)
        }
        TokenTree::Literal(_) => false,
    })
}

fn is_punct(token: &TokenTree, mark: char) -> bool {
    matches!(token, TokenTree::Punct(punct) if punct.as_char() == mark)
}
