//! What a reader of a body knows at the place that it has come to.

use std::{collections::BTreeMap, mem, ptr};

use proc_macro2::Ident;
use quote::ToTokens;
use syn::{Attribute, Block, Expr, PatType, Path};

use super::{
    control::LoopFrame,
    locals::LocalState,
    values::{Holds, Met},
};
use crate::{
    diagnostics::Diagnostics,
    facts::{BodyFacts, ContextUsage, Fate, Node, Place, Rewrite},
    hazards,
    resolve::{LocalId, Resolved},
    rules::Rules,
    syntax::{
        expressions::{names_bound, referenced_name},
        function::Function,
        text::text,
    },
};

/// Reads the body of a fn: what is in it, and what is wrong with it.
pub(crate) fn read_body<'t>(
    block: &'t Block,
    function: &'t Function,
    names: &'t Resolved,
) -> (BodyFacts, Diagnostics) {
    let mut reader = BodyReader::new(function, names);
    function.inputs().for_each(|input| reader.input(input));
    for item in names.called_fns(block) {
        let nodes = mem::take(&mut reader.nodes);
        reader.apart(Place::Closure, |reader| {
            drop(reader.block(&item.block, Fate::Used))
        });
        reader.nodes = nodes;
    }
    reader.block(block, Fate::Discarded);
    let left = mem::take(&mut reader.kept).into_values().flatten();
    reader.nodes.extend(left);
    reader.finish()
}

/// The state of a walk over a body.
pub(super) struct BodyReader<'t> {
    pub(super) function: &'t Function,
    pub(super) names: &'t Resolved,
    pub(super) body: BodyFacts,
    pub(super) rules: Rules,
    /// What is known of each local, by its number.
    pub(super) locals: Vec<LocalState>,
    /// The sequence that is being read.
    pub(super) nodes: Vec<Node>,
    /// What locals make that hold branches, until they are named in a combinator.
    pub(super) kept: BTreeMap<LocalId, Vec<Node>>,
    /// The `cfg`s of the statements and arms around.
    pub(super) cfgs: Vec<Attribute>,
    pub(super) frames: Vec<LoopFrame>,
    /// What has come out of the expression that is being read.
    pub(super) met: Met,
    pub(super) around: Surroundings<'t>,
    /// How many hazards were met, reported or not.
    pub(super) hazards: usize,
    /// Whether a collection without an order was met.
    pub(super) has_hashed: bool,
}

/// What holds for all that stands inside of something.
#[derive(Clone, Copy)]
pub(super) struct Surroundings<'t> {
    pub(super) place: Place,
    /// Whether this is in the arguments of a call that is reported.
    pub(super) is_reported: bool,
    /// Where the body of a closure is that stands here.
    pub(super) closures: Place,
    /// What the parameters of a closure hold that stands here.
    pub(super) feeds: Holds,
    /// Where the context goes, if it stands here.
    pub(super) taker: Taker<'t>,
    /// Whether `return` leaves the body.
    pub(super) leaves: bool,
}

/// What takes a value.
#[derive(Clone, Copy)]
pub(super) enum Taker<'t> {
    /// A variable, or another value.
    Variable,
    Fn(&'t Expr),
    Method(&'t Ident),
    Macro(&'t Path),
    /// A macro that prints it: the context prints as the id of its run.
    Printer,
}

impl<'t> BodyReader<'t> {
    fn new(function: &'t Function, names: &'t Resolved) -> Self {
        Self {
            function,
            names,
            body: BodyFacts::default(),
            rules: Rules::new(function),
            locals: names
                .locals()
                .iter()
                .map(|_| LocalState::default())
                .collect(),
            nodes: Vec::new(),
            kept: BTreeMap::new(),
            cfgs: Vec::new(),
            frames: Vec::new(),
            met: Met::default(),
            around: Surroundings {
                place: Place::Body,
                is_reported: false,
                closures: Place::Closure,
                feeds: Holds::Other,
                taker: Taker::Variable,
                leaves: true,
            },
            hazards: 0,
            has_hashed: false,
        }
    }

    /// Reads a parameter of the fn. A type that it can only hold is data, whatever it is made by; one
    /// whose order changes is noted as if it were named in the body.
    fn input(&mut self, input: &'t PatType) {
        let is_local = |name: &Ident| self.names.local(name).is_some();
        if !names_bound(&input.pat).into_iter().all(is_local) {
            // A context that is not in its place.
            return;
        }
        for path in hazards::hashed(&input.ty) {
            self.note_path(path, None);
        }
        let holds = if hazards::is_path_type(&input.ty) {
            Holds::Path
        } else {
            Holds::Other
        };
        self.bind_all(&input.pat, holds);
    }

    /// Ends the body: the operations that nobody came back to are forgotten.
    fn finish(mut self) -> (BodyFacts, Diagnostics) {
        for (local, state) in self.names.locals().iter().zip(&self.locals) {
            if state.is_forgotten() {
                let is_one = state.holds == Holds::Operation;
                self.rules.forgotten(&local.ident, is_one);
            }
        }
        self.body.nodes = self.nodes;
        let found = self.rules.end(&self.body);
        (self.body, found)
    }

    /// Reads what stands in other surroundings.
    pub(super) fn within<T>(
        &mut self,
        change: impl FnOnce(&mut Surroundings<'t>),
        read: impl FnOnce(&mut Self) -> T,
    ) -> T {
        let outer = self.around;
        change(&mut self.around);
        let read = read(self);
        self.around = outer;
        read
    }

    /// Reads what runs apart from the body around it: a closure or an async block.
    pub(super) fn apart<T>(&mut self, place: Place, read: impl FnOnce(&mut Self) -> T) -> T {
        let frames = mem::take(&mut self.frames);
        let change = |around: &mut Surroundings<'t>| {
            around.place = place;
            around.closures = Place::Closure;
            around.feeds = Holds::Other;
            around.leaves = false;
        };
        let read = self.within(change, read);
        self.frames = frames;
        read
    }

    /// Reads something out of which the context would go there.
    pub(super) fn taken_by<T>(&mut self, taker: Taker<'t>, read: impl FnOnce(&mut Self) -> T) -> T {
        self.within(|around| around.taker = taker, read)
    }

    /// Reads what is configured by these `cfg`s.
    pub(super) fn configured<T>(
        &mut self,
        cfgs: Vec<Attribute>,
        read: impl FnOnce(&mut Self) -> T,
    ) -> T {
        let outer = self.cfgs.len();
        self.cfgs.extend(cfgs);
        let read = read(self);
        self.cfgs.truncate(outer);
        read
    }

    /// Reads with a fresh sequence, and gives that sequence.
    pub(super) fn sequence<T>(&mut self, read: impl FnOnce(&mut Self) -> T) -> (Vec<Node>, T) {
        let outer = mem::take(&mut self.nodes);
        let read = read(self);
        (mem::replace(&mut self.nodes, outer), read)
    }

    pub(super) fn push_node(&mut self, node: Node) {
        if self.is_judged() {
            self.nodes.push(node);
        }
    }

    /// Whether clocks, I/O and awaits are looked for here.
    pub(super) fn is_judged(&self) -> bool {
        !self.around.place.is_unjudged()
    }

    /// Whether this is the context, by its name and in sight.
    pub(super) fn is_context(&self, expression: &Expr) -> bool {
        self.names.is_context(expression)
    }

    /// Notes what an expression becomes.
    pub(super) fn rewrite(&mut self, expression: &Expr, rewrite: Rewrite) {
        let place = ptr::from_ref(expression);
        self.body.rewrites.insert(place, rewrite);
    }

    /// What is known of the local that stands here.
    pub(super) fn holds(&self, expression: &Expr) -> Option<Holds> {
        let local = self.names.local(referenced_name(expression)?)?;
        Some(self.locals[local.index()].holds)
    }

    /// Notes what is done with the context.
    pub(super) fn use_context(&mut self, name: &Ident, usage: ContextUsage) {
        if !self.around.is_reported {
            self.rules.context_use(name, &usage, self.around.place);
        }
    }

    /// Notes that the context goes to whoever takes what stands here.
    pub(super) fn hand_context_on(&mut self, name: &Ident) {
        let usage = match self.around.taker {
            Taker::Variable => ContextUsage::Stored,
            Taker::Printer => ContextUsage::Asked,
            Taker::Fn(function) => ContextUsage::Passed(text(function)),
            Taker::Method(method) => ContextUsage::Passed(format!(".{method}(..)")),
            Taker::Macro(path) => ContextUsage::Passed(format!("{}!", text(path))),
        };
        self.use_context(name, usage);
    }

    /// Notes what is awaited, after it was read. Of what has a hazard in it that was said already.
    pub(super) fn note_await(
        &mut self,
        at: &dyn ToTokens,
        base: &Expr,
        is_durable: bool,
        hazards: usize,
    ) {
        let is_said = self.around.is_reported || self.hazards > hazards;
        if !is_durable && self.is_judged() && !is_said {
            self.rules.foreign_await(at, base);
        }
    }
}
