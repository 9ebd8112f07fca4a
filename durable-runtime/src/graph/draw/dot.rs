//! The DOT language.

use std::fmt::Write;

use super::{
    flow::{EdgeKind, Flow, FlowNode},
    look::{FlowLook, Form, INK},
};

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
    let FlowLook {
        form,
        ground,
        edge,
        ink,
        ..
    } = node.symbol.flow_look();
    let label = quote(&node.lines.join("\n"));
    match form {
        Form::Point => format!("{}, label=\"\"", form.dot()),
        // It has the colors that all nodes have.
        Form::Hexagon => format!("label={label}, {}", form.dot()),
        _ => {
            let ink = match ink {
                INK => String::new(),
                ink => format!(", fontcolor=\"{ink}\""),
            };
            format!(
                "label={label}, {}, color=\"{edge}\", fillcolor=\"{ground}\"{ink}",
                form.dot()
            )
        }
    }
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
