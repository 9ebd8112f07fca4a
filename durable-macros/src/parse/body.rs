//! Reads a body into its graph and the facts that the rules judge.

use std::{collections::BTreeSet, mem};

use proc_macro2::{Ident, Span, TokenStream, TokenTree};
use quote::ToTokens;
use syn::{Block, Expr, ExprClosure, GenericArgument, Macro, Path, Type, visit::Visit};

use super::{
    aliases::Aliases,
    calls::{Chain, FragmentCall, binds, names_bound, peel},
    macros::{self, Part, Reading},
    taint::Tainted,
};
use crate::graph::{
    Body, Choice, ContextUse, Escape, Fate, How, Kind, Name, Node, Operation, PathUse, Place,
    UnknownMacro,
};

/// Reads a body whose context has this name.
pub(crate) fn read(block: &Block, context: Option<&Ident>) -> Body {
    let nameless = Ident::new("__no_context", Span::call_site());
    let mut reader = Reader {
        context: context.unwrap_or(&nameless).clone(),
        aliases: Aliases::of(block),
        body: Body::default(),
        nodes: Vec::new(),
        place: Place::Body,
        fan_out: false,
        fate: Fate::Used,
        how: How::Stored,
        shadowed: false,
        leaves: true,
        tainted: Tainted::default(),
        step_bodies: BTreeSet::new(),
        step_parameters: BTreeSet::new(),
        times: BTreeSet::new(),
        frames: Vec::new(),
        bound: Vec::new(),
        mentioned: BTreeSet::new(),
    };
    reader.find_step_bodies(block);
    reader.visit_block(block);
    reader.finish()
}

pub(super) struct Reader {
    pub(super) context: Ident,
    aliases: Aliases,
    pub(super) body: Body,
    /// The sequence that is being read.
    pub(super) nodes: Vec<Node>,
    pub(super) place: Place,
    /// Whether a closure met now is handed to `durable::join_all`.
    pub(super) fan_out: bool,
    /// What becomes of the operation met next.
    pub(super) fate: Fate,
    /// What is done with the context if it is met next.
    pub(super) how: How,
    /// Whether the context's name means something else here.
    pub(super) shadowed: bool,
    /// Whether `return` leaves the body.
    pub(super) leaves: bool,
    pub(super) tainted: Tainted,
    /// Locals that hold the closure of a step.
    pub(super) step_bodies: BTreeSet<String>,
    step_parameters: BTreeSet<String>,
    /// Locals that hold what `ctx.now()` gave.
    pub(super) times: BTreeSet<String>,
    pub(super) frames: Vec<Frame>,
    pub(super) bound: Vec<Ident>,
    mentioned: BTreeSet<String>,
}

/// A loop or a labelled block that is being read.
pub(super) struct Frame {
    pub(super) label: Option<String>,
    pub(super) is_loop: bool,
    pub(super) left: bool,
}

impl Reader {
    fn finish(mut self) -> Body {
        self.body.nodes = mem::take(&mut self.nodes);
        self.body.unused = self
            .bound
            .into_iter()
            .filter(|local| !self.mentioned.contains(&local.to_string()))
            .collect();
        self.body
    }

    /// Finds locals that are handed to `ctx.step` as its body.
    fn find_step_bodies(&mut self, block: &Block) {
        struct Search<'a>(&'a Ident, BTreeSet<String>);
        impl<'ast> Visit<'ast> for Search<'_> {
            fn visit_expr_method_call(&mut self, call: &'ast syn::ExprMethodCall) {
                let chain = Chain::of_call(call, self.0).filter(|chain| chain.kind == Kind::Step);
                let body = chain.and_then(|chain| chain.call.args.iter().nth(1));
                if let Some(Expr::Path(path)) = body.map(peel) {
                    self.1.extend(path.path.get_ident().map(Ident::to_string));
                }
                syn::visit::visit_expr_method_call(self, call);
            }
        }
        let mut search = Search(&self.context, BTreeSet::new());
        search.visit_block(block);
        self.step_bodies = search.1;
    }

    /// Reads with a fresh sequence, and gives that sequence.
    pub(super) fn branch(&mut self, read: impl FnOnce(&mut Self)) -> Vec<Node> {
        let outer = mem::take(&mut self.nodes);
        read(self);
        mem::replace(&mut self.nodes, outer)
    }

    /// Reads what runs apart from the body around it: a closure or an async block.
    pub(super) fn apart(&mut self, place: Place, read: impl FnOnce(&mut Self)) {
        let place = mem::replace(&mut self.place, place);
        let fan_out = mem::replace(&mut self.fan_out, false);
        let shadowed = self.shadowed;
        let leaves = mem::replace(&mut self.leaves, false);
        let frames = mem::take(&mut self.frames);
        read(self);
        self.place = place;
        self.fan_out = fan_out;
        self.shadowed = shadowed;
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

    pub(super) fn chain<'e>(&self, expression: &'e Expr) -> Option<Chain<'e>> {
        Chain::of(expression, &self.context).filter(|_| !self.shadowed)
    }

    /// Whether an expression makes an operation itself: a chain, or the call of a fragment.
    pub(super) fn is_operation(&self, expression: &Expr) -> bool {
        let fragment = match peel(expression) {
            Expr::Call(call) => FragmentCall::of(call, &self.context).is_some(),
            _ => false,
        };
        !self.shadowed && (fragment || self.chain(expression).is_some())
    }

    /// Sets what becomes of the operation that `expression` makes, if it makes one.
    pub(super) fn expect_fate(&mut self, expression: &Expr, fate: Fate) {
        if self.is_operation(expression) {
            self.fate = fate;
        }
    }

    /// Reads an operation. Its arguments are evaluated before it is built.
    pub(super) fn operation(&mut self, chain: &Chain<'_>, fragment: Option<&Path>) {
        let fate = mem::replace(&mut self.fate, Fate::Used);
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
                Expr::Closure(closure) if chain.kind == Kind::Step => self.step_body(closure),
                Expr::Path(path) if chain.kind == Kind::Step && path.path.get_ident().is_none() => {
                }
                _ => self.visit_expr(arg),
            }
        }
        let generic = turbofish(chain.call.turbofish.as_ref());
        if let Some(generic) = &generic {
            self.visit_type(generic);
        }
        let options = chain.options.iter().map(|call| self.option(call)).collect();
        let index = self.body.operations.len();
        self.body.operations.push(Operation {
            kind: chain.kind,
            method: chain.call.method.clone(),
            name,
            generic,
            options,
            place: self.place,
            fate,
        });
        self.push_node(match fragment {
            Some(fragment) => Node::Scope {
                operation: index,
                fragment: fragment.clone(),
            },
            None => Node::Operation(index),
        });
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
        for pattern in &closure.inputs {
            let names = names_bound(pattern);
            self.step_parameters
                .extend(names.iter().map(Ident::to_string));
        }
        let context = self.context.clone();
        self.apart(Place::StepBody, |reader| {
            reader.shadowed |= closure
                .inputs
                .iter()
                .any(|pattern| binds(pattern, &context));
            reader.visit_expr(&closure.body);
        });
    }

    /// Reads a branch of a combinator. An `async` block there is driven by the combinator, so it may
    /// hold operations.
    pub(super) fn combinator_branch(&mut self, expression: &Expr) {
        self.expect_fate(expression, Fate::Branch);
        match peel(expression) {
            Expr::Async(block) => {
                let place = self.place;
                self.apart(place, |reader| reader.visit_block(&block.block));
            }
            _ => self.visit_expr(expression),
        }
    }

    pub(super) fn note_states(&mut self, call: &syn::ExprMethodCall) {
        if call.method != "state" {
            return;
        }
        let on_step = matches!(peel(&call.receiver), Expr::Path(path)
            if path.path.get_ident().is_some_and(|ident| self.step_parameters.contains(&ident.to_string())));
        let on_context = super::calls::is_context(&call.receiver, &self.context);
        if on_step || on_context {
            let state = turbofish(call.turbofish.as_ref());
            self.body.states.extend(state);
        }
    }

    pub(super) fn read_macro(&mut self, mac: &Macro) {
        match macros::read(mac) {
            Reading::Combinator { kind, parts } => self.combinator(kind, mac, &parts),
            Reading::Ordinary(parts) => {
                let how = How::Passed(format!("{}!", crate::text::text(&mac.path)));
                for part in &parts {
                    if let Part::Value(value) = part {
                        self.with_how(how.clone(), |reader| reader.visit_expr(value));
                    }
                }
                self.mention_raw(&parts);
            }
            Reading::Escape(parts) => self.escape(mac, &parts),
            Reading::Opaque => self.opaque(mac),
        }
    }

    /// Reads `durable::nondeterministic!(reason, value)`: nothing in the value is judged but what is
    /// done with the context.
    fn escape(&mut self, mac: &Macro, parts: &[Part]) {
        let values: Vec<&Expr> = parts.iter().filter_map(Part::value).collect();
        self.body.escapes.push(Escape {
            path: mac.path.clone(),
            reason: values.first().map(|reason| (*reason).clone()),
            values: values.len().saturating_sub(1),
        });
        let place = match self.place {
            Place::StepBody => Place::StepBody,
            _ => Place::Escape,
        };
        let place = mem::replace(&mut self.place, place);
        values
            .iter()
            .skip(1)
            .for_each(|value| self.visit_expr(value));
        self.place = place;
    }

    fn combinator(&mut self, kind: &'static str, mac: &Macro, parts: &[Part]) {
        let mut branches: Vec<Vec<Node>> = Vec::new();
        for part in parts {
            match part {
                Part::Branch(branch) => {
                    branches.push(self.branch(|reader| reader.combinator_branch(branch)));
                }
                Part::Handler(handler) => {
                    let nodes = self.branch(|reader| reader.visit_expr(handler));
                    if let Some(branch) = branches.last_mut() {
                        branch.extend(nodes);
                    }
                }
                Part::Raw(_) | Part::Value(_) => {}
            }
        }
        let span = mac
            .path
            .segments
            .last()
            .map_or_else(Span::call_site, |segment| segment.ident.span());
        self.push_node(Node::Parallel {
            kind,
            span,
            branches,
        });
    }

    fn opaque(&mut self, mac: &Macro) {
        self.mention_all(mac.tokens.clone());
        let context = (!self.shadowed).then_some(&self.context);
        let Some(mention) = macros::mention(mac.tokens.clone(), context) else {
            return;
        };
        if !self.place.is_unjudged() {
            self.body.macros.push(UnknownMacro {
                path: mac.path.clone(),
                mention,
            });
        } else if mention == self.context {
            self.use_context(mention, How::Asked);
        }
    }

    fn mention_raw(&mut self, parts: &[Part]) {
        for part in parts {
            if let Part::Raw(raw) = part {
                self.mention_all(raw.clone());
            }
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

    pub(super) fn mention(&mut self, ident: &Ident) {
        self.mentioned.insert(ident.to_string());
    }

    pub(super) fn use_context(&mut self, ident: Ident, how: How) {
        self.body.uses.push(ContextUse {
            ident,
            how,
            place: self.place,
        });
    }

    pub(super) fn note_path(&mut self, path: &Path) {
        if self.place.is_unjudged() {
            return;
        }
        let generics = path
            .segments
            .last()
            .map_or(0, |segment| match &segment.arguments {
                syn::PathArguments::AngleBracketed(arguments) => arguments.args.len(),
                _ => 0,
            });
        self.body.paths.push(PathUse {
            path: path.clone(),
            segments: self.aliases.resolve(path),
            generics,
        });
    }
}

/// The one type of a turbofish.
fn turbofish(arguments: Option<&syn::AngleBracketedGenericArguments>) -> Option<Type> {
    match arguments?.args.first()? {
        GenericArgument::Type(Type::Infer(_)) => None,
        GenericArgument::Type(generic) => Some(generic.clone()),
        _ => None,
    }
}

/// A label's name.
pub(super) fn label_text(label: impl ToTokens) -> String {
    crate::text::text(label)
}
