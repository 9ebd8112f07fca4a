//! The comparison, case by case, and as a whole against journals.

mod changes;
mod format;
mod journals;

use super::{Difference, Lock};

/// The lock of workflow `w` with this body, each line indented by two spaces.
fn lock(body: &str) -> Lock {
    workflows(&format!("workflow w\n{body}"))
}

fn workflows(text: &str) -> Lock {
    Lock::parse("test", &format!("durable-lock 1\n{text}")).unwrap()
}

/// Every difference in short: `breaking: step `a` was removed`.
fn told(differences: &[Difference]) -> Vec<String> {
    let lines = differences.iter();
    lines
        .map(|difference| format!("{}: {}", difference.class(), difference.what()))
        .collect()
}
