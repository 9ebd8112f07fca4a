//! All workflows of a program, by name.

use std::{collections::BTreeMap, fmt};

use super::Definition;
use crate::graph::BrokenGraph;

/// All workflows of this program, by name and by the names that they had before.
#[derive(Clone, Default)]
pub struct Registry(BTreeMap<&'static str, &'static Definition>);

impl Registry {
    /// Collects every workflow that was linked into this program.
    ///
    /// # Errors
    ///
    /// When a name is, or was, that of two workflows, and when a graph is not understood.
    pub fn linked() -> Result<Self, RegistryError> {
        Self::of(Definition::linked())
    }

    /// A registry of exactly these workflows.
    ///
    /// # Errors
    ///
    /// When a name is, or was, that of two of them, and when a graph is not understood.
    pub fn of(
        definitions: impl IntoIterator<Item = &'static Definition>,
    ) -> Result<Self, RegistryError> {
        let mut by_name: BTreeMap<_, &'static Definition> = BTreeMap::new();
        for definition in definitions {
            if let Err(broken) = definition.graph.body.read() {
                return Err(RegistryError::broken(definition, broken));
            }
            let names = std::iter::once(&definition.name).chain(definition.graph().was);
            for name in names.copied() {
                if let Some(other) = by_name.insert(name, definition) {
                    return Err(RegistryError::new(name, other, definition));
                }
            }
        }
        Ok(Self(by_name))
    }

    /// The workflow that has this name, or had it before.
    pub fn find(&self, name: &str) -> Option<&'static Definition> {
        self.0.get(name).copied()
    }

    /// The names that workflows have now, sorted.
    pub fn names(&self) -> impl Iterator<Item = &'static str> {
        self.iter().map(|definition| definition.name)
    }

    /// Every name that a workflow has or had, sorted.
    pub(crate) fn all_names(&self) -> Vec<String> {
        self.0.keys().map(|name| (*name).to_owned()).collect()
    }

    /// All workflows, sorted by name.
    pub fn iter(&self) -> impl Iterator<Item = &'static Definition> {
        let present = self.0.iter().filter(|(name, found)| **name == found.name);
        present.map(|(_, definition)| *definition)
    }

    /// The sentence for a workflow name that is not registered.
    pub fn unknown(&self, name: &str) -> String {
        let known = self.names().collect::<Vec<_>>().join("`, `");
        let known = if known.is_empty() {
            "none".to_owned()
        } else {
            format!("`{known}`")
        };
        format!(
            "workflow `{name}` is not registered in this program; registered: {known}. If it is \
             defined in another crate, that crate must be named somewhere in the program, for \
             example `use flows as _;`: a crate that is only listed in Cargo.toml registers nothing"
        )
    }
}

impl fmt::Debug for Registry {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.names()).finish()
    }
}

/// Why the workflows of a program cannot be registered.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(transparent)]
pub struct RegistryError(RegistryProblem);

#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
enum RegistryProblem {
    #[error(
        "workflow name `{name}` is registered twice, as a name that a workflow has or had, at {}:{} and \
         at {}:{}; rename one, or give it another name with `#[durable::workflow(name = \"...\")]`",
        first.0, first.1, second.0, second.1
    )]
    NamedTwice {
        name: &'static str,
        first: (&'static str, u32),
        second: (&'static str, u32),
    },
    #[error("workflow `{name}` at {file}:{line}: {broken}")]
    Broken {
        name: &'static str,
        file: &'static str,
        line: u32,
        broken: BrokenGraph,
    },
}

impl RegistryError {
    fn new(name: &'static str, one: &Definition, other: &Definition) -> Self {
        // Link order is arbitrary; the message must not be.
        let mut places = [one, other].map(|definition| (definition.file, definition.line));
        places.sort_unstable();
        let [first, second] = places;
        Self(RegistryProblem::NamedTwice {
            name,
            first,
            second,
        })
    }

    fn broken(definition: &Definition, broken: BrokenGraph) -> Self {
        Self(RegistryProblem::Broken {
            name: definition.name,
            file: definition.file,
            line: definition.line,
            broken,
        })
    }
}
