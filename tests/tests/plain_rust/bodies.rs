//! One operation after the other.

use std::{
    borrow::Cow,
    cmp::Reverse,
    collections::{BTreeMap, BinaryHeap, VecDeque},
    ops::ControlFlow,
    time::Duration,
};

use durable::{FailureKind, prelude::*};
use serde::{Deserialize, Serialize};

use crate::harness::{Case, give};

const PAUSE: Duration = Duration::from_secs(60);

#[derive(Debug, Clone, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(default)]
struct Line {
    name: String,
    price: u32,
    count: u32,
}

fn cheap(lines: &[Line], limit: u32) -> impl Iterator<Item = &Line> {
    lines.iter().filter(move |line| line.price < limit)
}

fn label(text: &str) -> Cow<'_, str> {
    if text.is_empty() {
        "none".into()
    } else {
        text.into()
    }
}

macro_rules! cents {
    ($price:expr) => {
        $price * 100
    };
}

macro_rules! refuse_if {
    ($refused:expr, $why:literal) => {
        if $refused {
            return Err($why.into());
        }
    };
}

#[durable::workflow]
async fn patterns(ctx: &Ctx, lines: Vec<Line>) -> durable::Result<String> {
    refuse_if!(lines.len() > 9, "too many");
    let Some(Line { name, price, .. }) = lines.first() else {
        return Ok("empty".to_owned());
    };
    let priced = ctx.step("price", |step| give(step, cents!(*price))).await?;
    let shape = match lines.as_slice() {
        [] => unreachable!("there is a first one"),
        [only] if only.count > 1 && ctx.step("guard", |step| give(step, true)).await? => "many",
        [first, .., last] if first == last => {
            ctx.sleep("same", PAUSE).await?;
            "same"
        }
        [_, rest @ ..] => {
            ctx.step("rest", |step| give(step, rest.len())).await?;
            "other"
        }
    };
    if let Some(last) = lines.last()
        && !last.name.is_empty()
        && let Ok(number) = last.name.parse::<u32>()
        && ctx.step("number", |step| give(step, number)).await? > 3
    {
        return Ok(format!("{name} {priced} {shape} {number}"));
    }
    Ok(format!("{name} {priced} {shape}"))
}

#[tokio::test]
async fn patterns_and_guards() {
    let case = Case {
        workflow: "patterns",
        input: r#"[{"name":"a","price":2},{"name":"b"},{"name":"7"}]"#,
        output: r#""a 200 other 7""#,
        branches: 1,
    };
    case.crash_everywhere().await;
    let same = Case {
        input: r#"[{"name":"x"},{"name":"y"},{"name":"x"}]"#,
        output: r#""x 0 same""#,
        ..case
    };
    same.crash_everywhere().await;
}

#[durable::workflow]
async fn ways_out(ctx: &Ctx, grid: Vec<Vec<u32>>) -> durable::Result<(u32, Option<u32>)> {
    let mut sum = 0;
    'rows: for (y, row) in (0_u32..).zip(&grid) {
        for (x, &cell) in (0_u32..).zip(row) {
            match cell {
                9 => continue 'rows,
                8 => break 'rows,
                _ => sum += ctx.step("cell", |step| give(step, cell + x * y)).await?,
            }
        }
        ctx.sleep("row", PAUSE).await?;
    }
    let found = 'found: {
        for row in &grid {
            if ctx
                .step("look", |step| give(step, row.contains(&8)))
                .await?
            {
                break 'found row.first().copied();
            }
        }
        None
    };
    Ok((sum, found))
}

#[tokio::test]
async fn labels_and_ways_out() {
    let case = Case {
        workflow: "ways_out",
        input: "[[1,2,9,4],[3,4],[5,8,1],[6]]",
        output: "[16,5]",
        branches: 1,
    };
    case.crash_everywhere().await;
}

#[durable::workflow]
async fn queue(ctx: &Ctx, jobs: Vec<(u64, String)>) -> durable::Result<Vec<String>> {
    let begun = ctx.now();
    let mut due: BinaryHeap<_> = jobs.into_iter().map(Reverse).collect();
    let mut done = Vec::new();
    while let Some(Reverse((minutes, name))) = due.pop() {
        let at = begun + PAUSE * u32::try_from(minutes)?;
        if at > ctx.now() {
            ctx.sleep_until("due", at).await?;
        }
        let on_time = ctx.now().duration_since(at).is_ok();
        done.push(
            ctx.step("run", |step| give(step, format!("{name} {on_time}")))
                .await?,
        );
    }
    Ok(done)
}

#[tokio::test]
async fn a_queue_that_goes_by_the_time() {
    let case = Case {
        workflow: "queue",
        input: r#"[[5,"five"],[0,"zero"],[2,"two"],[2,"again"]]"#,
        output: r#"["zero true","again true","two true","five true"]"#,
        branches: 1,
    };
    case.crash_everywhere().await;
}

/// What comes next.
#[derive(Debug, Default)]
struct Machine {
    stack: Vec<u32>,
}

impl Machine {
    fn apply(&mut self, word: &str) -> ControlFlow<u32> {
        match (word, self.stack.as_mut_slice()) {
            ("end", [.., top]) => return ControlFlow::Break(*top),
            ("add", [.., a, b]) => {
                *a += *b;
                self.stack.pop();
            }
            (word, _) => self.stack.extend(word.parse::<u32>().ok()),
        }
        ControlFlow::Continue(())
    }
}

#[durable::workflow]
async fn machine(ctx: &Ctx, program: String) -> durable::Result<u32> {
    let mut machine = Machine::default();
    let mut words: VecDeque<_> = program.split_whitespace().map(str::to_owned).collect();
    loop {
        let Some(word) = words.pop_front() else {
            return Err("it has no end".into());
        };
        let read = ctx
            .step("read", |step| give(step, word.trim_matches('"').to_owned()))
            .await?;
        if let ControlFlow::Break(top) = machine.apply(&read) {
            break Ok(top);
        }
    }
}

#[tokio::test]
async fn a_machine_in_a_local() {
    let case = Case {
        workflow: "machine",
        input: r#""3 4 add 5 add end 6""#,
        output: "12",
        branches: 1,
    };
    case.crash_everywhere().await;
}

#[durable::workflow]
async fn places(ctx: &Ctx, lines: Vec<Line>) -> durable::Result<Vec<u32>> {
    let list = [10, 20, 30];
    let picked = list[ctx.step("index", |step| give(step, 1_usize)).await?];
    let scrutinized = match ctx.step("scrutinee", |step| give(step, 4_u32)).await {
        Ok(number) if number > 3 => number,
        Ok(_) => 0,
        Err(failure) if failure.is_retryable() => 1,
        Err(_) => 2,
    };
    let argument = u32::max(ctx.step("argument", |step| give(step, 5)).await?, 4);
    let text = format!("{:>4}", ctx.step("formatted", |step| give(step, 6)).await?);
    let named = Line {
        name: label(&ctx.step("field", |step| give(step, String::new())).await?).into_owned(),
        ..Line::default()
    };
    let both = ctx.step("one", |step| give(step, true)).await?
        && ctx.step("other", |step| give(step, false)).await?;
    let mut all = vec![picked, scrutinized, argument, u32::from(both)];
    all[0] += ctx.step("assigned", |step| give(step, 7)).await?;
    all.extend([text.len() as u32, named.name.len() as u32]);
    for line in cheap(&lines, 5) {
        all.push(ctx.step("cheap", |step| give(step, line.price)).await?);
    }
    let counts = lines.iter().fold(BTreeMap::new(), |mut counts, line| {
        *counts.entry(&line.name).or_insert(0) += line.count;
        counts
    });
    all.extend(counts.into_values());
    Ok(all)
}

#[tokio::test]
async fn operations_wherever_a_value_can_stand() {
    let case = Case {
        workflow: "places",
        input: r#"[{"name":"b","price":3,"count":1},{"name":"a","price":9,"count":2},{"name":"b","count":4}]"#,
        output: "[27,4,5,0,4,4,3,0,2,5]",
        branches: 1,
    };
    case.crash_everywhere().await;
}

#[durable::workflow]
async fn by_hand(ctx: &Ctx, good_from: u32) -> durable::Result<String> {
    let ids = [ctx.uuid(), ctx.uuid()];
    let mut delay = PAUSE;
    for attempt in 1.. {
        let called = ctx
            .step("call", |step| async move {
                let answer = give(step, attempt).await?;
                if answer < good_from {
                    Err(format!("{answer} is bad"))
                } else {
                    Ok(answer)
                }
            })
            .retry(Retry::never());
        match called.await {
            Ok(answer) => {
                let told = ids.contains(&ctx.uuid());
                return Ok(format!("{answer} after {} s, {told}", delay.as_secs()));
            }
            Err(failure) if attempt < 5 && failure.kind() == FailureKind::Application => {
                ctx.sleep("back_off", delay).await?;
                delay *= 2;
            }
            Err(failure) => return Err(failure.into()),
        }
    }
    unreachable!()
}

#[tokio::test]
async fn retries_by_hand() {
    let case = Case {
        workflow: "by_hand",
        input: "4",
        output: r#""4 after 480 s, false""#,
        branches: 1,
    };
    case.crash_everywhere().await;
}
