//! The walk over expressions.

use std::mem;

use proc_macro2::TokenStream;
use syn::{
    Attribute, BinOp, Block, Expr, ExprAssign, ExprAsync, ExprAwait, ExprClosure, ExprPath, Item,
    Path, Stmt, TypePath,
    visit::{self, Visit},
};

use super::{
    reader::{BodyReader, Taker},
    values::{Holds, Value},
};
use crate::{
    facts::{ContextUsage, Fate, Place},
    resolve::{LocalId, mentions_in},
    syntax::{
        cfgs::cfgs_of_statement,
        expressions::{peel, root_name},
        step_bodies,
    },
};

impl<'t> BodyReader<'t> {
    /// Reads an expression whose value this becomes of.
    pub(super) fn read(&mut self, expression: &'t Expr, fate: Fate) -> Value {
        self.measured(|reader| reader.read_kind(expression, fate))
    }

    /// Reads a value, and notes in it what was met.
    pub(super) fn measured(&mut self, read: impl FnOnce(&mut Self) -> Value) -> Value {
        let outer = mem::take(&mut self.met);
        let mut value = read(self);
        value.met = self.met;
        self.met = outer | value.met;
        value
    }

    fn read_kind(&mut self, expression: &'t Expr, fate: Fate) -> Value {
        match expression {
            Expr::Paren(inner) => self.read(&inner.expr, fate),
            Expr::Group(inner) => self.read(&inner.expr, fate),
            Expr::Path(path) => self.name(path),
            Expr::MethodCall(call) => self.method_call(call, expression, fate),
            Expr::Call(call) => self.call(call, fate),
            Expr::Macro(expression) => self.macro_call(&expression.mac),
            Expr::Verbatim(body) => self.unparsed_step(body),
            Expr::Closure(closure) => self.closure(closure),
            Expr::Async(block) => self.async_block(block, fate),
            Expr::Await(awaited) => self.awaited(awaited),
            Expr::Array(array) => self.parts(&array.elems, fate),
            Expr::Tuple(tuple) => self.parts(&tuple.elems, fate),
            Expr::Block(block) => self.labelled_block(block, fate),
            Expr::Unsafe(block) => self.block(&block.block, fate),
            Expr::If(choice) => self.if_expression(choice, fate),
            Expr::Match(choice) => self.match_expression(choice, fate),
            Expr::ForLoop(iteration) => self.for_loop(iteration),
            Expr::While(iteration) => self.while_loop(iteration),
            Expr::Loop(iteration) => self.bare_loop(iteration),
            Expr::Break(_) | Expr::Continue(_) | Expr::Return(_) => self.leaving(expression),
            Expr::Assign(assign) => self.assign(assign),
            Expr::Let(expression) => {
                let value = self.read(&expression.expr, Fate::Used);
                self.bind(&expression.pat, Some((&expression.expr, &value)));
                Value::default()
            }
            Expr::Struct(_) => self.taken_by(Taker::Variable, |reader| reader.inside(expression)),
            Expr::Binary(binary) => {
                if is_assignment(binary.op) {
                    self.note_assigned(&binary.left);
                }
                self.inside(expression)
            }
            Expr::Reference(_)
            | Expr::Unary(_)
            | Expr::Field(_)
            | Expr::Index(_)
            | Expr::Try(_) => self.place(expression),
            _ => self.inside(expression),
        }
    }

    /// Reads what is in an expression that does nothing with it.
    fn inside(&mut self, expression: &'t Expr) -> Value {
        visit::visit_expr(self, expression);
        Value::default()
    }

    /// Reads an expression that gives what a local is or holds.
    fn place(&mut self, expression: &'t Expr) -> Value {
        let mut place = Value::default();
        match expression {
            Expr::Reference(inner) => place = self.read(&inner.expr, Fate::Used).referenced(),
            Expr::Unary(inner) => place = self.read(&inner.expr, Fate::Used).referenced(),
            // A method that is still being typed, which the compiler completes; a context has no fields.
            Expr::Field(field) if self.is_context(&field.base) => {}
            Expr::Try(tried) => {
                self.note_result(&tried.expr);
                self.read(&tried.expr, Fate::Discarded);
            }
            _ => drop(self.inside(expression)),
        }
        place.is_durable = self.is_rooted_in_awaitable(expression);
        place
    }

    /// Whether a place begins with a local out of which something can be awaited.
    pub(super) fn is_rooted_in_awaitable(&self, place: &Expr) -> bool {
        let local = root_name(place).and_then(|name| self.names.local(name));
        local.is_some_and(|local| self.locals[local.index()].holds.is_awaitable())
    }

    fn name(&mut self, path: &'t ExprPath) -> Value {
        let name = path.path.get_ident();
        let local = name.and_then(|name| Some((name, self.names.local(name)?)));
        let Some((name, local)) = local else {
            self.path(path.qself.as_ref(), &path.path, None);
            return Value::default();
        };
        if local == LocalId::CONTEXT {
            self.met.context = true;
            self.hand_context_on(name);
            return Value {
                is_durable: false,
                ..Value::holding(Holds::Alias)
            };
        }
        let state = &mut self.locals[local.index()];
        state.is_mentioned = true;
        let holds = state.holds;
        if holds == Holds::Capture && self.around.place == Place::StepBody {
            self.use_context(name, ContextUsage::Captured);
        }
        self.met.operations |= matches!(holds, Holds::Operation | Holds::Operations);
        self.met.blocks |= matches!(holds, Holds::Judged | Holds::Capture);
        Value::holding(holds)
    }

    /// Reads the parts of a value: what is thrown away with it is thrown away.
    fn parts(&mut self, parts: impl IntoIterator<Item = &'t Expr>, fate: Fate) -> Value {
        let parts = parts
            .into_iter()
            .map(|part| self.read(part, fate.of_parts()));
        Value::made_of(parts.collect())
    }

    /// Reads a block; what it gives becomes of its last expression.
    pub(super) fn block(&mut self, block: &'t Block, fate: Fate) -> Value {
        let mut is_durable = false;
        let last = block.stmts.len().saturating_sub(1);
        for (index, statement) in block.stmts.iter().enumerate() {
            let fate = match statement {
                Stmt::Expr(_, None) if index == last => fate,
                _ => Fate::Discarded,
            };
            let cfgs = cfgs_of_statement(statement);
            is_durable = self.configured(cfgs, |reader| reader.statement(statement, fate));
        }
        Value::durable(is_durable)
    }

    /// Reads a statement, and says whether it can be awaited.
    fn statement(&mut self, statement: &'t Stmt, fate: Fate) -> bool {
        match statement {
            Stmt::Local(local) => self.local(local),
            Stmt::Macro(statement) => drop(self.macro_call(&statement.mac)),
            // A local that is named and dropped.
            Stmt::Expr(Expr::Path(path), Some(_)) if path.path.get_ident().is_some() => {}
            Stmt::Expr(expression, Some(_)) if self.addition(expression) => {}
            Stmt::Expr(expression, _) => return self.read(expression, fate).is_durable,
            Stmt::Item(_) => {}
        }
        false
    }

    fn assign(&mut self, assign: &'t ExprAssign) -> Value {
        self.note_assigned(&assign.left);
        let fate = match &*assign.left {
            Expr::Infer(_) => Fate::Wildcard,
            _ => Fate::Used,
        };
        self.read(&assign.left, Fate::Used);
        let value = self.taken_by(Taker::Variable, |reader| reader.read(&assign.right, fate));
        self.absorb(&assign.left, &value);
        Value::default()
    }

    fn awaited(&mut self, awaited: &'t ExprAwait) -> Value {
        let hazards = self.hazards;
        let base = self.read(&awaited.base, Fate::Awaited);
        self.take_kept(&awaited.base);
        self.note_await(
            &awaited.await_token,
            &awaited.base,
            base.is_durable,
            hazards,
        );
        self.met = self.met.awaited();
        Value::default()
    }

    fn async_block(&mut self, block: &'t ExprAsync, fate: Fate) -> Value {
        let place = match (self.around.place, fate) {
            (place, Fate::Awaited | Fate::Branch) => place,
            (place, _) if place.is_unjudged() => place,
            _ => Place::Async,
        };
        self.apart(place, |reader| reader.block(&block.block, Fate::Used));
        self.met.blocks = true;
        Value::holding(Holds::Judged)
    }

    fn closure(&mut self, closure: &'t ExprClosure) -> Value {
        let around = self.around;
        if around.closures == Place::StepBody {
            self.step_body(closure);
            return Value::holding(Holds::Other);
        }
        let (place, fate) = match around.closures {
            _ if !self.is_judged() => (around.place, Fate::Used),
            Place::FanOut => (Place::FanOut, Fate::Branch),
            place => (place, Fate::Used),
        };
        self.apart(place, |reader| {
            for pattern in &closure.inputs {
                reader.visit_pat(pattern);
                reader.bind_all(pattern, around.feeds);
            }
            reader.read(&closure.body, fate);
        });
        let is_async = closure.asyncness.is_some();
        self.met.blocks |= is_async;
        Value::holding(if self.met.context {
            Holds::Capture
        } else if is_async || matches!(peel(&closure.body), Expr::Async(_)) {
            Holds::Judged
        } else {
            Holds::Other
        })
    }

    /// Reads the closure of a step: the grammar ends here.
    pub(super) fn step_body(&mut self, closure: &'t ExprClosure) {
        self.apart(Place::StepBody, |reader| {
            for pattern in &closure.inputs {
                reader.bind_all(pattern, Holds::Step);
            }
            reader.read(&closure.body, Fate::Used);
        });
    }

    /// The body of a step that was not parsed. It is parsed after all to see whether it names a local that
    /// holds more than data; nothing else in it is of interest.
    fn unparsed_step(&mut self, body: &TokenStream) -> Value {
        let in_sight = self.names.mentions(body);
        let matters = |local: LocalId| self.locals[local.index()].matters();
        if in_sight.iter().any(|mention| matters(mention.local))
            && let Some(body) = step_bodies::parse_step(body)
        {
            for mention in mentions_in(&body, in_sight) {
                let state = &mut self.locals[mention.local.index()];
                state.is_mentioned = true;
                if state.holds == Holds::Capture {
                    self.apart(Place::StepBody, |reader| {
                        reader.use_context(&mention.name, ContextUsage::Captured);
                    });
                }
            }
        }
        Value::default()
    }
}

impl<'t> Visit<'t> for BodyReader<'t> {
    fn visit_attribute(&mut self, _: &'t Attribute) {}

    fn visit_item(&mut self, _: &'t Item) {}

    fn visit_expr(&mut self, expression: &'t Expr) {
        self.read(expression, Fate::Used);
    }

    fn visit_block(&mut self, block: &'t Block) {
        self.block(block, Fate::Used);
    }

    fn visit_type_path(&mut self, path: &'t TypePath) {
        self.path(path.qself.as_ref(), &path.path, None);
    }

    fn visit_path(&mut self, path: &'t Path) {
        self.path(None, path, None);
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
