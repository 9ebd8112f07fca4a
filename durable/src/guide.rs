//! The guide: how to use the engine well, one page for each concern.

#[doc = include_str!("../guide/workflows.md")]
pub mod workflows {}

#[doc = include_str!("../guide/values.md")]
pub mod values {}

#[doc = include_str!("../guide/errors.md")]
pub mod errors {}

#[doc = include_str!("../guide/compensation.md")]
pub mod compensation {}

#[doc = include_str!("../guide/running.md")]
pub mod running {}

#[doc = include_str!("../guide/databases.md")]
pub mod databases {}

#[doc = include_str!("../guide/observability.md")]
pub mod observability {}
