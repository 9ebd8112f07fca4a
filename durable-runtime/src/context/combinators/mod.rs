//! Parallel operations that replay as they ran.
//!
//! `futures::join_all` and the `select!` macros of other crates poll children that nothing woke, stop
//! polling them past a certain number, or pick at random. These poll every child once, in order, and
//! then only the child that was woken; since the engine delivers one event at a time, the order in
//! which branches move is the order of the journal, live and on replay. `n` branches cost `O(n)`.
//!
//! A combinator that is decided lets go of the branches that are not done, and gives its result when no
//! attempt is in flight in them that may have to be undone (see `let_go`).

mod branch;
mod branches;
mod children;
mod join;
mod join_all;
mod race;

pub use branch::Branch;
pub use join::{AllOk, Join, all_ok};
pub use join_all::{JoinAll, TryJoinAll, join_all, try_join_all};
pub use race::First;
