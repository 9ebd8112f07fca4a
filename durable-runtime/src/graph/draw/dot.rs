//! The DOT language.

use std::fmt::Write;

use super::flow::{EdgeKind, Flow, FlowNode, Shape};

const DEFAULTS: &str = "\
  bgcolor=transparent;
  node [fontname=\"monospace\", fontsize=11, style=filled, color=\"#64748b\", fillcolor=\"#f1f5f9\", fontcolor=\"#1e293b\"];
  edge [fontname=\"monospace\", fontsize=10, color=\"#7c8798\", fontcolor=\"#64748b\"];
";

pub(super) fn write(flow: &Flow) -> String {
    let mut text = format!("digraph {} {{\n{DEFAULTS}", quote(&flow.workflow));
    group(flow, None, 1, &mut text);
    for edge in &flow.edges {
        let mut attributes = match edge.kind {
            EdgeKind::Flow => String::new(),
            // The way back to a head must not push that head down.
            EdgeKind::Back => "constraint=false".to_owned(),
            EdgeKind::Undo => "style=dashed, color=\"#dc2626\", constraint=false".to_owned(),
        };
        if !edge.label.is_empty() {
            let comma = if attributes.is_empty() { "" } else { ", " };
            attributes = format!("label={}{comma}{attributes}", quote(&edge.label));
        }
        line(
            &mut text,
            1,
            format_args!("n{} -> n{} [{attributes}];", edge.from, edge.to),
        );
    }
    text.push_str("}\n");
    text
}

/// The nodes of a group, and the groups in it.
fn group(flow: &Flow, of: Option<usize>, depth: usize, text: &mut String) {
    for (index, node) in flow.nodes.iter().enumerate() {
        if node.group == of {
            line(
                text,
                depth,
                format_args!("n{index} [{}];", attributes(node)),
            );
        }
    }
    for (index, inner) in flow.groups.iter().enumerate() {
        if inner.group == of {
            line(text, depth, format_args!("subgraph cluster_{index} {{"));
            let label = quote(&inner.label);
            line(
                text,
                depth + 1,
                format_args!(
                    "label={label}; labeljust=l; style=\"dashed,rounded\"; color=\"#94a3b8\"; \
                     fontname=\"monospace\"; fontsize=10; fontcolor=\"#64748b\";"
                ),
            );
            group(flow, Some(index), depth + 1, text);
            line(text, depth, format_args!("}}"));
        }
    }
}

fn attributes(node: &FlowNode) -> String {
    let style = match node.shape {
        Shape::Start | Shape::End => {
            "shape=box, style=\"filled,rounded\", color=\"#334155\", fillcolor=\"#334155\", \
             fontcolor=\"#f8fafc\""
        }
        Shape::Step => "shape=box, color=\"#3b82f6\", fillcolor=\"#eff6ff\"",
        Shape::Sleep => {
            "shape=box, style=\"filled,rounded\", color=\"#d97706\", fillcolor=\"#fffbeb\""
        }
        Shape::Signal => {
            "shape=cds, margin=\"0.25,0.15\", color=\"#059669\", fillcolor=\"#ecfdf5\""
        }
        Shape::Child => "shape=box, peripheries=2, color=\"#7c3aed\", fillcolor=\"#f5f3ff\"",
        Shape::Choice | Shape::Fork => "shape=hexagon",
        Shape::Merge => return "shape=point, width=0.08, label=\"\"".to_owned(),
        Shape::Compensation => {
            "shape=box, color=\"#dc2626\", fillcolor=\"#fef2f2\", fontcolor=\"#7f1d1d\""
        }
        Shape::Undone => {
            "shape=box, style=\"filled,rounded\", color=\"#dc2626\", fillcolor=\"#fef2f2\", \
             fontcolor=\"#7f1d1d\""
        }
    };
    format!("label={}, {style}", quote(&node.lines.join("\n")))
}

/// A quoted string in which nothing means more than itself but a line end.
fn quote(text: &str) -> String {
    let mut quoted = "\"".to_owned();
    for c in text.chars() {
        match c {
            '"' | '\\' => quoted.extend(['\\', c]),
            '\n' => quoted.push_str("\\n"),
            c if c.is_control() => quoted.push(' '),
            c => quoted.push(c),
        }
    }
    quoted.push('"');
    // Graphviz reads entities in labels.
    quoted.replace('&', "&amp;")
}

fn line(text: &mut String, depth: usize, content: std::fmt::Arguments<'_>) {
    let indent = depth * 2;
    // Writing to a string cannot fail.
    let _ = writeln!(text, "{:indent$}{content}", "");
}
