//! A refused body as it was meant. The compiler reads the body too, and what it would say of a mistake
//! that was reported already would be noise; nothing is mended in a body that was not refused.

use proc_macro2::{Ident, TokenStream};
use syn::{
    Block, Expr, ExprAwait, ExprCall, ExprMethodCall, ExprReturn, ExprTry, Item, Macro, Stmt,
    parse_quote,
    visit_mut::{self, VisitMut},
};

use crate::{
    graph::{Body, Kind},
    parse::{
        body::turbofish,
        calls::{Chain, context_ident, is_context, is_of_result, kind_of, peel},
        macros,
    },
    paths::Paths,
    validate::{options, signature::Borrow},
};

/// Mends a body in place.
pub(crate) fn mend(block: &mut Block, context: &Ident, body: &Body, paths: &Paths) {
    let mut mender = Mender {
        context,
        body,
        private: paths.private(),
    };
    mender.visit_block_mut(block);
    if let Some(Stmt::Expr(tail, None)) = block.stmts.last_mut() {
        mender.returned(tail);
    }
}

struct Mender<'a> {
    context: &'a Ident,
    body: &'a Body,
    private: TokenStream,
}

impl VisitMut for Mender<'_> {
    fn visit_item_mut(&mut self, _: &mut Item) {}

    fn visit_expr_try_mut(&mut self, tried: &mut ExprTry) {
        if self.kind(&tried.expr).is_some() {
            await_it(&mut tried.expr);
        }
        visit_mut::visit_expr_try_mut(self, tried);
    }

    fn visit_expr_return_mut(&mut self, returned: &mut ExprReturn) {
        visit_mut::visit_expr_return_mut(self, returned);
        if let Some(value) = &mut returned.expr {
            self.returned(value);
        }
    }

    fn visit_expr_call_mut(&mut self, call: &mut ExprCall) {
        visit_mut::visit_expr_call_mut(self, call);
        let method = match peel(&call.func) {
            Expr::Path(path) => path.path.segments.last().map(|last| &last.ident),
            _ => None,
        };
        let first = call.args.first();
        if method.is_some_and(|method| kind_of(method).is_some())
            && first.is_some_and(|first| is_context(first, self.context))
        {
            self.rename(call.args.iter_mut().nth(1));
        }
    }

    fn visit_expr_method_call_mut(&mut self, call: &mut ExprMethodCall) {
        visit_mut::visit_expr_method_call_mut(self, call);
        self.named_elsewhere(call);
        if is_of_result(&call.method) && self.kind(&call.receiver).is_some() {
            await_it(&mut call.receiver);
        }
    }

    fn visit_expr_mut(&mut self, expression: &mut Expr) {
        visit_mut::visit_expr_mut(self, expression);
        if let Expr::Await(awaited) = expression
            && let Expr::MethodCall(call) = &*awaited.base
            && is_of_result(&call.method)
            && matches!(&*call.receiver, Expr::Await(_))
        {
            *expression = (*awaited.base).clone();
        }
        if let Expr::MethodCall(call) = expression
            && let Some(wait) = self.refused_signal(call)
        {
            *expression = wait;
        }
        if let Expr::MethodCall(call) = expression
            && call.method == "compensate"
            && self.is_late(&call.method)
        {
            *expression = (*call.receiver).clone();
        }
        if let Expr::MethodCall(call) = expression
            && let Some(kind) = self.kind(&call.receiver)
            && options::is_refused(kind, call)
        {
            *expression = (*call.receiver).clone();
        }
    }

    fn visit_macro_mut(&mut self, mac: &mut Macro) {
        macros::rewrite(mac, &mut |_, expression| self.visit_expr_mut(expression));
    }
}

impl Mender<'_> {
    /// What an expression makes, if that is an operation.
    fn kind(&self, expression: &Expr) -> Option<Kind> {
        let chain = Chain::of(expression, self.context)?;
        kind_of(&chain.call.method)
    }

    /// An operation of the context under another name.
    fn named_elsewhere(&self, call: &mut ExprMethodCall) {
        let is_alias = context_ident(&call.receiver)
            .is_some_and(|receiver| self.body.aliases.contains(receiver));
        if is_alias && kind_of(&call.method).is_some() {
            self.rename(call.args.first_mut());
        }
    }

    /// A wait for a signal whose value cannot be one.
    fn refused_signal(&self, call: &ExprMethodCall) -> Option<Expr> {
        let payload = turbofish(call.turbofish.as_ref());
        let is_refused = payload
            .as_ref()
            .is_none_or(|payload| Borrow::find(payload).is_some());
        if !is_refused || call.method != "signal" || !is_context(&call.receiver, self.context) {
            return None;
        }
        let Self { private, .. } = self;
        let payload = payload.unwrap_or_else(|| parse_quote!(_));
        let (context, name) = (&call.receiver, &call.args);
        Some(parse_quote!(#private::refused_signal::<#payload, _>(&#context, (#name))))
    }

    /// The name of an operation that is built in another way than on the context.
    fn rename(&self, name: Option<&mut Expr>) {
        if let Some(name @ Expr::Lit(_)) = name {
            let private = &self.private;
            *name = parse_quote!(#private::InvalidKey::of(&#name));
        }
    }

    /// Whether an option was reported as one that is set too late.
    fn is_late(&self, option: &Ident) -> bool {
        let same = |late: &Ident| late == option && late.span().start() == option.span().start();
        self.body.late_options.iter().any(same)
    }

    /// An operation that is returned in place of what it comes to.
    fn returned(&self, value: &mut Expr) {
        if self.kind(value).is_some() {
            let operation = peel(value);
            *value = parse_quote!(::core::result::Result::Ok(#operation.await?));
        }
    }
}

fn await_it(operation: &mut Box<Expr>) {
    let base = operation.clone();
    **operation = Expr::Await(ExprAwait {
        attrs: Vec::new(),
        base,
        dot_token: parse_quote!(.),
        await_token: parse_quote!(await),
    });
}
