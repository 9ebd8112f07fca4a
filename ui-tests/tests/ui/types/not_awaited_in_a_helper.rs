#![deny(unused_must_use)]
use durable::{StepKey, prelude::*};

struct Pauses<'c>(&'c Ctx);

impl Pauses<'_> {
    fn pause(&self, key: impl StepKey) {
        self.0.sleep(key, std::time::Duration::from_secs(1));
    }
}

fn main() {}
