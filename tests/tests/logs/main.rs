//! What the engine and the code it runs say through `tracing`: each thing once, and under its name.

#[cfg(test)]
mod listener;
#[cfg(test)]
mod outage;
#[cfg(test)]
mod promise;
#[cfg(test)]
mod replay;
#[cfg(test)]
mod runs;
