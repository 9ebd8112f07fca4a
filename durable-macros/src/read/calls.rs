//! What calls do: make operations, ask the context, hand it on, or drop what was made.

use syn::{Expr, ExprCall, ExprMethodCall, LitStr, Stmt, spanned::Spanned, visit::Visit};

use super::{
    reader::{BodyReader, Surroundings, Taker},
    values::{Holds, Met, Value},
};
use crate::{
    facts::{ContextUsage, Fate, Node, Operation, OperationName, OptionCall, Place, Rewrite},
    hazards,
    operations::is_query,
    resolve::OperationCall,
    syntax::{
        expressions::{
            fan_out, is_constructor, is_drop, is_wrapper, last_name, lone_name, lone_path, peel,
            referenced_name, string, turbofish,
        },
        macros::is_foreign,
    },
};

impl<'t> BodyReader<'t> {
    pub(super) fn method_call(
        &mut self,
        call: &'t ExprMethodCall,
        whole: &'t Expr,
        fate: Fate,
    ) -> Value {
        self.note_state(call);
        if let Some(operation) = self.names.operation(call) {
            if operation.kind.is_scope() {
                // Reached only outside a fragment call.
                self.use_receiver(operation.call, ContextUsage::Scoped);
            }
            return self.operation(&operation, fate);
        }
        if self.is_context(&call.receiver) {
            return self.query(call);
        }
        let receiver = self.read(&call.receiver, Fate::Used);
        self.note_method(call, &receiver);
        self.visit_turbofish(call);
        let feeds = match receiver.met.operations {
            true => Holds::Operations,
            false => Holds::Other,
        };
        let outer = self.around;
        self.around.feeds = feeds;
        self.around.taker = Taker::Method(&call.method);
        let mut is_durable = receiver.is_durable || self.is_rooted_in_awaitable(whole);
        let mut args = Met::default();
        for arg in &call.args {
            let arg = self.read(arg, Fate::Used);
            is_durable |= arg.is_handed_on();
            args = args | arg.met;
            self.absorb(&call.receiver, &arg);
        }
        self.around = outer;
        let holds = if receiver.has_context() && call.method == "clone" {
            Some(Holds::Alias)
        } else if receiver.holds() == Holds::Path && hazards::keeps_path(call) {
            Some(Holds::Path)
        } else {
            None
        };
        Value {
            holds,
            is_durable,
            args,
            ..Value::default()
        }
    }

    fn visit_turbofish(&mut self, call: &'t ExprMethodCall) {
        if let Some(turbofish) = &call.turbofish {
            self.visit_angle_bracketed_generic_arguments(turbofish);
        }
    }

    /// Notes what is done with the context that a method is called on.
    fn use_receiver(&mut self, call: &ExprMethodCall, usage: ContextUsage) {
        self.met.context = true;
        if let Some(name) = referenced_name(&call.receiver) {
            self.use_context(name, usage);
        }
    }

    /// A call on the context that makes no operation: `ctx.now()`.
    fn query(&mut self, call: &'t ExprMethodCall) -> Value {
        let method = call.method.to_string();
        let usage = match method.as_str() {
            "clone" | "to_owned" => ContextUsage::Cloned,
            _ => ContextUsage::Asked,
        };
        self.use_receiver(call, usage);
        for arg in &call.args {
            self.read(arg, Fate::Used);
        }
        self.visit_turbofish(call);
        let holds = match method.as_str() {
            "clone" => Some(Holds::Alias),
            "now" => Some(Holds::Time),
            _ => None,
        };
        Value {
            holds,
            is_durable: !is_query(&call.method),
            ..Value::default()
        }
    }

    /// Reads an operation. Its arguments are evaluated before it is built.
    fn operation(&mut self, operation: &OperationCall<'t>, fate: Fate) -> Value {
        let OperationCall {
            kind,
            call,
            options,
            fragment,
        } = operation;
        let owner = self.function.ident();
        // What is built from a fragment in itself would have no end.
        let recorded = fragment.filter(|fragment| !fragment.is_ident(owner));
        if let (Some(itself), None) = (fragment, recorded) {
            self.rules.recursion_of(itself);
        }
        let mut name = OperationName::Missing;
        for (index, arg) in call.args.iter().enumerate() {
            if index > 0 {
                self.argument(arg, kind.body == Some(index));
            } else if let Some(literal) = string(arg) {
                match (kind.is_scope(), recorded) {
                    (false, _) => self.rewrite(arg, Rewrite::Key),
                    (true, Some(_)) => self.rewrite(arg, Rewrite::ScopeKey),
                    (true, None) => {}
                }
                name = OperationName::Literal(literal.clone());
            } else {
                self.read(arg, Fate::Used);
                if lone_path(arg).is_some_and(|path| path.segments[0].ident == *owner) {
                    self.rewrite(arg, Rewrite::NoKey);
                }
                name = OperationName::Computed(Box::new(arg.clone()));
            }
        }
        let generic = turbofish(call.turbofish.as_ref());
        if let Some(generic) = generic {
            self.visit_type(generic);
        }
        let options = options.iter().map(|option| self.option(option)).collect();
        let index = self.body.operations.len();
        self.body.operations.push(Operation {
            kind,
            method: call.method.clone(),
            name,
            is_short: call.args.len() < kind.arity,
            generic: generic.cloned(),
            fragment: recorded.cloned(),
            cfgs: self.cfgs.clone(),
            options,
            place: match self.around.is_reported {
                true => Place::Reported,
                false => self.around.place,
            },
            fate,
        });
        self.push_node(Node::Operation(index));
        self.met.context = true;
        self.met.operations = true;
        Value {
            is_durable: true,
            ..Value::holding(match kind.is_scope() && fragment.is_none() {
                true => Holds::Scope,
                false => Holds::Operation,
            })
        }
    }

    /// Reads an argument of an operation after its name. Closures in the body of a step are run by the step,
    /// also when a block or a fn makes them: `{ let card = card.clone(); move |_| charge(card.clone()) }`.
    fn argument(&mut self, arg: &'t Expr, is_body: bool) {
        if !is_body {
            self.within(
                |around| around.closures = Place::Closure,
                |reader| reader.read(arg, Fate::Used),
            );
            return;
        }
        match peel(arg) {
            // A fn that is the body of the step: what it does is not judged.
            Expr::Path(path) if path.path.get_ident().is_none() => return,
            Expr::Closure(closure) => {
                if let Some(text) = given_text(&closure.body) {
                    self.rules.borrowed_output(text);
                }
            }
            _ => {}
        }
        self.within(
            |around| around.closures = Place::StepBody,
            |reader| reader.read(arg, Fate::Used),
        );
    }

    fn option(&mut self, call: &'t ExprMethodCall) -> OptionCall {
        for arg in &call.args {
            match (call.method == "compensate", arg) {
                (true, Expr::Path(_)) => self.rewrite(arg, Rewrite::Compensation),
                (true, _) => {}
                (false, _) => drop(self.read(arg, Fate::Used)),
            }
        }
        OptionCall {
            name: call.method.clone(),
            args: call.args.iter().cloned().collect(),
        }
    }

    pub(super) fn call(&mut self, call: &'t ExprCall, fate: Fate) -> Value {
        if let Some(scope) = self.names.fragment_call(call) {
            for arg in call.args.iter().skip(1) {
                self.taken_by(Taker::Variable, |reader| reader.read(arg, Fate::Used));
            }
            return self.operation(&scope, fate);
        }
        if let Some(kind) = self.own_fan_out(call) {
            return self.fan_out_call(kind, call, fate);
        }
        if is_drop(&call.func) {
            return self.dropped(call);
        }
        let (mut is_durable, is_hazard) = self.callee(call);
        let is_wrapper = is_wrapper(&call.func);
        let is_constructor = is_constructor(&call.func);
        let fate = match fate {
            _ if is_wrapper => fate,
            _ if is_constructor => fate.of_parts(),
            _ => Fate::Used,
        };
        let outer = self.around;
        self.around.is_reported |= is_hazard;
        self.around.taker = Taker::Fn(&call.func);
        let args = call.args.iter().map(|arg| self.read(arg, fate));
        let args: Vec<Value> = args.collect();
        self.around = outer;
        is_durable |= args.iter().any(Value::is_handed_on);
        match args.first() {
            Some(first) if is_wrapper => Value {
                holds: Some(first.holds()),
                is_durable: is_durable || first.is_durable,
                ..Value::default()
            },
            _ if is_constructor => Value {
                is_durable,
                ..Value::made_of(args)
            },
            _ => Value {
                holds: hazards::makes_path(&call.func).then_some(Holds::Path),
                ..Value::durable(is_durable)
            },
        }
    }

    /// Reads what is called, and says whether awaiting the call is judged elsewhere, and whether it is a
    /// hazard.
    fn callee(&mut self, call: &'t ExprCall) -> (bool, bool) {
        match peel(&call.func) {
            Expr::Path(path) if self.holds(&call.func).is_none() => {
                let hazard = self.path(path.qself.as_ref(), &path.path, Some(&call.args));
                (false, hazard)
            }
            function => {
                let holds = self.read(function, Fate::Used).holds();
                (matches!(holds, Holds::Judged | Holds::Capture), false)
            }
        }
    }

    /// Whether this is a call of one of our combinators for many operations.
    fn own_fan_out(&self, call: &ExprCall) -> Option<&'static str> {
        let kind = fan_out(call)?;
        let path = self.names.aliases.resolve(lone_path(&call.func)?);
        (!is_foreign(&path)).then_some(kind)
    }

    fn fan_out_call(&mut self, kind: &'static str, call: &'t ExprCall, fate: Fate) -> Value {
        if self.is_judged() && matches!(fate, Fate::Discarded | Fate::Wildcard) {
            let name = last_name(&call.func).into_iter();
            name.for_each(|name| self.rules.dropped_combinator(name));
        }
        if self.is_judged() && lone_name(&call.func).is_some() {
            let args = call.args.iter();
            args.for_each(|arg| self.rewrite(arg, Rewrite::Branches));
        }
        let change = |around: &mut Surroundings<'t>| {
            around.closures = Place::FanOut;
            around.taker = Taker::Variable;
        };
        let (body, ()) = self.sequence(|reader| {
            reader.within(change, |reader| {
                for arg in &call.args {
                    let hazards = reader.hazards;
                    let branches = reader.read(arg, Fate::Branch);
                    reader.take_kept(arg);
                    reader.note_await(arg, arg, branches.yields_futures(), hazards);
                }
            });
        });
        if !body.is_empty() {
            self.push_node(Node::Parallel {
                kind,
                span: call.func.span(),
                branches: vec![body],
            });
        }
        self.met.operations = true;
        Value::holding(Holds::Operation)
    }

    /// `drop(operation)`: a mention that awaits nothing.
    fn dropped(&mut self, call: &'t ExprCall) -> Value {
        for arg in &call.args {
            if lone_name(arg).is_none_or(|name| self.names.names_context(name)) {
                self.taken_by(Taker::Fn(&call.func), |reader| {
                    reader.read(arg, Fate::Discarded)
                });
            }
        }
        Value::default()
    }
}

/// Text that the body of a step gives as it stands in the source: `|_| async { Ok("done") }`. Its type is
/// `&'static str`, which cannot be read from the journal.
fn given_text(body: &Expr) -> Option<&LitStr> {
    let last = match peel(body) {
        Expr::Async(block) => block.block.stmts.last()?,
        Expr::Block(block) => block.block.stmts.last()?,
        Expr::Call(call) if last_name(&call.func)? == "Ok" => {
            return string(peel(call.args.first()?));
        }
        _ => return None,
    };
    match last {
        Stmt::Expr(last, None) => given_text(last),
        _ => None,
    }
}
