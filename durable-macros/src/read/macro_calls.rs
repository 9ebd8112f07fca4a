//! What macros in a body do.

use std::mem;

use proc_macro2::{Span, TokenStream, TokenTree};
use syn::{Expr, Macro, visit::Visit};

use crate::{
    facts::{Escape, Fate, How, MacroUse, Node, Place},
    read::body::Reader,
    syntax::{
        macros::{self, Part, Reading},
        text::text,
    },
};

impl Reader {
    pub(super) fn read_macro(&mut self, mac: &Macro) {
        let path = self.aliases.resolve(&mac.path);
        let foreign = path.len() > 1 && macros::FOREIGN.contains(&path[0].as_str());
        match macros::read(mac) {
            Reading::Combinator { .. } if foreign => self.opaque(mac),
            Reading::Combinator { kind, parts } => self.combinator(kind, mac, &parts),
            Reading::Ordinary(parts) => self.ordinary(mac, &parts),
            Reading::Escape(parts) => self.escape(mac, &parts),
            Reading::Inert => {}
            Reading::Broken => self.mention_all(mac.tokens.clone()),
            Reading::Opaque => self.opaque(mac),
        }
    }

    fn ordinary(&mut self, mac: &Macro, parts: &[Part]) {
        let how = if macros::is_formatting(mac) {
            // The context prints as the id of its run.
            How::Asked
        } else {
            How::Passed(format!("{}!", text(&mac.path)))
        };
        self.scope(|reader| {
            reader.with_how(how, |reader| {
                parts.iter().for_each(|part| reader.part(part));
            });
        });
        if macros::returns(mac) {
            self.exit();
        }
    }

    fn part(&mut self, part: &Part) {
        match part {
            Part::Value(value) => self.visit_expr(value),
            Part::Pattern(pattern) => self.bind(pattern, None),
            Part::Group(_, _, parts) => parts.iter().for_each(|part| self.part(part)),
            Part::Raw(_) | Part::Branch(_) | Part::Handler(_) => {}
        }
    }

    /// Reads `durable::nondeterministic!(reason, value)`: nothing in the value is judged but what is
    /// done with the context.
    fn escape(&mut self, mac: &Macro, parts: &[Part]) {
        let values: Vec<&Expr> = macros::expressions(parts);
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
        // What a pattern binds is known to the handler, and not yet to the branch before it.
        let mut pattern = None;
        for part in parts {
            match part {
                Part::Pattern(next) => pattern = Some(next),
                Part::Branch(branch) => {
                    branches.push(self.branch(|reader| reader.combinator_branch(branch)));
                }
                Part::Handler(handler) => {
                    let nodes = self.branch(|reader| {
                        reader.scope(|reader| {
                            if let Some(pattern) = pattern {
                                reader.bind(pattern, None);
                            }
                            reader.visit_as(handler, Fate::Used);
                        });
                    });
                    if let Some(branch) = branches.last_mut() {
                        branch.extend(nodes);
                    }
                }
                Part::Raw(_) | Part::Value(_) | Part::Group(..) => {}
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
        let context = self.sees_context().then_some(&self.context);
        let mention = macros::mention(mac.tokens.clone(), context);
        if !self.place.is_unjudged() {
            if mention.is_none() && !macros::is_combinator(mac) {
                for path in macros::paths::find(mac.tokens.clone()) {
                    self.note_path(&path);
                }
            }
            self.body.macros.push(MacroUse {
                path: mac.path.clone(),
                segments: self.aliases.resolve(&mac.path),
                mention,
            });
        } else if let Some(mention) = mention.filter(|mention| *mention == self.context) {
            self.use_context(mention, How::Asked);
        }
    }

    fn mention_all(&mut self, tokens: TokenStream) {
        for token in tokens {
            match token {
                TokenTree::Ident(ident) => self.scopes.mention(&ident),
                TokenTree::Group(group) => self.mention_all(group.stream()),
                TokenTree::Punct(_) | TokenTree::Literal(_) => {}
            }
        }
    }
}
