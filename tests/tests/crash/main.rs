//! The crash sweep: the order saga of the examples, killed before and after every commit of its
//! journal, in a process of its own, and restarted until it is done.

#![expect(
    unreachable_pub,
    reason = "in a program, `pub` says what other modules use"
)]

#[cfg(test)]
mod sweep;
#[cfg(test)]
mod verdict;
