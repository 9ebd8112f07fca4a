//! The stages together, on tokens.

mod editor;
mod golden;
