//! Clients that have a database and no engine: what they are told, and that they leave everything else alone.

#[cfg(test)]
mod alone;
#[cfg(test)]
mod calls;
#[cfg(test)]
mod faults;
#[cfg(test)]
mod opening;
#[cfg(all(test, unix))]
mod postgres;
#[cfg(test)]
mod processes;
#[cfg(test)]
mod world;
