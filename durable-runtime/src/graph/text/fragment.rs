//! Fragments: texts that are read where a body calls them.

use std::fmt;

/// The fragments that a body calls, by the names of their scopes.
pub trait CalledFragments: fmt::Debug + Send + Sync {
    /// The fragment that is called in this scope.
    fn fragment(&self, scope: &str) -> Option<FragmentText>;
}

/// A fragment as its attribute wrote it.
#[derive(Debug, Clone, Copy)]
pub struct FragmentText {
    /// The fn's name.
    pub name: &'static str,
    /// The source file it is in.
    pub file: &'static str,
    /// Its part of the graphs of those who call it.
    pub pieces: &'static [&'static str],
    /// The fragments that it calls.
    pub fragments: &'static dyn CalledFragments,
}

/// A body that calls no fragment.
impl CalledFragments for () {
    fn fragment(&self, _: &str) -> Option<FragmentText> {
        None
    }
}
