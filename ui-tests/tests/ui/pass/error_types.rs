//! `?` works into error types of one's own.
use std::fmt;

use durable::prelude::*;

#[derive(Debug)]
enum OrderError {
    Refused(Failure),
    Empty,
}

impl fmt::Display for OrderError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Refused(failure) => write!(f, "refused: {failure}"),
            Self::Empty => f.write_str("nothing to pay"),
        }
    }
}

impl std::error::Error for OrderError {}

impl From<Failure> for OrderError {
    fn from(failure: Failure) -> Self {
        Self::Refused(failure)
    }
}

#[durable::workflow]
async fn order(ctx: &Ctx, total: u32) -> Result<u32, OrderError> {
    if total == 0 {
        return Err(OrderError::Empty);
    }
    let paid = ctx.step("charge", |_| async move { Err::<u32, _>(OrderError::Empty) }).await?;
    ctx.step("text", |_| async { Ok::<u32, String>(1) })
        .await
        .map(|text| text + paid)
        .map_err(OrderError::from)
}

fn main() {}
