//! Reads a graph from its text.

use std::fmt;

use super::{
    super::{Arm, Node, Operation, OperationKind, ParallelKind},
    CalledFragments,
};

/// The version of the format.
const VERSION: &str = "1";

/// How deep parts may be in each other: a reader that goes deeper could run out of stack.
pub(super) const NESTING_MAX: usize = 200;

/// A text that is not that of a graph.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct BrokenGraph {
    /// The byte that is not understood.
    pub(super) at: usize,
}

impl fmt::Display for BrokenGraph {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "its graph is not understood at byte {}: `durable` and `durable-macros` are not of one version",
            self.at
        )
    }
}

impl std::error::Error for BrokenGraph {}

/// The source line and the name that a text begins with; empty if it is broken.
pub(crate) const fn head(pieces: &[&'static str]) -> (u32, &'static str) {
    const NOTHING: (u32, &str) = (0, "");
    let [first, ..] = pieces else {
        return NOTHING;
    };
    let Some(rest) = strip_version(first) else {
        return NOTHING;
    };
    let Some((line, rest)) = number(rest, b' ') else {
        return NOTHING;
    };
    let Some((bytes, rest)) = number(rest, b':') else {
        return NOTHING;
    };
    match rest.split_at_checked(bytes as usize) {
        Some((name, _)) => (line, name),
        None => NOTHING,
    }
}

const fn strip_version(text: &'static str) -> Option<&'static str> {
    match number(text, b' ') {
        Some((1, rest)) => Some(rest),
        _ => None,
    }
}

/// A number and what follows the character that ends it.
const fn number(text: &'static str, end: u8) -> Option<(u32, &'static str)> {
    let bytes = text.as_bytes();
    let mut value = 0_u32;
    let mut at = 0;
    while at < bytes.len() && bytes[at].is_ascii_digit() {
        let digit = (bytes[at] - b'0') as u32;
        value = match value.checked_mul(10) {
            Some(value) => match value.checked_add(digit) {
                Some(value) => value,
                None => return None,
            },
            None => return None,
        };
        at += 1;
    }
    if at == 0 || at == bytes.len() || bytes[at] != end {
        return None;
    }
    match text.split_at_checked(at + 1) {
        Some((_, rest)) => Some((value, rest)),
        None => None,
    }
}

/// Reads the parts of a text.
pub(super) fn read(
    pieces: &[&'static str],
    fragments: &'static dyn CalledFragments,
) -> Result<&'static [Node], BrokenGraph> {
    let text = match pieces {
        [text] => text,
        pieces => &*pieces.concat().leak(),
    };
    let mut reader = TextReader {
        whole: text,
        rest: text,
        fragments,
        nesting: 0,
    };
    reader.expect(VERSION)?;
    reader.number()?;
    reader.string()?;
    let mut nodes = Vec::new();
    while !reader.rest.is_empty() {
        nodes.push(reader.node()?);
    }
    Ok(nodes.leak())
}

struct TextReader {
    whole: &'static str,
    rest: &'static str,
    fragments: &'static dyn CalledFragments,
    nesting: usize,
}

impl TextReader {
    fn broken<T>(&self) -> Result<T, BrokenGraph> {
        Err(BrokenGraph {
            at: self.whole.len() - self.rest.len(),
        })
    }

    fn word(&mut self) -> Result<&'static str, BrokenGraph> {
        let Some((word, rest)) = self.rest.split_once(' ') else {
            return self.broken();
        };
        self.rest = rest;
        Ok(word)
    }

    /// Goes over a word if it is this one.
    fn skips(&mut self, word: &str) -> bool {
        let rest = self.rest.strip_prefix(word);
        let rest = rest.and_then(|rest| rest.strip_prefix(' '));
        self.rest = rest.unwrap_or(self.rest);
        rest.is_some()
    }

    fn expect(&mut self, word: &str) -> Result<(), BrokenGraph> {
        if self.skips(word) {
            Ok(())
        } else {
            self.broken()
        }
    }

    fn number(&mut self) -> Result<u32, BrokenGraph> {
        let Some((value, rest)) = number(self.rest, b' ') else {
            return self.broken();
        };
        self.rest = rest;
        Ok(value)
    }

    fn string(&mut self) -> Result<&'static str, BrokenGraph> {
        let read = number(self.rest, b':').and_then(|(bytes, rest)| {
            let (text, rest) = rest.split_at_checked(usize::try_from(bytes).ok()?)?;
            Some((text, rest.strip_prefix(' ')?))
        });
        let Some((text, rest)) = read else {
            return self.broken();
        };
        self.rest = rest;
        Ok(text)
    }

    /// Reads items until a `}`.
    fn block<T>(
        &mut self,
        mut item: impl FnMut(&mut Self) -> Result<T, BrokenGraph>,
    ) -> Result<&'static [T], BrokenGraph> {
        self.expect("{")?;
        self.nesting += 1;
        if self.nesting > NESTING_MAX {
            return self.broken();
        }
        let mut items = Vec::new();
        while !self.skips("}") {
            items.push(item(self)?);
        }
        self.nesting -= 1;
        Ok(items.leak())
    }

    fn nodes(&mut self) -> Result<&'static [Node], BrokenGraph> {
        self.block(Self::node)
    }

    fn node(&mut self) -> Result<Node, BrokenGraph> {
        let start = self.rest;
        let word = self.word()?;
        if let Some(kind) = OperationKind::of_noun(word) {
            return self.operation(kind);
        }
        match word {
            "scope" => self.scope(),
            "branch" => Ok(Node::Branch {
                line: self.number()?,
                condition: self.string()?,
                arms: self.block(|reader| {
                    Ok(Arm {
                        label: reader.string()?,
                        body: reader.nodes()?,
                    })
                })?,
            }),
            "loop" => Ok(Node::Loop {
                line: self.number()?,
                header: self.string()?,
                body: self.nodes()?,
            }),
            word => {
                let Some(kind) = ParallelKind::from_noun(word) else {
                    self.rest = start;
                    return self.broken();
                };
                Ok(Node::Parallel {
                    kind,
                    line: self.number()?,
                    branches: self.block(Self::nodes)?,
                })
            }
        }
    }

    fn operation(&mut self, kind: OperationKind) -> Result<Node, BrokenGraph> {
        let kind = match kind.subject() {
            Some(_) => kind.with(self.string()?),
            None => kind,
        };
        let line = self.number()?;
        let name = self.string()?;
        let (mut options, mut compensation, mut was) = (Vec::new(), None, Vec::new());
        while !self.skips(";") {
            if self.skips("with") {
                options.push((self.string()?, self.string()?));
            } else if self.skips("undone") {
                compensation = Some(self.string()?);
            } else {
                self.expect("was")?;
                was.push(self.string()?);
            }
        }
        Ok(Node::Operation(Operation {
            name,
            kind,
            line,
            options: options.leak(),
            compensation,
            was: was.leak(),
        }))
    }

    /// Reads a scope, and the fragment that is called in it.
    fn scope(&mut self) -> Result<Node, BrokenGraph> {
        let line = self.number()?;
        let name = self.string()?;
        let Some(fragment) = self.fragments.fragment(name) else {
            return self.broken();
        };
        Ok(Node::Scope {
            name,
            line,
            fragment: fragment.name,
            file: fragment.file,
            body: read(fragment.pieces, fragment.fragments)?,
        })
    }
}
