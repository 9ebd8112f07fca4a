//! What it costs to look at values before they are recorded.

use std::{hint::black_box, time::Instant};

use durable::journal::Payload;
use serde::{Deserialize, Serialize, de::DeserializeOwned};

use crate::report::Figure;

#[derive(Clone, Serialize, Deserialize)]
struct Line {
    name: String,
    count: u32,
    price: f64,
    tags: Vec<String>,
}

/// A type of which it is not known whether it keeps an order.
#[derive(Serialize, Deserialize)]
#[serde(transparent)]
struct Unknown(Vec<Line>);

/// Recording a value, against encoding it and decoding it once, which every step does in any case.
pub fn recorded() -> durable::Result<Vec<Figure>> {
    let line = Line {
        name: "tea".to_owned(),
        count: 3,
        price: 0.1,
        tags: vec!["a".to_owned(), "b".to_owned()],
    };
    Ok(vec![
        figure("record a u64", &7_u64, 100_000)?,
        figure("record a struct of 53 bytes", &line, 50_000)?,
        figure("record a list of 53 KB", &vec![line.clone(); 1_000], 100)?,
        figure(
            "record two of unknown order",
            &Unknown(vec![line; 2]),
            1_000,
        )?,
    ])
}

fn figure<T: Serialize + DeserializeOwned>(
    name: &str,
    value: &T,
    repeats: u32,
) -> durable::Result<Figure> {
    // Once before the clock runs, each.
    Payload::record(value)?;
    let begun = Instant::now();
    for _ in 0..repeats {
        black_box(Payload::encode(black_box(value))?.decode::<T>()?);
    }
    let raw = begun.elapsed().as_secs_f64() * 1e6 / f64::from(repeats);
    let begun = Instant::now();
    for _ in 0..repeats {
        black_box(Payload::record(black_box(value))?);
    }
    let recorded = begun.elapsed().as_secs_f64() * 1e6 / f64::from(repeats);
    Ok(Figure::new("values", name, recorded, "us").against(Some(raw)))
}
