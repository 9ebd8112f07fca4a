//! The core by itself: events and mail go in, and what it says to do is all that the test expects.

mod body;
mod run;
mod shop;

mod cancellation;
mod child;
mod mailbox;
mod nondeterminism;
mod rollback;
mod signal;
mod sleep;
mod step;
