//! The body of a graph: its parts, or the text that an attribute wrote of them.

use std::{
    collections::BTreeMap,
    fmt,
    ops::Deref,
    sync::{Mutex, MutexGuard, PoisonError},
};

use super::{super::Node, BrokenGraph, CalledFragments, read::read};

/// The parts of a graph, in program order: a slice of [`Node`]s.
#[derive(Clone, Copy)]
pub struct Body(Source);

#[derive(Clone, Copy)]
enum Source {
    Nodes(&'static [Node]),
    Written(WrittenBody),
}

/// A body as its attribute wrote it.
#[derive(Clone, Copy)]
struct WrittenBody {
    pieces: &'static [&'static str],
    fragments: &'static dyn CalledFragments,
}

/// The bodies that were read, by where their text and their fragments are: a constant is read once.
static READ: Mutex<BTreeMap<[usize; 3], &'static [Node]>> = Mutex::new(BTreeMap::new());

impl Body {
    /// A body of these parts.
    pub const fn of(nodes: &'static [Node]) -> Self {
        Self(Source::Nodes(nodes))
    }

    /// A body that an attribute wrote, in pieces, with the fragments that it calls. It is
    /// read when it is first asked for.
    #[doc(hidden)]
    pub const fn written(
        pieces: &'static [&'static str],
        fragments: &'static dyn CalledFragments,
    ) -> Self {
        Self(Source::Written(WrittenBody { pieces, fragments }))
    }

    /// The parts.
    ///
    /// # Errors
    ///
    /// When they were written in a way that is not understood. As a slice such a body is empty.
    pub fn read(&self) -> Result<&'static [Node], BrokenGraph> {
        match self.0 {
            Source::Nodes(nodes) => Ok(nodes),
            Source::Written(written) => written.read(),
        }
    }
}

impl WrittenBody {
    fn read(self) -> Result<&'static [Node], BrokenGraph> {
        let Self { pieces, fragments } = self;
        let place = [
            pieces.as_ptr() as usize,
            pieces.len(),
            std::ptr::from_ref(fragments).addr(),
        ];
        let known = bodies_read().get(&place).copied();
        if let Some(nodes) = known {
            return Ok(nodes);
        }
        let nodes = read(pieces, fragments)?;
        Ok(bodies_read().entry(place).or_insert(nodes))
    }
}

fn bodies_read() -> MutexGuard<'static, BTreeMap<[usize; 3], &'static [Node]>> {
    READ.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Deref for Body {
    type Target = [Node];

    fn deref(&self) -> &[Node] {
        self.read().unwrap_or_default()
    }
}

impl PartialEq for Body {
    fn eq(&self, other: &Self) -> bool {
        **self == **other
    }
}

impl Eq for Body {}

impl fmt::Debug for Body {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        (**self).fmt(f)
    }
}
