//! Refused bodies, changed so that the compiler does not report again what was reported.

mod detach;
mod mend;
mod unread;

pub(crate) use detach::detach;
pub(crate) use mend::mend;
pub(crate) use unread::{unread_body, without_names};
