//! Reading a lock: lines into a tree, the tree into outlines.

use std::{iter::Peekable, sync::Arc};

use super::{
    super::{
        OperationKind, ParallelKind,
        kind::KindRow,
        outline::{OperationFacts, Outline, OutlinePart, PartHead, SourcePlace},
    },
    Lock, VERSION,
};

/// A lock that cannot be read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "{file}:{line}: {reason}; restore the file from version control, or rewrite it from the code \
     with `DURABLE_LOCK=update cargo test`"
)]
pub struct LockError {
    file: Arc<str>,
    line: u32,
    reason: String,
}

/// A line and those that are indented under it.
struct LockBlock<'t> {
    text: &'t str,
    line: u32,
    depth: usize,
    blocks: Vec<Self>,
}

pub(super) fn parse(file: &str, text: &str) -> Result<Lock, LockError> {
    let reader = LockReader { file: file.into() };
    let mut lines = Vec::new();
    for (line, text) in (1..).zip(text.lines()) {
        if !text.trim().is_empty() && !text.starts_with('#') {
            lines.push(reader.line(line, text)?);
        }
    }
    let mut lines = lines.into_iter().peekable();
    reader.version(lines.next())?;
    let mut outlines: Vec<Outline> = Vec::new();
    for block in reader.blocks(&mut lines, 0)? {
        let outline = reader.outline(block)?;
        if outlines
            .iter()
            .any(|other| other.workflow == outline.workflow)
        {
            let reason = format!("workflow `{}` is there twice", outline.workflow);
            return Err(reader.error(outline.place.line, reason));
        }
        outlines.push(outline);
    }
    outlines.sort_by(|one, other| one.workflow.cmp(&other.workflow));
    Ok(Lock { outlines })
}

struct LockReader {
    file: Arc<str>,
}

impl LockReader {
    fn error(&self, line: u32, reason: impl Into<String>) -> LockError {
        LockError {
            file: Arc::clone(&self.file),
            line,
            reason: reason.into(),
        }
    }

    fn line<'t>(&self, line: u32, text: &'t str) -> Result<LockBlock<'t>, LockError> {
        if ["<<<<<<<", "=======", ">>>>>>>", "|||||||"]
            .iter()
            .any(|marker| text.starts_with(marker))
        {
            return Err(self.error(line, "a merge conflict is not resolved"));
        }
        let text = text.trim_end();
        let bare = text.trim_start_matches(' ');
        let indent = text.len() - bare.len();
        if indent % 2 == 1 || bare.starts_with(char::is_whitespace) {
            return Err(self.error(line, "the indentation is not a multiple of two spaces"));
        }
        Ok(LockBlock {
            text: bare,
            line,
            depth: indent / 2,
            blocks: Vec::new(),
        })
    }

    fn version(&self, first: Option<LockBlock<'_>>) -> Result<(), LockError> {
        let Some(first) = first else {
            return Err(self.error(1, "the file is empty"));
        };
        let version = first.text.strip_prefix("durable-lock ");
        match version.and_then(|version| version.parse::<u32>().ok()) {
            Some(VERSION) if first.depth == 0 => Ok(()),
            Some(version) if version != VERSION => Err(self.error(
                first.line,
                format!(
                    "it has format version {version}, and this version of durable reads version \
                     {VERSION}: use the version of durable that wrote it"
                ),
            )),
            _ => Err(self.error(
                first.line,
                format!("expected `durable-lock {VERSION}`, found `{}`", first.text),
            )),
        }
    }

    fn blocks<'t>(
        &self,
        lines: &mut Peekable<impl Iterator<Item = LockBlock<'t>>>,
        depth: usize,
    ) -> Result<Vec<LockBlock<'t>>, LockError> {
        let mut blocks = Vec::new();
        while let Some(mut block) = lines.next_if(|line| line.depth >= depth) {
            if block.depth > depth {
                return Err(self.error(block.line, "it is indented too far"));
            }
            block.blocks = self.blocks(lines, depth + 1)?;
            blocks.push(block);
        }
        Ok(blocks)
    }

    fn outline(&self, block: LockBlock<'_>) -> Result<Outline, LockError> {
        let ("workflow", workflow) = split(block.text) else {
            return Err(self.unknown(&block, "`workflow` and its name"));
        };
        let mut outline = Outline {
            workflow: self.named(workflow, block.line)?,
            was: Vec::new(),
            parts: Vec::new(),
            place: self.place(block.line),
        };
        for block in block.blocks {
            match split(block.text) {
                ("was", name) => outline.was.push(self.named(name, block.line)?),
                _ => {
                    let line = block.line;
                    let part = self.part(block)?;
                    if matches!(part.head, PartHead::Arm(_) | PartHead::Lane) {
                        let reason =
                            format!("`{}` cannot stand in `workflow {workflow}`", part.head);
                        return Err(self.error(line, reason));
                    }
                    outline.parts.push(part);
                }
            }
        }
        Ok(outline)
    }

    fn part(&self, block: LockBlock<'_>) -> Result<OutlinePart, LockError> {
        let (word, rest) = split(block.text);
        if let Some(kind) = OperationKind::of_noun(word) {
            return self.operation(kind.row(), rest, block);
        }
        let head = match word {
            "branch" => PartHead::Branch(self.named(rest, block.line)?),
            "arm" => PartHead::Arm(self.named(rest, block.line)?),
            "repeat" => PartHead::Loop(self.named(rest, block.line)?),
            "scope" => PartHead::Scope(self.named(rest, block.line)?),
            "lane" if rest.is_empty() => PartHead::Lane,
            word => match ParallelKind::from_noun(word) {
                Some(kind) if rest.is_empty() => PartHead::Parallel(kind),
                _ => return Err(self.unknown(&block, "a part of a graph")),
            },
        };
        let place = self.place(block.line);
        let mut parts = Vec::new();
        for block in block.blocks {
            let line = block.line;
            let part = self.part(block)?;
            if !fits(&head, &part.head) {
                let reason = format!("`{}` cannot stand in `{head}`", part.head);
                return Err(self.error(line, reason));
            }
            parts.push(part);
        }
        Ok(OutlinePart { head, parts, place })
    }

    fn operation(
        &self,
        kind: &'static KindRow,
        rest: &str,
        block: LockBlock<'_>,
    ) -> Result<OutlinePart, LockError> {
        let of = kind.subject.is_some();
        let (name, of) = match rest.split_once(": ") {
            Some((name, text)) if of => (name, Some(self.named(text, block.line)?)),
            None if !of => (rest, None),
            _ => return Err(self.unknown(&block, "an operation as `signal name: Type`")),
        };
        let mut facts = OperationFacts {
            kind,
            name: self.named(name, block.line)?,
            of,
            was: Vec::new(),
            compensation: None,
            options: Vec::new(),
        };
        let place = self.place(block.line);
        for fact in block.blocks {
            let expected = "`was`, `undone by` or `with`";
            if !fact.blocks.is_empty() {
                return Err(self.error(fact.line + 1, "it is indented too far"));
            }
            match split(fact.text) {
                ("was", name) => facts.was.push(self.named(name, fact.line)?),
                ("with", option) => facts.options.push(self.named(option, fact.line)?),
                ("undone", rest) if facts.compensation.is_none() => match split(rest) {
                    ("by", name) => facts.compensation = Some(self.named(name, fact.line)?),
                    _ => return Err(self.unknown(&fact, expected)),
                },
                _ => return Err(self.unknown(&fact, expected)),
            }
        }
        Ok(OutlinePart {
            head: PartHead::Operation(facts),
            parts: Vec::new(),
            place,
        })
    }

    fn named(&self, text: &str, line: u32) -> Result<String, LockError> {
        match text {
            "" => Err(self.error(line, "the line ends too early")),
            text => Ok(text.to_owned()),
        }
    }

    fn unknown(&self, block: &LockBlock<'_>, expected: &str) -> LockError {
        self.error(
            block.line,
            format!("expected {expected}, found `{}`", block.text),
        )
    }

    fn place(&self, line: u32) -> SourcePlace {
        SourcePlace {
            file: Arc::clone(&self.file),
            line,
        }
    }
}

/// The first word and the rest.
fn split(text: &str) -> (&str, &str) {
    text.split_once(' ').unwrap_or((text, ""))
}

/// Whether a part may stand in another: arms in branches, lanes in parallel parts, nothing else.
fn fits(outer: &PartHead, inner: &PartHead) -> bool {
    matches!(outer, PartHead::Branch(_)) == matches!(inner, PartHead::Arm(_))
        && matches!(outer, PartHead::Parallel(_)) == matches!(inner, PartHead::Lane)
}
