//! Engines in virtual time, and on stores that fail.

#![expect(
    unreachable_pub,
    reason = "in a program, `pub` says what other modules use"
)]

#[cfg(test)]
mod door;
#[cfg(test)]
mod failover;
#[cfg(test)]
mod faults;
#[cfg(test)]
mod leases;
#[cfg(test)]
mod mended;
#[cfg(test)]
mod virtual_time;
