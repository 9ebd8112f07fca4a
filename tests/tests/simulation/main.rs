//! Engines in virtual time.

#[cfg(test)]
mod virtual_time;
