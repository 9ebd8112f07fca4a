//! Ordinary Rust between the operations is left alone.
use std::{collections::BTreeMap, fmt::Write as _, time::Duration};

use durable::prelude::*;

#[derive(serde::Serialize, serde::Deserialize)]
struct Line {
    name: String,
    count: u32,
    price: u32,
}

#[durable::workflow]
async fn invoice(ctx: &Ctx, lines: Vec<Line>) -> durable::Result<String> {
    const LIMIT: u32 = 1_000;
    struct Tally {
        count: u32,
    }
    enum Size {
        Small,
        Large,
    }
    impl Tally {
        fn add(&mut self, by: u32) {
            self.count += by;
        }
    }
    fn size(total: u32) -> Size {
        if total > LIMIT { Size::Large } else { Size::Small }
    }
    let mut tally = Tally { count: 0 };
    let mut by_name: BTreeMap<&str, u32> = BTreeMap::new();
    for Line { name, count, .. } in &lines {
        tally.add(*count);
        *by_name.entry(name).or_default() += count;
    }
    let total: u32 = lines.iter().filter(|line| line.count > 0).map(|line| line.price * line.count).sum();
    let mut text = String::new();
    for (index, (name, count)) in by_name.iter().enumerate() {
        write!(text, "{}{count} {name}", if index == 0 { "" } else { ", " })?;
    }
    let label = match size(total) {
        Size::Small if total == 0 => return Ok(text),
        Size::Small => "small",
        Size::Large => "large",
    };
    let numbers = [1, 2, 3].map(|number| number * tally.count);
    let longest = lines.iter().max_by_key(|line| line.name.len()).map_or(0, |line| line.name.len());
    let add = |a: u32, b: u32| a.wrapping_add(b);
    let sum = numbers.into_iter().fold(0, add);
    ctx.step("print", |_| print(&text, label, total, sum)).await?;
    ctx.sleep("dry", Duration::from_secs(u64::try_from(longest)?)).await?;
    Ok(format!("{text}: {total:>8}, {label}"))
}

async fn print(text: &str, label: &str, total: u32, sum: u32) -> Result<usize, std::fmt::Error> {
    Ok(text.len() + label.len() + (total + sum) as usize)
}

fn main() {
    assert_eq!(invoice::GRAPH.operations().len(), 2);
}
