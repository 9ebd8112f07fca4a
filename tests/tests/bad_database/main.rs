//! Databases that an engine must not, or cannot, work on.

#![cfg(unix)]

#[cfg(test)]
mod sqlite;
