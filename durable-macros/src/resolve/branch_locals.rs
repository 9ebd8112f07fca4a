//! Locals that hold nothing but branches: `let quick = async { .. }; durable::race!(quick, slow)`. What is
//! bound to them is read as if it stood where the combinator, or the `.await`, names them.

use std::{
    collections::{BTreeMap, BTreeSet},
    ptr,
};

use proc_macro2::{Ident, TokenStream, TokenTree};
use quote::ToTokens;
use syn::{
    Arm, Block, Expr, ExprAsync, ExprAwait, ExprCall, ExprClosure, ExprForLoop, ExprIf, ExprLet,
    ExprMethodCall, ExprPath, ExprWhile, Item, Local, Macro, Pat, Stmt, visit::Visit,
};

use crate::{
    resolve::scopes::names_bound,
    syntax::{
        macros::{self, Part, Reading},
        operation_call::{Chain, fan_out, peel},
    },
};

/// Methods that put a branch into a list.
const ADDITIONS: [&str; 3] = ["extend", "push", "push_back"];

/// Whether a statement puts branches into a list: the local that holds it, and what is put there.
pub(crate) fn addition(statement: &Expr) -> Option<(&Ident, &ExprMethodCall)> {
    let Expr::MethodCall(call) = statement else {
        return None;
    };
    let is_addition = ADDITIONS.iter().any(|method| call.method == method);
    let list = named(&call.receiver).filter(|_| is_addition)?;
    Some((list, call))
}

/// The local that stands here by itself.
pub(crate) fn named(expression: &Expr) -> Option<&Ident> {
    match peel(expression) {
        Expr::Path(path) => path.path.get_ident(),
        _ => None,
    }
}

/// Which locals these are. One that is also used in another way is not among them.
#[derive(Default)]
pub(crate) struct BranchLocals {
    /// Those that are awaited, or are a branch of `durable::join!` and its kin.
    single: BTreeSet<Spot>,
    /// Those that are handed to `durable::join_all`.
    list: BTreeSet<Spot>,
    /// Which local a statement adds to.
    additions: BTreeMap<Spot, Spot>,
}

/// Where in the syntax tree a name stands, which tells locals of one name apart.
type Spot = *const Ident;

impl BranchLocals {
    pub(crate) fn of(block: &Block) -> Self {
        let mut search = Search::default();
        search.visit_block(block);
        let Search { found, others, .. } = search;
        Self {
            list: &(&found.list - &found.single) - &others,
            single: &found.single - &others,
            additions: found.additions,
        }
    }

    /// Whether it is one of them, by the name in its pattern.
    pub(crate) fn contains(&self, local: &Ident) -> bool {
        self.is_list(local) || self.single.contains(&ptr::from_ref(local))
    }

    /// Whether it is a list, by the name in its pattern.
    pub(crate) fn is_list(&self, local: &Ident) -> bool {
        self.list.contains(&ptr::from_ref(local))
    }

    /// Whether a list is what a statement adds to, by the name in the statement.
    pub(crate) fn is_list_added_to(&self, local: &Ident) -> bool {
        let local = self.additions.get(&ptr::from_ref(local));
        local.is_some_and(|local| self.list.contains(local))
    }
}

fn first_word(text: &str) -> &str {
    let end = text.find(|c: char| !c.is_alphanumeric() && c != '_');
    &text[..end.unwrap_or(text.len())]
}

/// Whether an expression uses the context in a block or a closure that somebody else runs.
pub(crate) fn defers(expression: &Expr, context: &Ident) -> bool {
    let mut search = Deferred {
        context,
        found: false,
    };
    search.visit_expr(expression);
    search.found
}

struct Deferred<'a> {
    context: &'a Ident,
    found: bool,
}

impl<'ast> Visit<'ast> for Deferred<'_> {
    fn visit_item(&mut self, _: &'ast Item) {}

    fn visit_expr_async(&mut self, block: &'ast ExprAsync) {
        self.found |= macros::names(block.block.to_token_stream(), self.context);
    }

    fn visit_expr_closure(&mut self, closure: &'ast ExprClosure) {
        self.found |= macros::names(closure.body.to_token_stream(), self.context);
    }

    fn visit_expr_method_call(&mut self, call: &'ast ExprMethodCall) {
        // The closures of an operation are its own.
        if Chain::of_call(call, self.context).is_none() {
            syn::visit::visit_expr_method_call(self, call);
        }
    }
}

#[derive(Default)]
struct Search {
    found: BranchLocals,
    others: BTreeSet<Spot>,
    /// What names mean at this place, the innermost last. What a pattern takes apart is no branch.
    scopes: Vec<(String, Option<Spot>)>,
}

impl Search {
    fn scope(&mut self, visit: impl FnOnce(&mut Self)) {
        let depth = self.scopes.len();
        visit(self);
        self.scopes.truncate(depth);
    }

    fn bind(&mut self, pattern: &Pat) {
        let pattern = match pattern {
            Pat::Type(typed) => &typed.pat,
            pattern => pattern,
        };
        match pattern {
            Pat::Ident(name) => {
                let place = ptr::from_ref(&name.ident);
                self.scopes.push((name.ident.to_string(), Some(place)));
            }
            pattern => {
                let names = names_bound(pattern).into_iter();
                self.scopes
                    .extend(names.map(|name| (name.to_string(), None)));
            }
        }
    }

    fn local(&self, name: &str) -> Option<Spot> {
        let found = self.scopes.iter().rev().find(|(local, _)| local == name);
        found.and_then(|(_, place)| *place)
    }

    fn branch(&mut self, expression: &Expr) {
        match named(expression) {
            Some(name) => self.found.single.extend(self.local(&name.to_string())),
            None => self.visit_expr(expression),
        }
    }

    fn list(&mut self, expression: &Expr) {
        match named(expression) {
            Some(name) => self.found.list.extend(self.local(&name.to_string())),
            None => self.visit_expr(expression),
        }
    }

    fn mention(&mut self, name: &str) {
        self.others.extend(self.local(name));
    }

    fn mention_all(&mut self, tokens: TokenStream) {
        for token in tokens {
            match token {
                TokenTree::Ident(ident) => self.mention(&ident.to_string()),
                TokenTree::Group(group) => self.mention_all(group.stream()),
                // A format string may capture: `"{name}"`.
                TokenTree::Literal(literal) => {
                    let literal = literal.to_string();
                    let captures = literal.split('{').skip(1);
                    captures.for_each(|capture| self.mention(first_word(capture)));
                }
                TokenTree::Punct(_) => {}
            }
        }
    }

    fn part(&mut self, part: &Part) {
        match part {
            Part::Branch(branch) => self.branch(branch),
            Part::Value(value) | Part::Handler(value) => self.visit_expr(value),
            Part::Pattern(_) | Part::Raw(_) => {}
            Part::Group(_, _, parts) => parts.iter().for_each(|part| self.part(part)),
        }
    }
}

impl<'ast> Visit<'ast> for Search {
    fn visit_item(&mut self, _: &'ast Item) {}

    fn visit_expr(&mut self, expression: &'ast Expr) {
        match expression {
            // The body of a step that need not be read.
            Expr::Verbatim(tokens) => self.mention_all(tokens.clone()),
            expression => syn::visit::visit_expr(self, expression),
        }
    }

    fn visit_block(&mut self, block: &'ast Block) {
        self.scope(|search| syn::visit::visit_block(search, block));
    }

    fn visit_stmt(&mut self, statement: &'ast Stmt) {
        if let Stmt::Expr(expression, Some(_)) = statement
            && let Some((list, call)) = addition(expression)
        {
            let local = self.local(&list.to_string());
            let added_to = local.map(|local| (ptr::from_ref(list), local));
            self.found.additions.extend(added_to);
            return call.args.iter().for_each(|arg| self.visit_expr(arg));
        }
        syn::visit::visit_stmt(self, statement);
    }

    fn visit_local(&mut self, local: &'ast Local) {
        if let Some(init) = &local.init {
            self.visit_expr(&init.expr);
            if let Some((_, otherwise)) = &init.diverge {
                self.visit_expr(otherwise);
            }
        }
        self.bind(&local.pat);
    }

    fn visit_expr_let(&mut self, expression: &'ast ExprLet) {
        self.visit_expr(&expression.expr);
        self.bind(&expression.pat);
    }

    fn visit_expr_if(&mut self, expression: &'ast ExprIf) {
        self.scope(|search| {
            search.visit_expr(&expression.cond);
            search.visit_block(&expression.then_branch);
        });
        if let Some((_, otherwise)) = &expression.else_branch {
            self.visit_expr(otherwise);
        }
    }

    fn visit_expr_while(&mut self, expression: &'ast ExprWhile) {
        self.scope(|search| syn::visit::visit_expr_while(search, expression));
    }

    fn visit_arm(&mut self, arm: &'ast Arm) {
        self.scope(|search| {
            search.bind(&arm.pat);
            syn::visit::visit_arm(search, arm);
        });
    }

    fn visit_expr_for_loop(&mut self, expression: &'ast ExprForLoop) {
        self.visit_expr(&expression.expr);
        self.scope(|search| {
            search.bind(&expression.pat);
            search.visit_block(&expression.body);
        });
    }

    fn visit_expr_closure(&mut self, closure: &'ast ExprClosure) {
        self.scope(|search| {
            closure.inputs.iter().for_each(|input| search.bind(input));
            search.visit_expr(&closure.body);
        });
    }

    fn visit_expr_await(&mut self, awaited: &'ast ExprAwait) {
        self.branch(&awaited.base);
    }

    fn visit_expr_call(&mut self, call: &'ast ExprCall) {
        if fan_out(call).is_none() {
            return syn::visit::visit_expr_call(self, call);
        }
        call.args.iter().for_each(|arg| self.list(arg));
    }

    fn visit_expr_path(&mut self, path: &'ast ExprPath) {
        if let Some(ident) = path.path.get_ident() {
            self.mention(&ident.to_string());
        }
    }

    fn visit_macro(&mut self, mac: &'ast Macro) {
        match macros::read(mac) {
            Reading::Combinator { parts, .. } => parts.iter().for_each(|part| self.part(part)),
            _ => self.mention_all(mac.tokens.clone()),
        }
    }
}
