//! What must be true of every workflow body, tried on random ones.

#![expect(
    unreachable_pub,
    reason = "in a program, `pub` says what other modules use"
)]

#[cfg(test)]
mod crashes;
#[cfg(test)]
mod cuts;
#[cfg(test)]
mod odd;
#[cfg(test)]
mod programs;
#[cfg(test)]
mod rebuilt;
#[cfg(test)]
mod rollbacks;
#[cfg(test)]
mod together;
