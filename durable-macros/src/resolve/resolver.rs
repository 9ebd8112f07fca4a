//! The walk that numbers locals. It alone knows where a name begins to mean a local, and where it ceases to.

use std::{mem, ptr};

use proc_macro2::{Ident, Span, TokenStream, TokenTree};
use syn::{
    Arm, Block, Expr, ExprAwait, ExprCall, ExprClosure, ExprForLoop, ExprIf, ExprLet,
    ExprMethodCall, ExprPath, ExprWhile, Item, LitStr, Local, Macro, Pat, Stmt, visit::Visit,
};

use super::locals::{LocalId, LocalUses, Mention, Resolved, Usage, sync_fns};
use crate::{
    operations::made_by,
    syntax::{
        expressions::{addition, fan_out, lone_name, names_bound, peel, referenced_name},
        function::Function,
        macros::{MacroArgs, MacroPiece},
        tokens,
    },
};

/// Resolves the names in the body of a fn.
pub(crate) fn resolve(block: &Block, function: &Function) -> Resolved {
    let mut resolver = Resolver::default();
    let context = function.context_name();
    let nameless = Ident::new("_no_context", Span::call_site());
    resolver.bind_name(context.unwrap_or(&nameless));
    for input in function.inputs() {
        // Not a context that is out of its place.
        let names = names_bound(&input.pat);
        if !names.into_iter().any(|name| Some(name) == context) {
            resolver.bind(&input.pat);
        }
    }
    resolver.notes_free = sync_fns(block).next().is_some();
    resolver.visit_block(block);
    // An item sees no locals.
    resolver.scopes.clear();
    for item in resolver.resolved.called_fns(block) {
        resolver.visit_block(&item.block);
    }
    resolver.resolved.aliases.finish();
    resolver.resolved
}

/// Where an expression names locals that are in sight around it.
pub(crate) fn mentions_in(expression: &Expr, in_sight: &[Mention]) -> Vec<Mention> {
    let mut resolver = Resolver {
        mentions: Some(Vec::new()),
        ..Resolver::default()
    };
    in_sight
        .iter()
        .for_each(|mention| resolver.bind_name(&mention.name));
    resolver.visit_expr(expression);
    let mentions = resolver.mentions.into_iter().flatten();
    let outer = mentions.filter_map(|Mention { name, local }| {
        let local = in_sight.get(local.0)?.local;
        Some(Mention { name, local })
    });
    outer.collect()
}

#[derive(Default)]
struct Resolver {
    resolved: Resolved,
    /// What names mean at this place, the innermost last.
    scopes: Vec<(String, LocalId)>,
    /// Whether this is in the body of a step.
    in_step: bool,
    /// Whether this is in the arguments of a macro, where text may name locals.
    in_macro: bool,
    /// Whether names that are no locals are of interest.
    notes_free: bool,
    /// Every mention of a local, if that is what is looked for.
    mentions: Option<Vec<Mention>>,
}

impl Resolver {
    fn scope(&mut self, visit: impl FnOnce(&mut Self)) {
        let depth = self.scopes.len();
        visit(self);
        self.scopes.truncate(depth);
    }

    fn bind(&mut self, pattern: &Pat) {
        names_bound(pattern)
            .into_iter()
            .for_each(|name| self.bind_name(name));
    }

    fn bind_name(&mut self, name: &Ident) {
        let local = LocalId(self.resolved.locals.len());
        let (ident, uses) = (name.clone(), Vec::new());
        self.resolved.locals.push(LocalUses { ident, uses });
        self.resolved.names.insert(ptr::from_ref(name), local);
        self.scopes.push((name.to_string(), local));
    }

    fn local(&self, name: &str) -> Option<LocalId> {
        let mut scopes = self.scopes.iter().rev();
        scopes
            .find(|(local, _)| local == name)
            .map(|(_, local)| *local)
    }

    fn is_context(&self, expression: &Expr) -> bool {
        referenced_name(expression).and_then(|name| self.local(&name.to_string()))
            == Some(LocalId::CONTEXT)
    }

    /// Notes that a name in the syntax tree is used.
    fn name(&mut self, name: &Ident, usage: Usage) {
        let text = name.to_string();
        if let Some(local) = self.local(&text) {
            self.resolved.names.insert(ptr::from_ref(name), local);
            self.used(local, usage);
            if let Some(mentions) = &mut self.mentions {
                mentions.push(Mention {
                    name: name.clone(),
                    local,
                });
            }
        } else if self.notes_free && !self.in_step {
            self.resolved.free.insert(text);
        }
    }

    fn used(&mut self, local: LocalId, usage: Usage) {
        let usage = if self.in_step { Usage::Step } else { usage };
        self.resolved.locals[local.0].uses.push(usage);
    }

    fn visit_as(&mut self, expression: &Expr, usage: Usage) {
        match lone_name(expression) {
            Some(name) => self.name(name, usage),
            None => self.visit_expr(expression),
        }
    }

    /// Notes the locals that are named in tokens which were not parsed.
    fn tokens(&mut self, unparsed: &TokenStream) {
        let mut mentions = Vec::new();
        tokens::any(unparsed.clone(), &mut |token| {
            match token {
                TokenTree::Ident(name) => match self.local(&name.to_string()) {
                    Some(local) => {
                        self.used(local, Usage::Otherwise);
                        let name = name.clone();
                        mentions.push(Mention { name, local });
                    }
                    None if self.notes_free && !self.in_step => {
                        self.resolved.free.insert(name.to_string());
                    }
                    None => {}
                },
                TokenTree::Literal(literal) => self.captures(&literal.to_string()),
                TokenTree::Group(_) | TokenTree::Punct(_) => {}
            }
            false
        });
        self.resolved
            .mentions
            .insert(ptr::from_ref(unparsed), mentions);
    }

    /// Notes the locals that a format string captures: `"{name}"`.
    fn captures(&mut self, text: &str) {
        for capture in text.split('{').skip(1) {
            let end = capture.find(|c: char| !c.is_alphanumeric() && c != '_');
            if let Some(local) = self.local(&capture[..end.unwrap_or(capture.len())]) {
                self.used(local, Usage::Otherwise);
            }
        }
    }

    fn pieces(&mut self, pieces: &[MacroPiece]) {
        let mut pattern = None;
        for piece in pieces {
            match piece {
                MacroPiece::Raw(_) => {}
                MacroPiece::Pattern(next) => pattern = Some(next),
                MacroPiece::Branch(branch) => self.visit_as(branch, Usage::Branch),
                // They see what the pattern before them binds.
                MacroPiece::Value(value) | MacroPiece::Handler(value) => {
                    self.scope(|resolver| {
                        pattern
                            .into_iter()
                            .for_each(|pattern| resolver.bind(pattern));
                        resolver.visit_expr(value);
                    });
                }
                MacroPiece::Bracketed(_, _, pieces) => self.pieces(pieces),
            }
        }
    }

    /// Whether this gives the context its own name again: `let ctx = ctx.clone();`.
    fn renews_context(&self, local: &Local) -> bool {
        let (Pat::Ident(name), Some(init)) = (&local.pat, &local.init) else {
            return false;
        };
        let value = match peel(&init.expr) {
            Expr::MethodCall(call) if call.method == "clone" => &call.receiver,
            value => value,
        };
        self.local(&name.ident.to_string()) == Some(LocalId::CONTEXT) && self.is_context(value)
    }
}

impl<'ast> Visit<'ast> for Resolver {
    fn visit_item(&mut self, item: &'ast Item) {
        self.resolved.aliases.add(item);
    }

    fn visit_expr(&mut self, expression: &'ast Expr) {
        match expression {
            // The body of a step that need not be parsed.
            Expr::Verbatim(tokens) => self.tokens(tokens),
            expression => syn::visit::visit_expr(self, expression),
        }
    }

    fn visit_expr_path(&mut self, path: &'ast ExprPath) {
        if let Some(name) = path.path.get_ident() {
            self.name(name, Usage::Otherwise);
        }
    }

    fn visit_lit_str(&mut self, text: &'ast LitStr) {
        if self.in_macro {
            self.captures(&text.value());
        }
    }

    fn visit_block(&mut self, block: &'ast Block) {
        self.scope(|resolver| syn::visit::visit_block(resolver, block));
    }

    fn visit_stmt(&mut self, statement: &'ast Stmt) {
        if let Stmt::Expr(expression, Some(_)) = statement
            && let Some((list, call)) = addition(expression)
            && let Some(local) = self.local(&list.to_string())
        {
            self.resolved.names.insert(ptr::from_ref(list), local);
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
        if !self.renews_context(local) {
            self.bind(&local.pat);
        }
    }

    fn visit_expr_let(&mut self, expression: &'ast ExprLet) {
        self.visit_expr(&expression.expr);
        self.bind(&expression.pat);
    }

    fn visit_expr_if(&mut self, expression: &'ast ExprIf) {
        self.scope(|resolver| {
            resolver.visit_expr(&expression.cond);
            resolver.visit_block(&expression.then_branch);
        });
        if let Some((_, otherwise)) = &expression.else_branch {
            self.visit_expr(otherwise);
        }
    }

    fn visit_expr_while(&mut self, expression: &'ast ExprWhile) {
        self.scope(|resolver| syn::visit::visit_expr_while(resolver, expression));
    }

    fn visit_arm(&mut self, arm: &'ast Arm) {
        self.scope(|resolver| {
            resolver.bind(&arm.pat);
            syn::visit::visit_arm(resolver, arm);
        });
    }

    fn visit_expr_for_loop(&mut self, expression: &'ast ExprForLoop) {
        self.visit_expr(&expression.expr);
        self.scope(|resolver| {
            resolver.bind(&expression.pat);
            resolver.visit_block(&expression.body);
        });
    }

    fn visit_expr_closure(&mut self, closure: &'ast ExprClosure) {
        self.scope(|resolver| {
            closure.inputs.iter().for_each(|input| resolver.bind(input));
            resolver.visit_expr(&closure.body);
        });
    }

    fn visit_expr_await(&mut self, awaited: &'ast ExprAwait) {
        self.visit_as(&awaited.base, Usage::Branch);
    }

    fn visit_expr_call(&mut self, call: &'ast ExprCall) {
        if fan_out(call).is_none() {
            return syn::visit::visit_expr_call(self, call);
        }
        call.args
            .iter()
            .for_each(|arg| self.visit_as(arg, Usage::List));
    }

    fn visit_expr_method_call(&mut self, call: &'ast ExprMethodCall) {
        let body = made_by(&call.method).and_then(|kind| kind.body);
        let body = body.filter(|_| self.is_context(&call.receiver));
        self.visit_expr(&call.receiver);
        for (index, arg) in call.args.iter().enumerate() {
            let runs = matches!(
                peel(arg),
                Expr::Closure(_) | Expr::Path(_) | Expr::Verbatim(_)
            );
            let in_step = self.in_step || (runs && Some(index) == body);
            let outer = mem::replace(&mut self.in_step, in_step);
            self.visit_expr(arg);
            self.in_step = outer;
        }
    }

    fn visit_macro(&mut self, mac: &'ast Macro) {
        let args = MacroArgs::parse(mac);
        match &args.pieces {
            Some(pieces) => {
                let outer = mem::replace(&mut self.in_macro, true);
                self.pieces(pieces);
                self.in_macro = outer;
            }
            None => self.tokens(&mac.tokens),
        }
        self.resolved.macros.insert(ptr::from_ref(mac), args);
    }
}
