//! Locals that only step bodies use: `let fetch = |url| async move { .. };`.

use std::collections::BTreeSet;

use proc_macro2::{Ident, TokenStream, TokenTree};
use syn::{Block, Expr, ExprMethodCall, ExprPath, Item, ItemFn, Macro, Stmt, visit::Visit};

use crate::{
    facts::Kind,
    syntax::{
        macros::{self, Part, Reading},
        operation_call::{Chain, peel},
    },
};

/// Finds them, by name: a name that is also used elsewhere is not among them.
pub(crate) fn find(block: &Block, context: &Ident) -> BTreeSet<String> {
    let search = Search::of(block, context);
    &search.inside - &search.outside
}

/// The fns of a body that it calls itself, outside the bodies of its steps.
pub(crate) fn called_fns<'a>(block: &'a Block, context: &Ident) -> Vec<&'a ItemFn> {
    let fns = block.stmts.iter().filter_map(|statement| match statement {
        Stmt::Item(Item::Fn(item)) if item.sig.asyncness.is_none() => Some(item),
        _ => None,
    });
    let mut fns: Vec<&ItemFn> = fns.collect();
    if !fns.is_empty() {
        let search = Search::of(block, context);
        fns.retain(|item| search.outside.contains(&item.sig.ident.to_string()));
    }
    fns
}

struct Search<'a> {
    context: &'a Ident,
    in_step: bool,
    inside: BTreeSet<String>,
    outside: BTreeSet<String>,
}

impl<'a> Search<'a> {
    fn of(block: &Block, context: &'a Ident) -> Self {
        let mut search = Self {
            context,
            in_step: false,
            inside: BTreeSet::new(),
            outside: BTreeSet::new(),
        };
        search.visit_block(block);
        search
    }

    fn mention(&mut self, ident: &Ident) {
        let names = if self.in_step {
            &mut self.inside
        } else {
            &mut self.outside
        };
        names.insert(ident.to_string());
    }

    fn part(&mut self, part: &Part) {
        match part {
            Part::Value(value) | Part::Branch(value) | Part::Handler(value) => {
                self.visit_expr(value);
            }
            Part::Raw(tokens) => self.mention_all(tokens.clone()),
            Part::Pattern(_) => {}
            Part::Group(_, _, parts) => parts.iter().for_each(|part| self.part(part)),
        }
    }

    fn mention_all(&mut self, tokens: TokenStream) {
        for token in tokens {
            match token {
                TokenTree::Ident(ident) => self.mention(&ident),
                TokenTree::Group(group) => self.mention_all(group.stream()),
                TokenTree::Punct(_) | TokenTree::Literal(_) => {}
            }
        }
    }
}

impl<'ast> Visit<'ast> for Search<'_> {
    // An item sees no locals.
    fn visit_item(&mut self, _: &'ast Item) {}

    fn visit_expr_method_call(&mut self, call: &'ast ExprMethodCall) {
        let is_step = Chain::of_call(call, self.context)
            .is_some_and(|chain| chain.options.is_empty() && chain.kind == Kind::Step);
        if !is_step {
            return syn::visit::visit_expr_method_call(self, call);
        }
        for (index, arg) in call.args.iter().enumerate() {
            let body = index == 1
                && matches!(
                    peel(arg),
                    Expr::Closure(_) | Expr::Path(_) | Expr::Verbatim(_)
                );
            let outer = self.in_step;
            self.in_step |= body;
            self.visit_expr(arg);
            self.in_step = outer;
        }
    }

    fn visit_expr(&mut self, expression: &'ast Expr) {
        match expression {
            Expr::Verbatim(tokens) => self.mention_all(tokens.clone()),
            expression => syn::visit::visit_expr(self, expression),
        }
    }

    fn visit_expr_path(&mut self, path: &'ast ExprPath) {
        if let Some(ident) = path.path.get_ident() {
            self.mention(ident);
        }
    }

    fn visit_macro(&mut self, mac: &'ast Macro) {
        match macros::read(mac) {
            Reading::Combinator { parts, .. } | Reading::Ordinary(parts) => {
                parts.iter().for_each(|part| self.part(part));
            }
            _ => self.mention_all(mac.tokens.clone()),
        }
    }
}
