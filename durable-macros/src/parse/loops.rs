//! Loops and labelled blocks, and what leaves them.

use proc_macro2::Span;
use quote::ToTokens;
use syn::{Label, Lifetime};

use super::body::Reader;
use crate::{graph::Node, text::text};

/// A loop or a labelled block that is being read.
pub(super) struct Frame {
    label: Option<String>,
    is_loop: bool,
    left: bool,
}

impl Reader {
    /// Reads a loop or a labelled block; gives what is in it and whether something leaves it.
    pub(super) fn frame(
        &mut self,
        label: Option<&Label>,
        is_loop: bool,
        read: impl FnOnce(&mut Self),
    ) -> (Vec<Node>, bool) {
        self.frames.push(Frame {
            label: label.map(|label| label_text(&label.name)),
            is_loop,
            left: false,
        });
        let body = self.branch(|reader| reader.scope(read));
        let left = self.frames.pop().is_some_and(|frame| frame.left);
        (body, left)
    }

    /// Notes that `break` or `continue` leaves loops. An unlabelled one leaves no labelled block, and
    /// `continue` does not leave the loop that it goes on with.
    pub(super) fn leave(&mut self, label: Option<&Lifetime>, breaks: bool) {
        let label = label.map(label_text);
        for frame in self.frames.iter_mut().rev() {
            let target = match &label {
                Some(_) => frame.label == label,
                None => frame.is_loop,
            };
            frame.left |= (!target || breaks) && (label.is_some() || frame.is_loop);
            if target {
                break;
            }
        }
    }

    /// Notes a `return`: it leaves every loop around it, and the body unless it is in a block of its own.
    pub(super) fn exit(&mut self) {
        self.frames.iter_mut().for_each(|frame| frame.left = true);
        if self.leaves {
            self.push_node(Node::Exit);
        }
    }

    pub(super) fn push_loop(&mut self, header: String, span: Span, body: Vec<Node>, ends: bool) {
        if !body.is_empty() {
            self.push_node(Node::Loop {
                header,
                span,
                body,
                ends,
            });
        }
    }
}

fn label_text(label: impl ToTokens) -> String {
    text(label)
}
