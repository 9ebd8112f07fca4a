//! What becomes of values: every one is read back as it was, or refused before it is recorded.

#[cfg(test)]
mod details;
#[cfg(test)]
mod errors;
#[cfg(test)]
mod order;
#[cfg(test)]
mod random;
#[cfg(test)]
mod recorded;
#[cfg(test)]
mod runs;
