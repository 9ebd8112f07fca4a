//! The details of an error: what can be recorded is there after a restart, and of the rest it is said.

use std::collections::{BTreeMap, HashMap};

use durable::{FailureKind, Status, prelude::*};
use durable_tests::TempDir;
use serde::{Deserialize, Serialize, de::DeserializeOwned};

use super::runs::Effects;

#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
enum What {
    Plain,
    Null,
    Deep,
    TooDeep,
    Keys,
    Nan,
    Wide,
}

/// A list in a list, and so on.
fn nested(levels: usize) -> serde_json::Value {
    (0..levels).fold(7.into(), |inner, _| vec![inner].into())
}

fn error(what: What) -> StepError {
    let error = StepError::new("card declined").permanent();
    match what {
        What::Plain => error.details(&51),
        What::Null => error.details(&None::<u8>),
        What::Deep => error.details(&nested(64)),
        What::TooDeep => error.details(&nested(65)),
        What::Keys => error.details(&BTreeMap::from([((1, 2), 3)])),
        What::Nan => error.details(&HashMap::from([("share", f64::NAN)])),
        What::Wide => error.details(&u128::MAX),
    }
}

fn read<T: DeserializeOwned + Serialize>(failure: &Failure) -> String {
    match failure.details::<T>() {
        Ok(details) => serde_json::to_string(&details.map(|details| (details,))).unwrap(),
        Err(error) => error.to_string(),
    }
}

/// What a body sees of a failure.
fn seen(failure: &Failure, what: What) -> (String, String) {
    let details = match what {
        What::Null => read::<Option<u8>>(failure),
        _ => read::<serde_json::Value>(failure),
    };
    (details, failure.to_string())
}

#[durable::workflow]
async fn declines(ctx: &Ctx, what: What) -> durable::Result<()> {
    let charge = ctx.step("charge", |_| async { Err::<(), _>(error(what)) });
    let Err(failure) = charge.await else {
        return Ok(());
    };
    let live = seen(&failure, what);
    let live = ctx
        .step("look", |_| async { Ok::<_, String>(live.clone()) })
        .await?;
    ctx.signal::<()>("restarted").await?;
    assert_eq!(seen(&failure, what), live, "{what:?}");
    Err(failure.into())
}

async fn opened(url: &str) -> Engine {
    let builder = Engine::builder().state(Effects::default());
    builder.open(url).await.unwrap()
}

/// What a client gets of a run that failed after a restart.
async fn failure(what: What) -> Failure {
    let directory = TempDir::new("details").unwrap();
    let url = format!("sqlite://{}", directory.path().join("runs.db").display());
    let first = opened(&url).await;
    let run = first.client().start::<declines>("run", what).await.unwrap();
    run.reaches(Status::Suspended).await.unwrap();
    first.shutdown().await.unwrap();
    let second = opened(&url).await;
    let run = second.client().attach::<declines>("run").await.unwrap();
    run.signal(declines::restarted, ()).await.unwrap();
    let error = run.result().await.unwrap_err();
    let failure = error.failure().unwrap().clone();
    second.shutdown().await.unwrap();
    failure
}

#[tokio::test]
async fn details_are_the_same_after_a_restart() {
    let deep = nested(64);
    for (what, expected) in [
        (What::Plain, "[51]".to_owned()),
        (What::Null, "[null]".to_owned()),
        (What::Deep, format!("[{deep}]")),
    ] {
        let failure = failure(what).await;
        assert_eq!(seen(&failure, what).0, expected, "{what:?}");
        assert_eq!(
            failure.to_string(),
            "step `charge` failed: card declined",
            "{what:?}"
        );
    }
}

#[tokio::test]
async fn details_that_cannot_be_recorded_are_told_and_change_nothing_else() {
    for (what, why) in [
        (What::TooDeep, "nested more than 64 levels deep"),
        (What::Keys, "key must be a string"),
        (What::Nan, "at `.share`: JSON has no form for NaN"),
        (What::Wide, "number out of range"),
    ] {
        let failure = failure(what).await;
        let (details, text) = seen(&failure, what);
        assert!(details.contains(why), "{what:?}: {details}");
        assert!(
            text.starts_with(
                "step `charge` failed: card declined; its details could not be recorded: "
            ),
            "{text}"
        );
        assert!(text.contains(why), "{what:?}: {text}");
        assert_eq!(failure.message(), "card declined");
        assert_eq!(
            (failure.kind(), failure.is_retryable(), failure.attempts()),
            (FailureKind::Application, false, 1)
        );
    }
}

#[test]
fn the_outermost_details_count_also_when_they_cannot_be_recorded() {
    #[derive(Debug, thiserror::Error)]
    #[error("the bank")]
    struct Bank(#[source] StepError);

    let outer = StepError::new(Bank(StepError::new("no").details(&1))).details(&f64::INFINITY);
    let failure = Failure::from_error(outer.into(), "");
    assert!(failure.details::<u8>().is_err());
    let outer = StepError::new(Bank(StepError::new("no").details(&f64::INFINITY))).details(&1);
    let failure = Failure::from_error(outer.into(), "");
    assert_eq!(failure.details::<u8>().unwrap(), Some(1));
    assert!(!failure.to_string().contains("details"), "{failure}");
}
