//! The formats, and what holds for every layout.

mod formats;
mod places;
