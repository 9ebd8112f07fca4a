//! Reads a body into its graph and the facts that the rules judge.

use std::{
    collections::{BTreeMap, BTreeSet},
    mem,
};

use proc_macro2::{Ident, Span};
use quote::ToTokens;
use syn::{
    Attribute, Block, Expr, ExprClosure, GenericArgument, ItemFn, PatType, Path, Type, visit::Visit,
};

use crate::{
    facts::{
        Await, Body, Choice, ContextUse, Fate, How, Kind, Name, Node, Operation, PathUse, Place,
    },
    read::{hashed, literals, loops::Frame, methods},
    resolve::{
        aliases::Aliases,
        branch_locals::{self, BranchLocals},
        scopes::{Holds, Scopes, binds, names_bound},
        step_locals,
    },
    syntax::{
        operation_call::{Chain, FragmentCall, context_ident, is_context, peel},
        text::text,
    },
};

/// Reads a body whose context has this name, which is given these values, and which may have closures in
/// locals.
pub(crate) fn read<'a>(
    block: &Block,
    context: Option<&Ident>,
    inputs: impl Iterator<Item = &'a PatType>,
    closures: bool,
) -> Body {
    let nameless = Ident::new("__no_context", Span::call_site());
    let called = context.map_or_else(|| "ctx".to_owned(), Ident::to_string);
    let context = context.unwrap_or(&nameless).clone();
    let mut reader = Reader {
        aliases: Aliases::of(block),
        step_locals: if closures {
            step_locals::find(block, &context)
        } else {
            BTreeSet::new()
        },
        branch_locals: BranchLocals::of(block),
        kept: BTreeMap::new(),
        body: Body::of(called),
        nodes: Vec::new(),
        cfgs: Vec::new(),
        scopes: Scopes::default(),
        place: Place::Body,
        fan_out: false,
        makes_step_body: false,
        feeds: Holds::Other,
        fate: Fate::Used,
        how: How::Stored,
        leaves: true,
        frames: Vec::new(),
        context,
    };
    reader.scopes.bind(&reader.context, Holds::Context);
    inputs.for_each(|input| reader.input(input));
    for item in step_locals::called_fns(block, &reader.context.clone()) {
        reader.inner_fn(item);
    }
    reader.fate = Fate::Discarded;
    reader.visit_block(block);
    reader.body.nodes = mem::take(&mut reader.nodes);
    let left = mem::take(&mut reader.kept);
    reader.body.nodes.extend(left.into_values().flatten());
    let forgotten = reader.scopes.into_forgotten().into_iter();
    reader.body.forgotten = forgotten
        .map(|(local, holds)| (local, holds == Holds::Operation))
        .collect();
    reader.body
}

pub(super) struct Reader {
    pub(super) context: Ident,
    pub(super) aliases: Aliases,
    pub(super) body: Body,
    /// The sequence that is being read.
    pub(super) nodes: Vec<Node>,
    /// The `cfg`s of the statements and arms around.
    cfgs: Vec<Attribute>,
    pub(super) scopes: Scopes,
    pub(super) place: Place,
    /// Whether a closure met now is handed to `durable::join_all`.
    pub(super) fan_out: bool,
    /// Whether a closure met now is the body of a step.
    pub(super) makes_step_body: bool,
    /// What the parameters of a closure met now hold.
    pub(super) feeds: Holds,
    /// What becomes of the operation that the expression met next makes, if it makes one.
    pub(super) fate: Fate,
    /// What is done with the context if it is met next.
    pub(super) how: How,
    /// Whether `return` leaves the body.
    pub(super) leaves: bool,
    /// Locals that only step bodies use: what they hold runs in a step.
    pub(super) step_locals: BTreeSet<String>,
    /// Locals that hold branches: what is bound to them is read as a branch.
    pub(super) branch_locals: BranchLocals,
    /// What these make, until they are named in a combinator.
    kept: BTreeMap<String, Vec<Node>>,
    pub(super) frames: Vec<Frame>,
}

impl Reader {
    /// Reads a parameter of the fn. A type that it can only hold is data, whatever it is made by; one
    /// whose order changes is noted as if it were named in the body.
    fn input(&mut self, input: &PatType) {
        if binds(&input.pat, &self.context) {
            // A context that is not in its place.
            return;
        }
        for path in hashed::find(&input.ty) {
            self.note_path(path);
        }
        self.bind_all(&input.pat, methods::held_by(&input.ty));
    }

    /// Reads a fn that stands in the body and is called by it: its code is in sight, as that of a closure is.
    fn inner_fn(&mut self, item: &ItemFn) {
        let nodes = mem::take(&mut self.nodes);
        self.apart(Place::Closure, |reader| {
            let context = reader.context.clone();
            reader.scopes.bind(&context, Holds::Other);
            reader.visit_block(&item.block);
        });
        self.nodes = nodes;
    }

    /// Reads what is configured by these `cfg`s.
    pub(super) fn configured(&mut self, cfgs: Vec<Attribute>, read: impl FnOnce(&mut Self)) {
        let outer = self.cfgs.len();
        self.cfgs.extend(cfgs);
        read(self);
        self.cfgs.truncate(outer);
    }

    /// Reads with a fresh sequence, and gives that sequence.
    pub(super) fn branch(&mut self, read: impl FnOnce(&mut Self)) -> Vec<Node> {
        let outer = mem::take(&mut self.nodes);
        read(self);
        mem::replace(&mut self.nodes, outer)
    }

    /// Reads what has locals of its own.
    pub(super) fn scope<T>(&mut self, read: impl FnOnce(&mut Self) -> T) -> T {
        let depth = self.scopes.depth();
        let read = read(self);
        self.scopes.close(depth);
        read
    }

    /// Reads what runs apart from the body around it: a closure or an async block.
    pub(super) fn apart(&mut self, place: Place, read: impl FnOnce(&mut Self)) {
        let place = mem::replace(&mut self.place, place);
        let fan_out = mem::replace(&mut self.fan_out, false);
        let makes_step_body = mem::replace(&mut self.makes_step_body, false);
        let feeds = mem::replace(&mut self.feeds, Holds::Other);
        let leaves = mem::replace(&mut self.leaves, false);
        let frames = mem::take(&mut self.frames);
        self.scope(read);
        self.place = place;
        self.fan_out = fan_out;
        self.makes_step_body = makes_step_body;
        self.feeds = feeds;
        self.leaves = leaves;
        self.frames = frames;
    }

    pub(super) fn with_how(&mut self, how: How, read: impl FnOnce(&mut Self)) {
        let outer = mem::replace(&mut self.how, how);
        read(self);
        self.how = outer;
    }

    pub(super) fn push_node(&mut self, node: Node) {
        if !self.place.is_unjudged() {
            self.nodes.push(node);
        }
    }

    /// Whether the context can be named here.
    pub(super) fn sees_context(&self) -> bool {
        self.scopes.get(&self.context) == Some(Holds::Context)
    }

    pub(super) fn chain<'e>(&self, expression: &'e Expr) -> Option<Chain<'e>> {
        Chain::of(expression, &self.context).filter(|_| self.sees_context())
    }

    /// Whether an expression makes an operation itself: a chain, or the call of a fragment.
    pub(super) fn is_operation(&self, expression: &Expr) -> bool {
        let fragment = match peel(expression) {
            Expr::Call(call) => FragmentCall::of(call, &self.context).is_some(),
            _ => false,
        };
        self.sees_context() && (fragment || self.chain(expression).is_some())
    }

    /// Reads an expression whose value this becomes of.
    pub(super) fn visit_as(&mut self, expression: &Expr, fate: Fate) {
        self.fate = fate;
        self.visit_expr(expression);
    }

    /// Reads an operation. Its arguments are evaluated before it is built.
    pub(super) fn operation(&mut self, chain: &Chain<'_>, fragment: Option<&Path>, fate: Fate) {
        let mut args = chain.call.args.iter();
        let name = match args.next() {
            Some(Expr::Lit(syn::ExprLit {
                lit: syn::Lit::Str(name),
                ..
            })) => Name::Literal(name.clone()),
            Some(computed) => {
                self.visit_expr(computed);
                Name::Computed(Box::new(computed.clone()))
            }
            None => Name::Missing,
        };
        for arg in args {
            match peel(arg) {
                // A fn that is the body of the step: what it does is not judged.
                Expr::Path(path) if chain.kind == Kind::Step && path.path.get_ident().is_none() => {
                }
                body => {
                    if let (Kind::Step, Expr::Closure(closure)) = (chain.kind, body) {
                        let given = literals::given(&closure.body);
                        self.body.literals.extend(given.cloned());
                    }
                    self.argument(arg, chain.kind == Kind::Step);
                }
            }
        }
        let generic = turbofish(chain.call.turbofish.as_ref());
        if let Some(generic) = &generic {
            self.visit_type(generic);
        }
        let options = chain.options.iter().map(|call| self.option(call)).collect();
        let index = self.body.operations.len();
        let order = self.body.next_order();
        self.body.operations.push(Operation {
            kind: chain.kind,
            method: chain.call.method.clone(),
            name,
            is_short: chain.call.args.len() < chain.kind.arity(),
            generic,
            fragment: fragment.cloned(),
            cfgs: self.cfgs.clone(),
            options,
            place: self.place,
            fate,
            order,
        });
        self.push_node(Node::Operation(index));
    }

    /// Reads an argument of an operation. Closures in the body of a step are run by the step, also when
    /// a block or a fn makes them: `{ let card = card.clone(); move |_| charge(card.clone()) }`.
    fn argument(&mut self, arg: &Expr, is_body: bool) {
        let outer = mem::replace(&mut self.makes_step_body, is_body);
        self.visit_expr(arg);
        self.makes_step_body = outer;
    }

    fn option(&mut self, call: &syn::ExprMethodCall) -> Choice {
        if call.method != "compensate" {
            for arg in &call.args {
                self.visit_expr(arg);
            }
        }
        Choice {
            name: call.method.clone(),
            args: call.args.iter().cloned().collect(),
        }
    }

    /// Reads the closure of a step: the grammar ends here.
    pub(super) fn step_body(&mut self, closure: &ExprClosure) {
        self.apart(Place::StepBody, |reader| {
            for pattern in &closure.inputs {
                for name in names_bound(pattern) {
                    reader.scopes.bind(&name, Holds::Step);
                }
            }
            reader.visit_expr(&closure.body);
        });
    }

    /// Reads what becomes a branch, or in a list a number of them, once the local that it is put into is
    /// named.
    pub(super) fn kept_branch(
        &mut self,
        local: &Ident,
        is_list: bool,
        read: impl FnOnce(&mut Self),
    ) {
        let fan_out = mem::replace(&mut self.fan_out, is_list);
        let nodes = self.branch(read);
        self.fan_out = fan_out;
        self.kept
            .entry(local.to_string())
            .or_default()
            .extend(nodes);
    }

    /// Puts what a local makes into the graph, where the local is named.
    pub(super) fn take_kept(&mut self, expression: &Expr) {
        let local = branch_locals::named(expression);
        if let Some(kept) = local.and_then(|local| self.kept.remove(&local.to_string())) {
            self.nodes.extend(kept);
        }
    }

    /// Reads a branch of a combinator.
    pub(super) fn combinator_branch(&mut self, expression: &Expr) {
        let foreign = (!self.is_durable(expression)).then(|| summary(expression));
        let start = self.body.next_order();
        self.visit_as(expression, Fate::Branch);
        self.take_kept(expression);
        self.note_await(expression, foreign, start);
    }

    /// Notes that something is awaited, after it was read.
    pub(super) fn note_await(&mut self, at: impl ToTokens, foreign: Option<String>, start: usize) {
        let end = self.body.next_order();
        if !self.place.is_unjudged() {
            self.body.awaits.push(Await {
                at: at.into_token_stream(),
                foreign,
                base: start..end,
            });
        }
    }

    pub(super) fn note_states(&mut self, call: &syn::ExprMethodCall) {
        if call.method != "state" {
            return;
        }
        let receiver = context_ident(&call.receiver).and_then(|ident| self.scopes.get(ident));
        if matches!(receiver, Some(Holds::Step | Holds::Context)) {
            let state = turbofish(call.turbofish.as_ref());
            self.body.states.extend(state);
        }
    }

    pub(super) fn use_context(&mut self, ident: Ident, how: How) {
        let order = self.body.next_order();
        self.body.uses.push(ContextUse {
            ident,
            how,
            place: self.place,
            order,
        });
    }

    /// Whether this is the context, by its name and in sight.
    pub(super) fn is_context(&self, expression: &Expr) -> bool {
        is_context(expression, &self.context) && self.sees_context()
    }

    pub(super) fn note_path(&mut self, path: &Path) {
        if self.place.is_unjudged() {
            return;
        }
        let order = self.body.next_order();
        self.body.paths.push(PathUse {
            order,
            args: order..order,
            path: path.clone(),
            segments: self.aliases.resolve(path),
            generics: generics(path),
        });
    }
}

/// An expression as a sentence can hold it: without arguments, if those are long.
pub(super) fn summary(expression: &Expr) -> String {
    const CHARACTERS_MAX: usize = 40;
    let whole = text(expression);
    if whole.chars().count() <= CHARACTERS_MAX {
        return whole;
    }
    match peel(expression) {
        Expr::Call(call) => format!("{}(..)", summary(&call.func)),
        Expr::MethodCall(call) => format!("{}.{}(..)", summary(&call.receiver), call.method),
        Expr::Field(_) | Expr::Path(_) => whole,
        _ => "..".to_owned(),
    }
}

fn generics(path: &Path) -> usize {
    path.segments
        .last()
        .map_or(0, |segment| match &segment.arguments {
            syn::PathArguments::AngleBracketed(arguments) => arguments.args.len(),
            _ => 0,
        })
}

/// The one type of a turbofish.
pub(crate) fn turbofish(arguments: Option<&syn::AngleBracketedGenericArguments>) -> Option<Type> {
    match arguments?.args.first()? {
        GenericArgument::Type(Type::Infer(_)) => None,
        GenericArgument::Type(generic) => Some(generic.clone()),
        _ => None,
    }
}
