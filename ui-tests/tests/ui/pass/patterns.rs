//! `let .. else`, `if let` chains, guards, slices and early returns.
use durable::prelude::*;

#[derive(serde::Serialize, serde::Deserialize)]
enum Payment {
    Card { number: String, limit: Option<u32> },
    Cash(u32),
    Parts(Vec<u32>),
    Free,
}

#[durable::workflow]
async fn settle(ctx: &Ctx, payment: Payment) -> durable::Result<u32> {
    if let Payment::Card { number, limit: Some(limit) } = &payment
        && let Ok(number) = number.parse::<u32>()
        && number > *limit
    {
        return Ok(ctx.step("over_limit", |_| book(number)).await?);
    }
    let booked = match payment {
        Payment::Free => 0,
        Payment::Cash(amount) if amount > 100 => {
            let Some(rest) = amount.checked_sub(100) else {
                return Ok(0);
            };
            ctx.step("large_cash", |_| book(rest)).await?
        }
        Payment::Cash(amount) => ctx.step("cash", move |_| book(amount)).await?,
        Payment::Parts(parts) => match parts.as_slice() {
            [] => 0,
            [only] => ctx.step("only", |_| book(*only)).await?,
            [first, .., last] => ctx.step("ends", |_| book(first + last)).await?,
        },
        Payment::Card { number, .. } => {
            let Ok(number) = number.parse::<u32>() else {
                ctx.step("refuse", |_| book(0)).await?;
                return Err("no such card".into());
            };
            ctx.step("card", |_| book(number)).await?
        }
    };
    Ok(booked)
}

async fn book(amount: u32) -> Result<u32, String> {
    Ok(amount)
}

fn main() {}
