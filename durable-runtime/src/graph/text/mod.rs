//! A graph as text, the way attributes write it: one literal costs a compiler much less than a tree of
//! constants.
//!
//! The text is words that end in a space. A number is a word; a string is its length in bytes, `:`, and
//! itself, so it may hold anything. `<..>` stands for one of these:
//!
//! ```text
//! graph     := `1` <line> <name> node*
//! node      := operation | scope | branch | loop | parallel
//! operation := <kind> [<type>] <line> <name> fact* `;`
//! fact      := `with` <option> <arguments> | `undone` <compensation> | `was` <name>
//! scope     := `scope` <line> <name>
//! branch    := `branch` <line> <condition> `{` (<label> block)* `}`
//! loop      := `loop` <line> <header> block
//! parallel  := (`join` | `try_join` | `race` | `join_all` | `try_join_all`) <line> `{` block* `}`
//! block     := `{` node* `}`
//! ```
//!
//! The kinds, and which of them have a type, are the rows of `kind`.
//!
//! What is under a `cfg` is a piece of its own, so that the compiler can leave it out.

mod body;
mod fragment;
mod read;
#[cfg(test)]
mod tests;

pub use body::Body;
pub use fragment::{CalledFragments, FragmentText};
pub use read::BrokenGraph;
pub(crate) use read::head;
