//! Mutable locals, references and interior state between operations.
use std::{cell::RefCell, sync::Mutex};

use durable::prelude::*;

#[durable::workflow]
async fn count(ctx: &Ctx, limit: u32) -> durable::Result<u32> {
    let mut total = 0;
    let seen = Mutex::new(Vec::new());
    {
        let log = RefCell::new(String::new());
        log.borrow_mut().push_str("start");
    }
    let mut add = |by: u32| total += by;
    add(1);
    add(2);
    while total < limit {
        let next = ctx.step("next", |_| async move { Ok::<_, String>(total + 1) }).await?;
        seen.lock().map_err(|_| "poisoned")?.push(next);
        total = next;
    }
    let swapped = std::mem::take(&mut total);
    let seen = seen.into_inner()?;
    Ok(swapped + seen.len() as u32)
}

fn main() {}
