//! What runs and databases say is shown to people, and must not be obeyed by their terminal.

use std::{
    error::Error,
    fmt::{self, Debug, Display, Formatter},
};

use durable::{
    ErrorKind, Failure, FailureKind, StepError,
    prelude::*,
    printable,
    store::{StoreError, StoreErrorKind},
};

/// Clears the screen, writes over the line, rings, and turns the text around.
const HOSTILE: &str = "a\u{1b}[2Jb\rc\u{7}d\u{9b}31me\u{202e}f\0";

/// What another system said, and why.
#[derive(Debug)]
struct Upstream(std::io::Error);

impl Display for Upstream {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        write!(f, "upstream said {HOSTILE}")
    }
}

impl Error for Upstream {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        Some(&self.0)
    }
}

#[durable::workflow]
async fn quoting(ctx: &Ctx) -> durable::Result<()> {
    ctx.step("call", async |_| {
        Err::<(), _>(Upstream(std::io::Error::other(HOSTILE)))
    })
    .retry(Retry::never())
    .await?;
    Ok(())
}

fn assert_harmless(value: &(impl Display + Debug)) {
    for shown in [
        format!("{value}"),
        format!("{value:#}"),
        format!("{value:?}"),
    ] {
        let is_order = |c: char| c.is_control() || c == '\u{202e}';
        assert!(!shown.contains(is_order), "{shown:?}");
        assert!(shown.contains("[2J"), "{shown}");
    }
}

#[tokio::test]
async fn the_error_of_a_run_is_harmless_and_its_message_as_it_was() -> durable::Result<()> {
    let engine = Engine::open("memory:").await?;
    let run = engine.client().start::<quoting>("run", ()).await?;
    let error = run.result().await.err().ok_or("it did not fail")?;
    assert_eq!(error.kind(), ErrorKind::Failed);
    assert_harmless(&error);
    let failure = error.failure().ok_or("without a failure")?;
    assert_harmless(failure);
    assert_eq!(failure.sources(), [HOSTILE]);
    assert!(failure.message().contains(HOSTILE));
    engine.shutdown().await
}

#[test]
fn every_error_of_ours_is_harmless() {
    assert_harmless(&Failure::new(FailureKind::Application, HOSTILE));
    assert_harmless(&StoreError::new(StoreErrorKind::Open, HOSTILE).with_source(HOSTILE));
    assert_harmless(&durable::Error::from(StoreError::new(
        StoreErrorKind::Open,
        HOSTILE,
    )));
    let invalid = durable::journal::RunId::new(HOSTILE).unwrap_err();
    assert!(!invalid.to_string().contains(char::is_control), "{invalid}");
    let step = StepError::new(HOSTILE).to_string();
    assert!(!step.contains(char::is_control), "{step:?}");
    assert_eq!(
        printable(HOSTILE).to_string(),
        printable(&printable(HOSTILE).to_string()).to_string()
    );
}
