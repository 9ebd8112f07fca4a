//! A graph as runs in flight rely on it: what a replay is sensitive to, and nothing else.

use std::{fmt, sync::Arc};

use super::{Graph, Node, Operation, OperationKind, ParallelKind};

/// Options that shape attempts to come, and no journal: a run in flight may meet others.
const FREE_OPTIONS: [&str; 2] = ["retry", "timeout"];

/// The outline of one workflow. Written as text it is what a lock holds and a fingerprint hashes.
#[derive(Debug, Clone)]
pub(super) struct Outline {
    pub(super) workflow: String,
    /// Names that it had before, the oldest first.
    pub(super) was: Vec<String>,
    pub(super) parts: Vec<Part>,
    pub(super) place: Place,
}

/// A part of an outline with the parts in it.
#[derive(Debug, Clone)]
pub(super) struct Part {
    pub(super) head: Head,
    pub(super) parts: Vec<Self>,
    pub(super) place: Place,
}

/// Where something is written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Place {
    pub(super) file: Arc<str>,
    pub(super) line: u32,
}

/// What a part is. Texts are kept as [`one_line`] writes them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Head {
    Operation(Facts),
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
pub(super) struct Facts {
    /// `step`, `sleep`, `signal` or `child`.
    pub(super) kind: String,
    pub(super) name: String,
    /// The type that a signal carries, or a child's workflow.
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
            place: Place { file, line },
        }
    }
}

fn parts(nodes: &[Node], file: &Arc<str>) -> Vec<Part> {
    nodes.iter().map(|node| part(node, file)).collect()
}

fn part(node: &Node, file: &Arc<str>) -> Part {
    let at = |line, head, parts| Part {
        head,
        parts,
        place: Place {
            file: Arc::clone(file),
            line,
        },
    };
    match node {
        Node::Operation(operation) => {
            let head = Head::Operation(Facts::of(operation));
            at(operation.line, head, Vec::new())
        }
        Node::Branch {
            condition,
            line,
            arms,
        } => {
            let arms = arms.iter().map(|arm| {
                let head = Head::Arm(one_line(arm.label));
                at(*line, head, parts(arm.body, file))
            });
            at(*line, Head::Branch(one_line(condition)), arms.collect())
        }
        Node::Loop { header, line, body } => {
            at(*line, Head::Loop(one_line(header)), parts(body, file))
        }
        Node::Parallel {
            kind,
            line,
            branches,
        } => {
            let lanes = branches.iter();
            let lanes = lanes.map(|lane| at(*line, Head::Lane, parts(lane, file)));
            at(*line, Head::Parallel(*kind), lanes.collect())
        }
        Node::Scope {
            name,
            line,
            file: fragment,
            body,
            ..
        } => at(
            *line,
            Head::Scope((*name).to_owned()),
            parts(body, &Arc::from(tidy(fragment))),
        ),
    }
}

impl Facts {
    fn of(operation: &Operation) -> Self {
        let of = match operation.kind {
            OperationKind::Step | OperationKind::Sleep => None,
            OperationKind::Signal { payload: text } | OperationKind::Child { workflow: text } => {
                Some(one_line(text))
            }
        };
        let options = operation.options.iter();
        let binding = options.filter(|(name, _)| !FREE_OPTIONS.contains(name));
        Self {
            kind: operation.kind.noun().to_owned(),
            name: operation.name.to_owned(),
            of,
            was: owned(operation.was),
            compensation: operation.compensation.map(str::to_owned),
            options: binding
                .map(|(name, args)| one_line(&format!("{name}({args})")))
                .collect(),
        }
    }

    /// The operation in words: ``step `charge` ``.
    pub(super) fn noun(&self) -> String {
        format!("{} `{}`", self.kind, self.name)
    }
}

impl Part {
    /// Every operation in it, itself included, with the names of the scopes around it: `billing/charge`.
    pub(super) fn operations(&self) -> Vec<(String, &Self, &Facts)> {
        operations(std::slice::from_ref(self), "")
    }
}

/// Every operation in some parts of a scope, in program order.
pub(super) fn operations<'p>(parts: &'p [Part], scope: &str) -> Vec<(String, &'p Part, &'p Facts)> {
    let mut found = Vec::new();
    for part in parts {
        match &part.head {
            Head::Operation(facts) => found.push((format!("{scope}{}", facts.name), part, facts)),
            Head::Scope(name) => {
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

fn write(part: &Part, depth: usize, f: &mut fmt::Formatter<'_>) -> fmt::Result {
    let indent = depth * 2;
    writeln!(f, "{:indent$}{}", "", part.head)?;
    if let Head::Operation(facts) = &part.head {
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

impl fmt::Display for Head {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Operation(facts) => match &facts.of {
                Some(of) => write!(f, "{} {}: {of}", facts.kind, facts.name),
                None => write!(f, "{} {}", facts.kind, facts.name),
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

impl fmt::Display for Place {
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
