//! Which local names hold durable operations that have not been awaited.

use std::collections::BTreeSet;

use proc_macro2::Ident;
use syn::{Expr, ExprAwait, ExprCall, ExprMacro, ExprMethodCall, Item, Pat, visit::Visit};

use super::calls::{Chain, FragmentCall, fan_out, names_bound, peel};

/// The names. Blocks are not told apart: too many names lead to a mistake that the engine reports at
/// run time, too few to a mistake reported here that is none.
#[derive(Default)]
pub(crate) struct Tainted(BTreeSet<String>);

impl Tainted {
    /// Notes that a pattern takes apart what this expression gives.
    pub(crate) fn flow(&mut self, pattern: &Pat, from: &Expr, context: &Ident) {
        if self.holds_operation(from, context) {
            self.0
                .extend(names_bound(pattern).iter().map(Ident::to_string));
        }
    }

    /// Notes that the local at the root of `target` takes in `value`.
    pub(crate) fn absorb(&mut self, target: &Expr, value: &Expr, context: &Ident) {
        if !self.holds_operation(value, context) {
            return;
        }
        if let Some(local) = root_local(target).filter(|local| *local != context) {
            self.0.insert(local.to_string());
        }
    }

    /// Whether an expression makes or mentions an operation that it does not await.
    pub(crate) fn holds_operation(&self, expression: &Expr, context: &Ident) -> bool {
        let mut search = Search {
            tainted: self,
            context,
            found: false,
        };
        search.visit_expr(expression);
        search.found
    }
}

fn root_local(expression: &Expr) -> Option<&Ident> {
    match peel(expression) {
        Expr::Path(path) => path.path.get_ident(),
        Expr::MethodCall(call) => root_local(&call.receiver),
        Expr::Field(field) => root_local(&field.base),
        Expr::Index(index) => root_local(&index.expr),
        Expr::Reference(reference) => root_local(&reference.expr),
        _ => None,
    }
}

struct Search<'a> {
    tainted: &'a Tainted,
    context: &'a Ident,
    found: bool,
}

impl<'ast> Visit<'ast> for Search<'_> {
    fn visit_expr_await(&mut self, _: &'ast ExprAwait) {}

    fn visit_item(&mut self, _: &'ast Item) {}

    fn visit_expr_method_call(&mut self, call: &'ast ExprMethodCall) {
        self.found |= Chain::of_call(call, self.context).is_some();
        syn::visit::visit_expr_method_call(self, call);
    }

    fn visit_expr_call(&mut self, call: &'ast ExprCall) {
        self.found |= fan_out(call).is_some() || FragmentCall::of(call, self.context).is_some();
        syn::visit::visit_expr_call(self, call);
    }

    fn visit_expr_path(&mut self, path: &'ast syn::ExprPath) {
        if let Some(ident) = path.path.get_ident() {
            self.found |= self.tainted.0.contains(&ident.to_string());
        }
    }

    fn visit_expr_macro(&mut self, mac: &'ast ExprMacro) {
        if let super::macros::Reading::Ordinary(parts) = super::macros::read(&mac.mac) {
            for part in &parts {
                if let super::macros::Part::Value(value) = part {
                    self.visit_expr(value);
                }
            }
        }
    }
}
