//! The lock of all workflows in a registry.

use super::Registry;
use crate::graph::Lock;

impl Lock {
    /// The graphs of all workflows in a registry.
    pub fn of(registry: &Registry) -> Self {
        let definitions = registry.iter();
        Self::of_graphs(definitions.map(|it| (&it.graph, it.file, it.line)))
    }
}
