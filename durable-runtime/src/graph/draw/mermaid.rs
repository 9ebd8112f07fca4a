//! Mermaid flowcharts.

use std::fmt::Write;

use super::flow::{EdgeKind, Flow, FlowNode, Shape};

const STYLES: [(&str, &str); 8] = [
    ("start", "fill:#334155,stroke:#334155,color:#f8fafc"),
    ("step", "fill:#eff6ff,stroke:#3b82f6,color:#1e293b"),
    ("sleep", "fill:#fffbeb,stroke:#d97706,color:#1e293b"),
    ("signal", "fill:#ecfdf5,stroke:#059669,color:#1e293b"),
    ("child", "fill:#f5f3ff,stroke:#7c3aed,color:#1e293b"),
    ("head", "fill:#f1f5f9,stroke:#64748b,color:#1e293b"),
    ("undo", "fill:#fef2f2,stroke:#dc2626,color:#7f1d1d"),
    (
        "group",
        "fill:none,stroke:#94a3b8,stroke-dasharray:5 4,color:#64748b",
    ),
];

pub(super) fn write(flow: &Flow) -> String {
    let mut text = "flowchart TD\n".to_owned();
    group(flow, None, 1, &mut text);
    for edge in &flow.edges {
        let label = match edge.label.as_str() {
            "" => String::new(),
            label => format!("|\"{}\"|", escape(label)),
        };
        let arrow = match edge.kind {
            EdgeKind::Flow | EdgeKind::Back => "-->",
            EdgeKind::Undo => "-.->",
        };
        line(
            &mut text,
            1,
            format_args!("n{} {arrow}{label} n{}", edge.from, edge.to),
        );
    }
    for (class, style) in STYLES {
        line(&mut text, 1, format_args!("classDef {class} {style}"));
    }
    for index in 0..flow.groups.len() {
        line(&mut text, 1, format_args!("class g{index} group"));
    }
    let undo = flow.edges.iter().enumerate();
    let undo = undo.filter(|(_, edge)| edge.kind == EdgeKind::Undo);
    let undo: Vec<_> = undo.map(|(index, _)| index.to_string()).collect();
    if !undo.is_empty() {
        let links = undo.join(",");
        line(
            &mut text,
            1,
            format_args!("linkStyle {links} stroke:#dc2626"),
        );
    }
    text
}

/// The nodes of a group, and the groups in it.
fn group(flow: &Flow, of: Option<usize>, depth: usize, text: &mut String) {
    for (index, node) in flow.nodes.iter().enumerate() {
        if node.group == of {
            line(text, depth, format_args!("n{index}{}", shape(node)));
        }
    }
    for (index, inner) in flow.groups.iter().enumerate() {
        if inner.group == of {
            let label = escape(&inner.label);
            line(text, depth, format_args!("subgraph g{index}[\"{label}\"]"));
            group(flow, Some(index), depth + 1, text);
            line(text, depth, format_args!("end"));
        }
    }
}

fn shape(node: &FlowNode) -> String {
    let lines: Vec<_> = node.lines.iter().map(|line| escape(line)).collect();
    let (open, close, class) = match node.shape {
        Shape::Start | Shape::End => ("([\"", "\"])", "start"),
        Shape::Step => ("[\"", "\"]", "step"),
        Shape::Sleep => ("([\"", "\"])", "sleep"),
        Shape::Signal => ("[/\"", "\"/]", "signal"),
        Shape::Child => ("[[\"", "\"]]", "child"),
        Shape::Choice | Shape::Fork => ("{{\"", "\"}}", "head"),
        Shape::Merge => return "(( )):::head".to_owned(),
        Shape::Compensation => ("[\"", "\"]", "undo"),
        Shape::Undone => ("([\"", "\"])", "undo"),
    };
    format!("{open}{}{close}:::{class}", lines.join("<br/>"))
}

/// A text inside quotes: every character that Mermaid or HTML could take for more than itself becomes
/// an entity.
fn escape(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            c if c.is_alphanumeric() || " _-.,:·…/+=".contains(c) => escaped.push(c),
            c if c.is_control() => escaped.push(' '),
            c => escaped.push_str(&format!("#{};", u32::from(c))),
        }
    }
    escaped
}

fn line(text: &mut String, depth: usize, content: std::fmt::Arguments<'_>) {
    let indent = depth * 2;
    // Writing to a string cannot fail.
    let _ = writeln!(text, "{:indent$}{content}", "");
}
