//! The stages together, on tokens.

mod bodies;
mod editor;
mod fuzz;
mod golden;
