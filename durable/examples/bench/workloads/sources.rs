//! The crates that are checked: each with the attributes, and with hand-written keys in their place.

use std::fmt::Write;

const STEPS: usize = 5;

/// What stands for the step enum where there is no attribute.
const KEY: &str = "#[derive(Clone, Copy)]
pub struct Key(&'static str);

impl durable::StepKey for Key {
    fn name(&self) -> &'static str {
        self.0
    }
}

";

/// Workflows of five steps and nothing else: what an attribute costs at worst.
pub(super) fn bare(workflows: usize, attributes: bool) -> Result<String, std::fmt::Error> {
    let mut source = String::from("use durable::prelude::*;\n\n");
    if !attributes {
        source.push_str(KEY);
    }
    for workflow in 0..workflows {
        if attributes {
            source.push_str("#[durable::workflow]\n");
        }
        writeln!(
            source,
            "pub async fn flow_{workflow}(ctx: &Ctx, input: u32) -> durable::Result<u32> {{\n    \
             let mut sum = input;"
        )?;
        for step in 0..STEPS {
            let name = format!("\"step_{step}\"");
            let key = if attributes {
                name
            } else {
                format!("Key({name})")
            };
            writeln!(
                source,
                "    sum += ctx\n        .step({key}, |_| async move {{ Ok::<u32, String>(sum) }})\n        \
                 .retry(Retry::exponential().max_attempts(5))\n        .await?;"
            )?;
        }
        source.push_str("    Ok(sum)\n}\n\n");
    }
    Ok(source)
}

/// The order example in as many modules as make that many workflows: with its types, its errors, the fns
/// of its steps and its compensation.
pub(super) fn orders(workflows: usize, attributes: bool) -> Result<String, std::fmt::Error> {
    const WORKFLOWS: usize = 2;
    let flows = without_head(include_str!("../../order/workflows.rs"));
    let shop = without_head(include_str!("../../order/shop.rs"));
    let (head, flows) = if attributes {
        ("", flows)
    } else {
        (KEY, plain(&flows))
    };
    let mut source = format!("#![allow(dead_code)]\n\n{head}");
    for copy in 0..workflows / WORKFLOWS {
        write!(
            source,
            "pub mod order_{copy} {{\npub mod shop {{\n{shop}}}\n\npub mod workflows {{\n{flows}}}\n}}\n\n"
        )?;
    }
    Ok(source)
}

/// A file's text without what is said of the file.
fn without_head(file: &str) -> String {
    let lines = file.lines().filter(|line| !line.starts_with("//!"));
    lines.flat_map(|line| [line, "\n"]).collect()
}

/// The order example without attributes: names are keys, the child is awaited as the fn it is, and nothing
/// is undone.
fn plain(flows: &str) -> String {
    let mut plain = flows
        .replace("#[durable::workflow]\n", "")
        .replace("#[durable::compensate]\n", "")
        .replace("        .compensate(refund)\n", "")
        .replace(
            ".child::<ship>(\"parcel\", Shipment::of(&input, &approval))",
            "",
        )
        .replace(
            "let parcel = ctx\n        \n",
            "let parcel = ship(ctx, Shipment::of(&input, &approval))\n",
        );
    for name in ["charge", "cooling_off", "approval", "pack", "hand_over"] {
        let literal = format!("(\"{name}\"");
        plain = plain.replace(&literal, &format!("(crate::Key(\"{name}\")"));
    }
    plain
}
