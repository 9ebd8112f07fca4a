//! Mermaid flowcharts.

use std::fmt::Write;

use super::{
    super::OperationKind,
    flow::{EdgeKind, Flow, FlowNode},
    look::{FlowLook, Form, Symbol},
};

const GROUP: &str = "fill:none,stroke:#94a3b8,stroke-dasharray:5 4,color:#64748b";

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
    for FlowLook {
        class,
        ground,
        edge,
        ink,
        ..
    } in classes()
    {
        line(
            &mut text,
            1,
            format_args!("classDef {class} fill:{ground},stroke:{edge},color:{ink}"),
        );
    }
    line(&mut text, 1, format_args!("classDef group {GROUP}"));
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

/// One look of each class.
fn classes() -> impl Iterator<Item = FlowLook> {
    let operations = OperationKind::ALL.iter().copied().map(Symbol::Operation);
    let symbols = [Symbol::Start].into_iter().chain(operations);
    let symbols = symbols.chain([Symbol::Condition, Symbol::Compensation]);
    symbols.map(Symbol::flow_look)
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
    let FlowLook { class, form, .. } = node.symbol.flow_look();
    let (open, close) = form.mermaid();
    if form == Form::Point {
        return format!("{open} {close}:::{class}");
    }
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
