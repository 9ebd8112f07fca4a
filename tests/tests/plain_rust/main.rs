//! Workflows written in the Rust that people write: each comes to the same on a worker that dies at any
//! of its commits, and executes no step again whose end is recorded.

#![expect(
    unreachable_pub,
    reason = "in a program, `pub` says what other modules use"
)]

#[cfg(test)]
mod bodies;
#[cfg(test)]
mod concurrent;
#[cfg(test)]
mod harness;
