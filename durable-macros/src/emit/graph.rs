//! The graph as text, in the format that `durable_runtime::graph` reads.

use std::fmt::Write;

use proc_macro2::{Literal, TokenStream};
use quote::{ToTokens, quote};
use syn::{Attribute, LitStr};

use crate::{
    facts::{Arm, Body, Choice, Kind, Node, Operation},
    syntax::{function::line, text::text},
};

/// The graph of a body whose fn has this name in this line: `&["..", ..]`. What is under a `cfg` is a
/// piece of its own.
pub(crate) fn written(name: &str, line: u32, body: &Body) -> TokenStream {
    let mut writer = Writer {
        body,
        pieces: TokenStream::new(),
        piece: format!("1 {line} "),
    };
    writer.string(name);
    writer.nodes(&body.nodes);
    writer.end_piece(&[]);
    let pieces = writer.pieces;
    quote!(&[#pieces])
}

struct Writer<'a> {
    body: &'a Body,
    pieces: TokenStream,
    /// The piece that is being written.
    piece: String,
}

impl Writer<'_> {
    fn nodes(&mut self, nodes: &[Node]) {
        for node in nodes {
            self.node(node);
        }
    }

    /// A node, if it holds an operation.
    fn node(&mut self, node: &Node) {
        if !node.holds_operation() {
            return;
        }
        match node {
            Node::Exit => {}
            Node::Operation(index) => {
                if let Some(operation) = self.body.operations.get(*index) {
                    self.configured(operation);
                }
            }
            Node::Branch {
                condition,
                span,
                arms,
            } => {
                self.word("branch");
                self.number(line(*span));
                self.string(condition);
                self.block(arms, Self::arm);
            }
            Node::Loop {
                header, span, body, ..
            } => {
                self.word("loop");
                self.number(line(*span));
                self.string(header);
                self.block(body, Self::node);
            }
            Node::Parallel {
                kind,
                span,
                branches,
            } => {
                self.word(kind);
                self.number(line(*span));
                self.block(branches, |writer, branch| writer.block(branch, Self::node));
            }
        }
    }

    fn arm(&mut self, arm: &Arm) {
        self.string(&arm.label);
        self.block(&arm.body, Self::node);
    }

    fn configured(&mut self, operation: &Operation) {
        let Some(name) = operation.literal() else {
            return;
        };
        if operation.cfgs.is_empty() {
            return self.operation(operation, name);
        }
        self.end_piece(&[]);
        self.operation(operation, name);
        self.end_piece(&operation.cfgs);
    }

    fn operation(&mut self, operation: &Operation, name: &LitStr) {
        match operation.kind {
            Kind::Step => self.word("step"),
            Kind::Sleep => self.word("sleep"),
            Kind::Signal => self.word("signal"),
            Kind::Child => self.word("child"),
            // Of one that no fragment is called in, it was said that it must be.
            Kind::Scope if operation.fragment.is_none() => return,
            Kind::Scope => self.word("scope"),
        }
        if matches!(operation.kind, Kind::Signal | Kind::Child) {
            let generic = operation.generic.as_ref().map_or("_".to_owned(), text);
            self.string(&generic);
        }
        self.number(line(name.span()));
        self.string(&name.value());
        if operation.kind != Kind::Scope {
            operation
                .options
                .iter()
                .for_each(|choice| self.fact(choice));
            self.word(";");
        }
    }

    /// An option as written; compensation and earlier names are facts of their own.
    fn fact(&mut self, choice: &Choice) {
        let name = choice.name.to_string();
        match name.as_str() {
            "compensate" => {
                if let Some(path) = choice.path().and_then(|path| path.segments.last()) {
                    self.word("undone");
                    self.string(&path.ident.to_string());
                }
            }
            "was" => {
                if let Some(before) = choice.literal() {
                    self.word("was");
                    self.string(&before.value());
                }
            }
            name => {
                self.word("with");
                self.string(name);
                let args = choice.args.iter().map(text).collect::<Vec<_>>().join(", ");
                self.string(&args);
            }
        }
    }

    fn block<T>(&mut self, items: &[T], mut item: impl FnMut(&mut Self, &T)) {
        self.word("{");
        items.iter().for_each(|each| item(self, each));
        self.word("}");
    }

    fn word(&mut self, word: &str) {
        self.piece.push_str(word);
        self.piece.push(' ');
    }

    fn number(&mut self, number: u32) {
        // A string takes everything.
        let _ = write!(self.piece, "{number} ");
    }

    fn string(&mut self, text: &str) {
        let _ = write!(self.piece, "{}:{text} ", text.len());
    }

    /// Ends a piece that is configured by these `cfg`s.
    fn end_piece(&mut self, cfgs: &[Attribute]) {
        if self.piece.is_empty() {
            return;
        }
        for cfg in cfgs {
            cfg.to_tokens(&mut self.pieces);
        }
        let piece = Literal::string(&std::mem::take(&mut self.piece));
        self.pieces.extend(quote!(#piece,));
    }
}
