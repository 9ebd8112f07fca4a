//! A graph as runs in flight rely on it: what a replay is sensitive to, and nothing else.

use std::{fmt, sync::Arc};

use super::{Graph, Node, Operation, ParallelKind, kind::KindRow};

/// Options that shape attempts to come, and no journal: a run in flight may meet others.
const FREE_OPTIONS: [&str; 2] = ["retry", "timeout"];

/// The outline of one workflow. Written as text it is what a lock holds and a fingerprint hashes.
#[derive(Debug, Clone)]
pub(super) struct Outline {
    pub(super) workflow: String,
    /// Names that it had before, the oldest first.
    pub(super) was: Vec<String>,
    pub(super) parts: Vec<OutlinePart>,
    pub(super) place: SourcePlace,
}

/// A part of an outline with the parts in it.
#[derive(Debug, Clone)]
pub(super) struct OutlinePart {
    pub(super) head: PartHead,
    pub(super) parts: Vec<Self>,
    pub(super) place: SourcePlace,
}

/// Where something is written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct SourcePlace {
    pub(super) file: Arc<str>,
    pub(super) line: u32,
}

/// What a part is. Texts are kept as [`one_line`] writes them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum PartHead {
    Operation(OperationFacts),
    Branch(String),
    Arm(String),
    Loop(String),
    Parallel(ParallelKind),
    /// A branch of a parallel part.
    Lane,
    Scope(String),
}

/// What a journal can tell of an operation.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct OperationFacts {
    pub(super) kind: &'static KindRow,
    pub(super) name: String,
    /// The type of a kind that has one.
    pub(super) of: Option<String>,
    /// Names that it had before, the oldest first.
    pub(super) was: Vec<String>,
    pub(super) compensation: Option<String>,
    pub(super) options: Vec<String>,
}

impl Outline {
    /// The outline of a graph whose workflow is written in `file` at `line`.
    pub(super) fn of(graph: &Graph, file: &str, line: u32) -> Self {
        let file = Arc::from(tidy(file));
        Self {
            workflow: graph.workflow.to_owned(),
            was: owned(graph.was),
            parts: parts(&graph.body, &file),
            place: SourcePlace { file, line },
        }
    }
}

fn parts(nodes: &[Node], file: &Arc<str>) -> Vec<OutlinePart> {
    nodes.iter().map(|node| part(node, file)).collect()
}

fn part(node: &Node, file: &Arc<str>) -> OutlinePart {
    let at = |line, head, parts| OutlinePart {
        head,
        parts,
        place: SourcePlace {
            file: Arc::clone(file),
            line,
        },
    };
    match node {
        Node::Operation(operation) => {
            let head = PartHead::Operation(OperationFacts::of(operation));
            at(operation.line, head, Vec::new())
        }
        Node::Branch {
            condition,
            line,
            arms,
        } => {
            let arms = arms.iter().map(|arm| {
                let head = PartHead::Arm(one_line(arm.label));
                at(*line, head, parts(arm.body, file))
            });
            at(*line, PartHead::Branch(one_line(condition)), arms.collect())
        }
        Node::Loop { header, line, body } => {
            at(*line, PartHead::Loop(one_line(header)), parts(body, file))
        }
        Node::Parallel {
            kind,
            line,
            branches,
        } => {
            let lanes = branches.iter();
            let lanes = lanes.map(|lane| at(*line, PartHead::Lane, parts(lane, file)));
            at(*line, PartHead::Parallel(*kind), lanes.collect())
        }
        Node::Scope {
            name,
            line,
            file: fragment,
            body,
            ..
        } => at(
            *line,
            PartHead::Scope((*name).to_owned()),
            parts(body, &Arc::from(tidy(fragment))),
        ),
    }
}

impl OperationFacts {
    fn of(operation: &Operation) -> Self {
        let options = operation.options.iter();
        let binding = options.filter(|(name, _)| !FREE_OPTIONS.contains(name));
        Self {
            kind: operation.kind.row(),
            name: operation.name.to_owned(),
            of: operation.kind.subject().map(one_line),
            was: owned(operation.was),
            compensation: operation.compensation.map(str::to_owned),
            options: binding
                .map(|(name, args)| one_line(&format!("{name}({args})")))
                .collect(),
        }
    }

    /// The operation in words: ``step `charge` ``.
    pub(super) fn noun(&self) -> String {
        format!("{} `{}`", self.kind.noun, self.name)
    }
}

impl OutlinePart {
    /// Every operation in it, itself included, with the names of the scopes around it: `billing/charge`.
    pub(super) fn operations(&self) -> Vec<(String, &Self, &OperationFacts)> {
        operations(std::slice::from_ref(self), "")
    }
}

/// Every operation in some parts of a scope, in program order.
pub(super) fn operations<'p>(
    parts: &'p [OutlinePart],
    scope: &str,
) -> Vec<(String, &'p OutlinePart, &'p OperationFacts)> {
    let mut found = Vec::new();
    for part in parts {
        match &part.head {
            PartHead::Operation(facts) => {
                found.push((format!("{scope}{}", facts.name), part, facts))
            }
            PartHead::Scope(name) => {
                found.extend(operations(&part.parts, &format!("{scope}{name}/")));
            }
            _ => found.extend(operations(&part.parts, scope)),
        }
    }
    found
}

/// A path without detours: `a/../b` is `b`.
fn tidy(path: &str) -> String {
    let mut tidy: Vec<&str> = Vec::new();
    for part in path.split('/') {
        match tidy.last() {
            Some(last) if part == ".." && *last != ".." => drop(tidy.pop()),
            _ => tidy.push(part),
        }
    }
    tidy.join("/")
}

fn owned(names: &[&str]) -> Vec<String> {
    names.iter().map(|name| (*name).to_owned()).collect()
}

/// A text on one line; different texts stay different.
fn one_line(text: &str) -> String {
    let mut line = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '\\' => line.push_str("\\\\"),
            c if c.is_control() || c == '\u{2028}' || c == '\u{2029}' => {
                line.extend(c.escape_default());
            }
            c => line.push(c),
        }
    }
    line
}

impl fmt::Display for Outline {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "workflow {}", self.workflow)?;
        for name in &self.was {
            writeln!(f, "  was {name}")?;
        }
        self.parts.iter().try_for_each(|part| write(part, 1, f))
    }
}

fn write(part: &OutlinePart, depth: usize, f: &mut fmt::Formatter<'_>) -> fmt::Result {
    let indent = depth * 2;
    writeln!(f, "{:indent$}{}", "", part.head)?;
    if let PartHead::Operation(facts) = &part.head {
        let indent = indent + 2;
        for name in &facts.was {
            writeln!(f, "{:indent$}was {name}", "")?;
        }
        if let Some(compensation) = &facts.compensation {
            writeln!(f, "{:indent$}undone by {compensation}", "")?;
        }
        for option in &facts.options {
            writeln!(f, "{:indent$}with {option}", "")?;
        }
    }
    part.parts
        .iter()
        .try_for_each(|part| write(part, depth + 1, f))
}

impl fmt::Display for PartHead {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Operation(facts) => match &facts.of {
                Some(of) => write!(f, "{} {}: {of}", facts.kind.noun, facts.name),
                None => write!(f, "{} {}", facts.kind.noun, facts.name),
            },
            Self::Branch(condition) => write!(f, "branch {condition}"),
            Self::Arm(label) => write!(f, "arm {label}"),
            Self::Loop(header) => write!(f, "repeat {header}"),
            Self::Parallel(kind) => f.write_str(kind.noun()),
            Self::Lane => f.write_str("lane"),
            Self::Scope(name) => write!(f, "scope {name}"),
        }
    }
}

impl fmt::Display for SourcePlace {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.file, self.line)
    }
}

#[cfg(test)]
mod tests {
    use super::{one_line, tidy};

    #[test]
    fn paths_lose_their_detours_and_nothing_else() {
        assert_eq!(tidy("tests/a/../../examples/b.rs"), "examples/b.rs");
        assert_eq!(tidy("../a/b.rs"), "../a/b.rs");
        assert_eq!(tidy("../../a.rs"), "../../a.rs");
        assert_eq!(tidy("src/lib.rs"), "src/lib.rs");
    }

    #[test]
    fn a_text_is_one_line_and_stays_another_than_others() {
        assert_eq!(one_line("a\nb\t\u{2028}"), "a\\nb\\t\\u{2028}");
        assert_eq!(one_line(r"a\nb"), r"a\\nb");
    }
}
