//! A refused body as it was meant. The compiler reads the body too, and what it would say of a mistake
//! that was reported already would be noise; nothing is mended in a body that was not refused.

use proc_macro2::Ident;
use syn::{
    Block, Expr, ExprAwait, ExprMethodCall, ExprReturn, ExprTry, Item, Macro, Stmt, parse_quote,
    visit_mut::{self, VisitMut},
};

use crate::{
    graph::{Body, Kind},
    parse::{
        calls::{Chain, kind_of, peel},
        macros,
    },
    validate::{drops, options},
};

/// Mends a body in place.
pub(crate) fn mend(block: &mut Block, context: &Ident, body: &Body) {
    let mut mender = Mender { context, body };
    mender.visit_block_mut(block);
    if let Some(Stmt::Expr(tail, None)) = block.stmts.last_mut() {
        mender.returned(tail);
    }
}

struct Mender<'a> {
    context: &'a Ident,
    body: &'a Body,
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

    fn visit_expr_method_call_mut(&mut self, call: &mut ExprMethodCall) {
        visit_mut::visit_expr_method_call_mut(self, call);
        if drops::is_of_result(&call.method) && self.kind(&call.receiver).is_some() {
            await_it(&mut call.receiver);
        }
    }

    fn visit_expr_mut(&mut self, expression: &mut Expr) {
        visit_mut::visit_expr_mut(self, expression);
        if let Expr::Await(awaited) = expression
            && let Expr::MethodCall(call) = &*awaited.base
            && drops::is_of_result(&call.method)
            && matches!(&*call.receiver, Expr::Await(_))
        {
            *expression = (*awaited.base).clone();
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
