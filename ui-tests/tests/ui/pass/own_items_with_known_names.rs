//! A module or type of one's own may be called like one that is refused.
use durable::prelude::*;

mod clock {
    pub struct Ticks(pub u32);

    impl Ticks {
        pub fn elapsed(&self) -> u32 {
            self.0
        }
    }
}

mod process {
    pub struct Command;

    impl Command {
        pub fn new(_name: &str) -> Self {
            Self
        }
    }
}

#[durable::workflow]
async fn order(ctx: &Ctx, total: u32) -> durable::Result<u32> {
    mod rand {
        pub fn pick() -> u32 {
            4
        }
    }
    struct Instant(u32);
    impl Instant {
        fn now() -> Self {
            Self(5)
        }
    }
    let ticks = clock::Ticks(total);
    let command = process::Command::new("pay");
    let self::process::Command = command;
    let spent = ticks.elapsed() + rand::pick() + Instant::now().0;
    Ok(ctx.step("charge", |_| async move { Ok::<_, String>(spent) }).await?)
}

fn main() {}
