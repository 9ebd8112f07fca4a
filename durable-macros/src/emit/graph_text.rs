//! The graph as text, in the format that `durable_runtime::graph` reads.

use std::fmt::Write;

use proc_macro2::{Literal, Span, TokenStream};
use quote::{ToTokens, quote};
use syn::Attribute;

use crate::{
    facts::{Arm, BodyFacts, Node, Operation, OptionCall},
    operations::Carries,
    syntax::{function::line, text::text},
};

/// The graph of a body whose fn has this name in this line: `&["..", ..]`. What is under a `cfg` is a
/// piece of its own.
pub(crate) fn graph_text(name: &str, line: u32, body: &BodyFacts) -> TokenStream {
    let mut writer = GraphWriter {
        body,
        pieces: TokenStream::new(),
        piece: format!("1 {line} "),
    };
    writer.string(name);
    body.nodes.iter().for_each(|node| writer.node(node));
    writer.end_piece(&[]);
    let pieces = writer.pieces;
    quote!(&[#pieces])
}

struct GraphWriter<'a> {
    body: &'a BodyFacts,
    pieces: TokenStream,
    /// The piece that is being written.
    piece: String,
}

impl GraphWriter<'_> {
    /// A node, if it holds an operation.
    fn node(&mut self, node: &Node) {
        if !node.holds_operation() {
            return;
        }
        match node {
            Node::Exit => {}
            Node::Operation(index) => {
                if let Some(operation) = self.body.operations.get(*index) {
                    self.operation(operation);
                }
            }
            Node::Branch {
                condition,
                span,
                arms,
            } => {
                self.head("branch", *span);
                self.string(condition);
                self.block(arms, Self::arm);
            }
            Node::Loop { header, span, body } => {
                self.head("loop", *span);
                self.string(header);
                self.block(body, Self::node);
            }
            Node::Parallel {
                kind,
                span,
                branches,
            } => {
                self.head(kind, *span);
                self.block(branches, |writer, branch| writer.block(branch, Self::node));
            }
        }
    }

    fn head(&mut self, word: &str, span: Span) {
        self.word(word);
        self.number(line(span));
    }

    fn arm(&mut self, arm: &Arm) {
        self.string(&arm.label);
        self.block(&arm.body, Self::node);
    }

    fn operation(&mut self, operation: &Operation) {
        let kind = operation.kind;
        // Of a scope that no fragment is called in, it was said that it must be.
        let is_stray = kind.is_scope() && operation.fragment.is_none();
        let Some(name) = operation.literal().filter(|_| !is_stray) else {
            return;
        };
        let is_configured = !operation.cfgs.is_empty();
        if is_configured {
            self.end_piece(&[]);
        }
        self.word(kind.word);
        if matches!(kind.carries, Carries::Payload | Carries::Workflow) {
            let generic = operation.generic.as_ref().map_or("_".to_owned(), text);
            self.string(&generic);
        }
        self.number(line(name.span()));
        self.string(&name.value());
        if !kind.is_scope() {
            let options = operation.options.iter();
            options.for_each(|option| self.option(option));
            self.word(";");
        }
        if is_configured {
            self.end_piece(&operation.cfgs);
        }
    }

    /// An option as written; compensation and earlier names are facts of their own.
    fn option(&mut self, option: &OptionCall) {
        let name = option.name.to_string();
        match name.as_str() {
            "compensate" => {
                if let Some(path) = option.path().and_then(|path| path.segments.last()) {
                    self.word("undone");
                    self.string(&path.ident.to_string());
                }
            }
            "was" => {
                if let Some(before) = option.literal() {
                    self.word("was");
                    self.string(&before.value());
                }
            }
            name => {
                self.word("with");
                self.string(name);
                let args = option.args.iter().map(text).collect::<Vec<_>>().join(", ");
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
