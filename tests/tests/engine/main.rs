//! What an engine does with workflows, in virtual time, on a store in memory.

#[cfg(test)]
mod alone;
#[cfg(test)]
mod cancels;
#[cfg(test)]
mod children;
#[cfg(test)]
mod client;
#[cfg(test)]
mod compensations;
#[cfg(test)]
mod culprits;
#[cfg(test)]
mod ends;
#[cfg(test)]
mod in_doubt;
#[cfg(test)]
mod lifecycle;
#[cfg(test)]
mod parking;
#[cfg(test)]
mod saga;
#[cfg(test)]
mod side_by_side;
#[cfg(test)]
mod signals;
#[cfg(test)]
mod snapshots;
#[cfg(test)]
mod steps;
#[cfg(test)]
mod waits;
#[cfg(test)]
mod world;
