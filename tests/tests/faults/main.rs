//! Faults: worker processes that are killed, paused and restarted, and databases that go away, under
//! load. Each test ends with the history checker, and prints what it saw as a row of a table.

#![cfg(unix)]
#![expect(
    unreachable_pub,
    reason = "in a program, `pub` says what other modules use"
)]

#[cfg(test)]
mod cluster;
#[cfg(test)]
mod postgres;
#[cfg(test)]
mod scenarios;
#[cfg(test)]
mod sqlite;
