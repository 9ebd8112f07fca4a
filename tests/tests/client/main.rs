//! Clients that have a database and no engine: what they are told, and that they leave everything else alone.

mod alone;
mod calls;
mod faults;
mod opening;
#[cfg(unix)]
mod postgres;
mod processes;
mod world;
