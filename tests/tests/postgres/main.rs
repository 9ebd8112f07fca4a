//! The PostgreSQL store in bad company: servers it must refuse, networks that fail, poolers, other
//! sessions that hold locks.
#![cfg(unix)]

mod culprits;
mod damaged;
mod deletion;
mod failover;
mod hints;
mod horizon;
mod network;
mod opening;
mod pooler;
mod presence;
mod proxy;
mod races;
mod rights;
mod servers;
mod support;
mod tls;
mod upkeep;
