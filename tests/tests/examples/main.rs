//! The examples, run as a user runs them: as programs.

#![expect(
    unreachable_pub,
    reason = "in a program, `pub` says what other modules use"
)]

#[cfg(test)]
mod backup;
#[cfg(test)]
mod graph;
#[cfg(test)]
mod order;
#[cfg(test)]
mod program;
#[cfg(test)]
mod tree;
