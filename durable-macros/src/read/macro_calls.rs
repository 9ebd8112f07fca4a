//! What macros in a body do.

use std::ptr;

use proc_macro2::{Span, TokenStream};
use syn::{Expr, Macro};

use super::{
    reader::{BodyReader, Taker},
    values::Value,
};
use crate::{
    facts::{ContextUsage, Fate, Node, Place},
    resolve::LocalId,
    syntax::{
        macros::{self, MacroKind, MacroPiece},
        tokens,
    },
};

impl<'t> BodyReader<'t> {
    pub(super) fn macro_call(&mut self, mac: &'t Macro) -> Value {
        let names = self.names;
        let args = names.macro_args(mac);
        self.measured(|reader| match (args.kind, &args.pieces) {
            (MacroKind::Combinator(kind), Some(pieces)) => {
                if macros::is_foreign(&names.aliases.resolve(&mac.path)) {
                    reader.unknown_macro(mac);
                } else {
                    reader.note_combinator(mac);
                    reader.combinator(kind, mac, pieces);
                    reader.met = reader.met.awaited();
                }
                Value::durable(true)
            }
            (MacroKind::Hatch, Some(pieces)) => {
                reader.hatch(mac, pieces);
                reader.met = reader.met.awaited();
                Value::durable(true)
            }
            // The compiler says what it takes.
            (MacroKind::Combinator(_) | MacroKind::Hatch, None) => {
                reader.note_combinator(mac);
                reader.mention_all(&mac.tokens);
                Value::durable(true)
            }
            (MacroKind::Inert, _) => Value::default(),
            (kind, Some(pieces)) => reader.evaluated(mac, kind, pieces),
            (_, None) => Value::durable(reader.unknown_macro(mac)),
        })
    }

    fn evaluated(&mut self, mac: &'t Macro, kind: MacroKind, pieces: &'t [MacroPiece]) -> Value {
        let taker = match kind {
            MacroKind::Formats | MacroKind::Traces => Taker::Printer,
            _ => Taker::Macro(&mac.path),
        };
        let mut values = Vec::new();
        self.taken_by(taker, |reader| reader.pieces(pieces, &mut values));
        if macros::returns(mac) {
            self.exit();
        }
        let is_durable = values.first().is_some_and(|value| value.is_durable);
        // It was said of the context that it goes there.
        values.retain(|value| !value.has_context());
        Value {
            is_durable,
            ..Value::made_of(values)
        }
    }

    fn pieces(&mut self, pieces: &'t [MacroPiece], values: &mut Vec<Value>) {
        for piece in pieces {
            match piece {
                MacroPiece::Value(value) => values.push(self.read(value, Fate::Used)),
                MacroPiece::Pattern(pattern) => self.bind(pattern, None),
                MacroPiece::Bracketed(_, _, pieces) => self.pieces(pieces, values),
                MacroPiece::Raw(_) | MacroPiece::Branch(_) | MacroPiece::Handler(_) => {}
            }
        }
    }

    /// Reads `durable::nondeterministic!(reason, value)`: nothing in the value is judged but what is
    /// done with the context.
    fn hatch(&mut self, mac: &'t Macro, pieces: &'t [MacroPiece]) {
        let place = match self.around.place {
            Place::StepBody => Place::StepBody,
            _ => Place::Hatch,
        };
        let mut args = pieces.iter().filter_map(MacroPiece::value);
        let reason = args.next();
        let mut values = 0;
        self.within(
            |around| around.place = place,
            |reader| {
                for value in args {
                    reader.read(value, Fate::Used);
                    values += 1;
                }
            },
        );
        self.rules.hatch(&mac.path, reason, values);
    }

    /// Notes a combinator of ours. In the body of a step it may be anybody's.
    fn note_combinator(&mut self, mac: &Macro) {
        if self.is_judged() && macros::is_combinator(mac) {
            self.body.combinators.insert(ptr::from_ref(mac));
        }
    }

    fn combinator(&mut self, kind: &'static str, mac: &Macro, pieces: &'t [MacroPiece]) {
        let mut branches: Vec<Vec<Node>> = Vec::new();
        for piece in pieces {
            match piece {
                MacroPiece::Branch(branch) => {
                    let (nodes, ()) = self.sequence(|reader| reader.branch(branch));
                    branches.push(nodes);
                }
                MacroPiece::Pattern(pattern) => self.bind(pattern, None),
                MacroPiece::Handler(handler) => {
                    let (nodes, _) = self.sequence(|reader| reader.read(handler, Fate::Used));
                    if let Some(branch) = branches.last_mut() {
                        branch.extend(nodes);
                    }
                }
                MacroPiece::Raw(_) | MacroPiece::Value(_) | MacroPiece::Bracketed(..) => {}
            }
        }
        let name = mac.path.segments.last();
        let span = name.map_or_else(Span::call_site, |name| name.ident.span());
        self.push_node(Node::Parallel {
            kind,
            span,
            branches,
        });
    }

    /// Reads a branch of a combinator.
    fn branch(&mut self, branch: &'t Expr) {
        let hazards = self.hazards;
        let value = self.read(branch, Fate::Branch);
        self.take_kept(branch);
        self.note_await(branch, branch, value.is_durable, hazards);
    }

    /// Notes a macro that cannot be looked into, and says whether the context or an await is in it.
    fn unknown_macro(&mut self, mac: &Macro) -> bool {
        self.mention_all(&mac.tokens);
        let in_sight = self.names.mentions(&mac.tokens);
        let context = in_sight
            .iter()
            .find(|mention| mention.local == LocalId::CONTEXT);
        let context = context.map(|mention| &mention.name);
        let mention = tokens::find_name(mac.tokens.clone(), u32::MAX, &|name| {
            name == "await" || Some(name) == context
        });
        let is_mentioned = mention.is_some();
        if self.is_judged() {
            if mention.is_none() && !macros::is_combinator(mac) {
                for path in macros::paths::find(mac.tokens.clone()) {
                    self.note_path(&path, None);
                }
            }
            let names = self.names.aliases.resolve(&mac.path);
            self.rules
                .unknown_macro(&mac.path, &names, mention.as_ref());
        } else if let Some(mention) = mention.filter(|mention| Some(mention) == context) {
            self.use_context(&mention, ContextUsage::Asked);
        }
        is_mentioned
    }

    /// Notes that the locals are used which are named in tokens that were not parsed.
    fn mention_all(&mut self, tokens: &TokenStream) {
        for mention in self.names.mentions(tokens) {
            self.locals[mention.local.index()].is_mentioned = true;
            self.met.context |= mention.local == LocalId::CONTEXT;
        }
    }
}
