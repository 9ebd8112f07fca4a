//! Figures and how they are printed.

use serde::{Deserialize, Serialize};

/// One measured figure.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Figure {
    /// The store.
    pub store: String,
    /// The workload.
    pub workload: String,
    /// What was measured.
    pub figure: String,
    /// How much.
    pub value: f64,
    /// Of what.
    pub unit: String,
    /// The raw limit of the same process, in the same unit.
    pub raw: Option<f64>,
    /// `value / raw`.
    pub ratio: Option<f64>,
}

impl Figure {
    /// A figure with nothing to compare it to.
    pub fn new(workload: &str, figure: &str, value: f64, unit: &str) -> Self {
        Self {
            store: String::new(),
            workload: workload.to_owned(),
            figure: figure.to_owned(),
            value,
            unit: unit.to_owned(),
            raw: None,
            ratio: None,
        }
    }

    /// Adds the raw limit, if there is one.
    pub fn against(mut self, raw: Option<f64>) -> Self {
        self.raw = raw;
        self.ratio = raw.map(|raw| self.value / raw);
        self
    }
}

/// Prints the figures: one JSON object a line, or a table.
pub fn print(figures: &[Figure], json: bool) {
    if json {
        for figure in figures {
            println!("{}", serde_json::to_string(figure).unwrap_or_default());
        }
        return;
    }
    println!(
        "{:<8} {:<9} {:<36} {:>12} {:<8} {:>12} {:>8}",
        "store", "workload", "figure", "value", "unit", "raw", "ratio"
    );
    for f in figures {
        let raw = f.raw.map_or_else(String::new, number);
        let ratio = f
            .ratio
            .map_or_else(String::new, |ratio| format!("{ratio:.2}"));
        println!(
            "{:<8} {:<9} {:<36} {:>12} {:<8} {raw:>12} {ratio:>8}",
            f.store,
            f.workload,
            f.figure,
            number(f.value),
            f.unit
        );
    }
}

fn number(value: f64) -> String {
    match value.abs() {
        v if v >= 1_000.0 => format!("{value:.0}"),
        v if v >= 10.0 => format!("{value:.1}"),
        _ => format!("{value:.3}"),
    }
}
