//! The walk over a body's syntax tree.

use std::mem;

use proc_macro2::TokenStream;
use syn::{
    Attribute, BinOp, Block, Expr, ExprArray, ExprAssign, ExprAsync, ExprAwait, ExprBinary,
    ExprBlock, ExprBreak, ExprCall, ExprClosure, ExprContinue, ExprField, ExprForLoop, ExprIf,
    ExprLet, ExprLoop, ExprMacro, ExprMatch, ExprMethodCall, ExprPath, ExprReturn, ExprStruct,
    ExprTry, ExprTuple, ExprUnsafe, ExprWhile, Item, Path, QSelf, Stmt, Type, visit::Visit,
};

use crate::{
    facts::{Fate, How, Place},
    read::body::{Reader, summary},
    resolve::scopes::Holds,
    syntax::{cfgs, step_bodies},
};

impl<'ast> Visit<'ast> for Reader {
    fn visit_attribute(&mut self, _: &'ast Attribute) {}

    fn visit_item(&mut self, _: &'ast Item) {}

    fn visit_expr(&mut self, expression: &'ast Expr) {
        if let Expr::Verbatim(tokens) = expression {
            return self.set_aside(tokens);
        }
        // What becomes of an expression's value is known for it alone, and not for its parts.
        if !matches!(
            expression,
            Expr::Async(_)
                | Expr::Array(_)
                | Expr::Tuple(_)
                | Expr::Paren(_)
                | Expr::Group(_)
                | Expr::Block(_)
                | Expr::Unsafe(_)
                | Expr::If(_)
                | Expr::Match(_)
                | Expr::MethodCall(_)
                | Expr::Call(_)
        ) {
            self.fate = Fate::Used;
        }
        syn::visit::visit_expr(self, expression);
    }

    fn visit_stmt(&mut self, statement: &'ast Stmt) {
        let cfgs = cfgs::of_statement(statement);
        self.configured(cfgs, |reader| reader.statement(statement));
    }

    fn visit_block(&mut self, block: &'ast Block) {
        let fate = mem::replace(&mut self.fate, Fate::Used);
        self.scope(|reader| {
            let last = block.stmts.len().saturating_sub(1);
            for (index, statement) in block.stmts.iter().enumerate() {
                match statement {
                    Stmt::Expr(tail, None) if index == last => {
                        let cfgs = cfgs::of_statement(statement);
                        reader.configured(cfgs, |reader| reader.visit_as(tail, fate));
                    }
                    statement => reader.visit_stmt(statement),
                }
            }
        });
    }

    fn visit_expr_macro(&mut self, expression: &'ast ExprMacro) {
        self.read_macro(&expression.mac);
    }

    fn visit_expr_method_call(&mut self, call: &'ast ExprMethodCall) {
        self.method_call(call);
    }

    fn visit_expr_call(&mut self, call: &'ast ExprCall) {
        self.call(call);
    }

    fn visit_expr_closure(&mut self, closure: &'ast ExprClosure) {
        if self.makes_step_body {
            return self.step_body(closure);
        }
        let place = match self.place {
            place if place.is_unjudged() => place,
            _ if self.fan_out => Place::FanOut,
            _ => Place::Closure,
        };
        let feeds = self.feeds;
        self.apart(place, |reader| {
            for pattern in &closure.inputs {
                reader.visit_pat(pattern);
                reader.bind_all(pattern, feeds);
            }
            let fate = match place {
                Place::FanOut => Fate::Branch,
                _ => Fate::Used,
            };
            reader.visit_as(&closure.body, fate);
        });
    }

    fn visit_expr_field(&mut self, field: &'ast ExprField) {
        // A method that is still being typed, which the compiler completes; a context has no fields.
        if !self.is_context(&field.base) {
            syn::visit::visit_expr_field(self, field);
        }
    }

    fn visit_expr_async(&mut self, block: &'ast ExprAsync) {
        let fate = mem::replace(&mut self.fate, Fate::Used);
        let driven = matches!(fate, Fate::Awaited | Fate::Branch);
        let place = match self.place {
            place if place.is_unjudged() || driven => place,
            _ => Place::Async,
        };
        self.apart(place, |reader| reader.visit_block(&block.block));
    }

    fn visit_expr_await(&mut self, expression: &'ast ExprAwait) {
        let base = &*expression.base;
        let foreign = (!self.is_durable(base)).then(|| summary(base));
        let start = self.body.next_order();
        self.visit_as(base, Fate::Awaited);
        self.take_kept(base);
        self.note_await(expression.await_token, foreign, start);
    }

    fn visit_expr_try(&mut self, expression: &'ast ExprTry) {
        self.note_result(&expression.expr);
        self.visit_as(&expression.expr, Fate::Discarded);
    }

    fn visit_expr_assign(&mut self, assign: &'ast ExprAssign) {
        self.absorb(&assign.left, &assign.right);
        self.note_assigned(&assign.left);
        let fate = match &*assign.left {
            Expr::Infer(_) => Fate::Wildcard,
            _ => Fate::Used,
        };
        self.visit_expr(&assign.left);
        self.with_how(How::Stored, |reader| reader.visit_as(&assign.right, fate));
    }

    fn visit_expr_array(&mut self, array: &'ast ExprArray) {
        self.parts(&array.elems);
    }

    fn visit_expr_tuple(&mut self, tuple: &'ast ExprTuple) {
        self.parts(&tuple.elems);
    }

    fn visit_expr_binary(&mut self, binary: &'ast ExprBinary) {
        if is_assignment(binary.op) {
            self.note_assigned(&binary.left);
        }
        syn::visit::visit_expr_binary(self, binary);
    }

    fn visit_expr_path(&mut self, path: &'ast ExprPath) {
        if let Some(ident) = path.path.get_ident() {
            match self.scopes.get(ident) {
                Some(Holds::Context) => {
                    let how = self.how.clone();
                    return self.use_context(ident.clone(), how);
                }
                Some(Holds::Capture) if self.place == Place::StepBody => {
                    self.use_context(ident.clone(), How::Captured);
                }
                _ => {}
            }
            if self.scopes.get(ident).is_some() {
                return self.scopes.mention(ident);
            }
        }
        self.visit_qualified(path.qself.as_ref(), &path.path);
    }

    fn visit_type_path(&mut self, path: &'ast syn::TypePath) {
        self.visit_qualified(path.qself.as_ref(), &path.path);
    }

    fn visit_path(&mut self, path: &'ast Path) {
        self.note_path(path);
        syn::visit::visit_path(self, path);
    }

    fn visit_expr_struct(&mut self, expression: &'ast ExprStruct) {
        self.with_how(How::Stored, |reader| {
            syn::visit::visit_expr_struct(reader, expression);
        });
    }

    fn visit_expr_let(&mut self, expression: &'ast ExprLet) {
        self.visit_expr(&expression.expr);
        self.bind(&expression.pat, Some(&expression.expr));
    }

    fn visit_expr_if(&mut self, expression: &'ast ExprIf) {
        self.if_expression(expression);
    }

    fn visit_expr_match(&mut self, expression: &'ast ExprMatch) {
        self.match_expression(expression);
    }

    fn visit_expr_for_loop(&mut self, expression: &'ast ExprForLoop) {
        self.for_loop(expression);
    }

    fn visit_expr_while(&mut self, expression: &'ast ExprWhile) {
        self.while_loop(expression);
    }

    fn visit_expr_loop(&mut self, expression: &'ast ExprLoop) {
        self.bare_loop(expression);
    }

    fn visit_expr_block(&mut self, expression: &'ast ExprBlock) {
        let (body, _) = self.frame(expression.label.as_ref(), false, |reader| {
            reader.visit_block(&expression.block);
        });
        self.nodes.extend(body);
    }

    fn visit_expr_unsafe(&mut self, expression: &'ast ExprUnsafe) {
        self.visit_block(&expression.block);
    }

    fn visit_expr_break(&mut self, expression: &'ast ExprBreak) {
        self.leave(expression.label.as_ref(), true);
        syn::visit::visit_expr_break(self, expression);
    }

    fn visit_expr_continue(&mut self, expression: &'ast ExprContinue) {
        self.leave(expression.label.as_ref(), false);
    }

    fn visit_expr_return(&mut self, expression: &'ast ExprReturn) {
        if let Some(value) = &expression.expr {
            self.visit_as(value, Fate::Discarded);
        }
        self.exit();
    }
}

impl Reader {
    /// Reads what was set aside as the body of a step, if it turns out to be none, or to mention a local
    /// that the rules are about.
    fn set_aside(&mut self, tokens: &TokenStream) {
        if (!self.makes_step_body || self.scopes.concern(tokens))
            && let Some(expression) = step_bodies::read(tokens)
        {
            self.visit_expr(&expression);
        }
    }

    /// Reads the parts of a value: what is thrown away with it is thrown away.
    fn parts<'a>(&mut self, parts: impl IntoIterator<Item = &'a Expr>) {
        let fate = mem::replace(&mut self.fate, Fate::Used).of_a_part();
        for part in parts {
            self.visit_as(part, fate);
        }
    }

    fn statement(&mut self, statement: &Stmt) {
        match statement {
            Stmt::Local(local) => self.local(local),
            Stmt::Macro(statement) => self.read_macro(&statement.mac),
            // A local that is named and dropped.
            Stmt::Expr(Expr::Path(path), Some(_)) if path.path.get_ident().is_some() => {}
            Stmt::Expr(expression, Some(_)) if self.addition(expression) => {}
            Stmt::Expr(expression, _) => self.visit_as(expression, Fate::Discarded),
            Stmt::Item(_) => {}
        }
    }

    /// Reads a path, which may begin with a type: `<SystemTime>::now`.
    fn visit_qualified(&mut self, qualifier: Option<&QSelf>, path: &Path) {
        let Some(qualifier) = qualifier else {
            return self.visit_path(path);
        };
        match &*qualifier.ty {
            Type::Path(ty) if qualifier.as_token.is_none() && ty.qself.is_none() => {
                let mut whole = ty.path.clone();
                whole.segments.extend(path.segments.iter().cloned());
                self.note_path(&whole);
                syn::visit::visit_path(self, &ty.path);
            }
            ty => self.visit_type(ty),
        }
        syn::visit::visit_path(self, path);
    }
}

/// Whether this is `+=` or one of its kin.
fn is_assignment(operator: BinOp) -> bool {
    matches!(
        operator,
        BinOp::AddAssign(_)
            | BinOp::SubAssign(_)
            | BinOp::MulAssign(_)
            | BinOp::DivAssign(_)
            | BinOp::RemAssign(_)
            | BinOp::BitXorAssign(_)
            | BinOp::BitAndAssign(_)
            | BinOp::BitOrAssign(_)
            | BinOp::ShlAssign(_)
            | BinOp::ShrAssign(_)
    )
}
