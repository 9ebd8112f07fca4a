//! Errors on their way to a client: what a failure keeps inside an error of the user's own.

use std::time::Duration;

use durable::{FailureKind, prelude::*, store::MemoryStore};
use serde::{Deserialize, Serialize};

use super::runs::{Effects, engine};

#[derive(Debug, thiserror::Error)]
enum Problem {
    #[error("the payment failed")]
    Source(#[source] Failure),
    #[error("the payment: {0}")]
    From(#[from] Failure),
    #[error(transparent)]
    Transparent(Failure),
    #[error("while paying")]
    Nested(#[source] Box<Self>),
    #[error(transparent)]
    Bank(StepError),
    #[error("the bank")]
    BankSource(#[source] StepError),
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
struct Declined {
    code: u16,
    share: f64,
}

const DECLINED: Declined = Declined {
    code: 51,
    share: 0.1,
};

#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
enum How {
    Itself,
    Source,
    From,
    Transparent,
    Nested,
    Bank,
    BankSource,
}

const ALL: [How; 5] = [
    How::Itself,
    How::Source,
    How::From,
    How::Transparent,
    How::Nested,
];

fn wrapped(failure: Failure, how: How) -> durable::BoxError {
    match how {
        How::Source => Problem::Source(failure).into(),
        How::From => Problem::from(failure).into(),
        How::Transparent => Problem::Transparent(failure).into(),
        How::Nested => Problem::Nested(Box::new(Problem::Transparent(failure))).into(),
        _ => failure.into(),
    }
}

#[durable::workflow]
async fn pay(ctx: &Ctx, how: How) -> durable::Result<()> {
    let charge = ctx.step("charge", |_| async {
        Err::<(), _>(
            StepError::new("card declined")
                .details(&DECLINED)
                .permanent(),
        )
    });
    charge.await.map_err(|failure| wrapped(failure, how))
}

#[durable::workflow]
async fn pays(ctx: &Ctx, how: How) -> durable::Result<()> {
    let child = ctx.child::<pay>("payment", how);
    child.await.map_err(|failure| wrapped(failure, how))
}

/// A step that wraps an error with instructions.
#[durable::workflow]
async fn calls(ctx: &Ctx, how: How) -> durable::Result<()> {
    ctx.step("call", |step| async move {
        let error = StepError::new("no account").details(&DECLINED);
        let error = if step.attempt() < 2 {
            error
        } else {
            error.permanent()
        };
        let retry_at_once = error.retry_after(Duration::ZERO);
        Err::<(), _>(match how {
            How::Bank => Problem::Bank(retry_at_once),
            _ => Problem::BankSource(retry_at_once),
        })
    })
    .retry(
        Retry::exponential()
            .initial_delay(Duration::ZERO)
            .max_attempts(9),
    )
    .await?;
    Ok(())
}

async fn failure<W: Workflow<Input = How>>(how: How) -> Failure {
    let engine = engine(&MemoryStore::new(), &Effects::default()).await;
    let run = engine.client().start::<W>("run", how).await.unwrap();
    let Err(error) = run.result().await else {
        panic!("{how:?} did not fail");
    };
    let failure = error.failure().unwrap().clone();
    engine.shutdown().await.unwrap();
    failure
}

#[tokio::test]
async fn a_failure_inside_a_users_error_keeps_what_it_says() {
    for how in ALL {
        for failure in [failure::<pay>(how).await, failure::<pays>(how).await] {
            assert_eq!(failure.kind(), FailureKind::Application, "{how:?}");
            assert_eq!(failure.step().unwrap().as_str(), "charge", "{how:?}");
            assert_eq!(
                (failure.attempts(), failure.is_retryable()),
                (1, false),
                "{how:?}"
            );
            assert_eq!(
                failure.details::<Declined>().unwrap(),
                Some(DECLINED),
                "{how:?}"
            );
            let text = failure.to_string();
            assert!(text.starts_with("step `charge` failed"), "{text}");
            assert_eq!(text.matches("card declined").count(), 1, "{text}");
            assert_eq!(text.matches("charge").count(), 1, "{text}");
            let own = match how {
                How::Source => "the payment failed",
                How::From => "the payment: ",
                How::Nested => "while paying",
                _ => "",
            };
            assert!(text.contains(own), "{text}");
        }
    }
}

#[tokio::test]
async fn instructions_inside_a_users_error_are_followed() {
    for how in [How::Bank, How::BankSource] {
        let failure = failure::<calls>(how).await;
        assert_eq!(
            (failure.attempts(), failure.is_retryable()),
            (2, false),
            "{failure}"
        );
        assert_eq!(
            failure.details::<Declined>().unwrap(),
            Some(DECLINED),
            "{failure}"
        );
        assert_eq!(failure.error_type(), std::any::type_name::<Problem>());
        assert_eq!(
            failure.to_string().matches("no account").count(),
            1,
            "{failure}"
        );
    }
}

#[tokio::test]
async fn other_kinds_are_kept_too() {
    let late = Failure::new(FailureKind::Timeout, "late");
    for how in ALL {
        let failure = Failure::from_error(wrapped(late.clone(), how), "");
        assert_eq!(failure.kind(), FailureKind::Timeout, "{how:?}");
        assert!(failure.is_retryable(), "{how:?}");
    }
    // What another run failed with is no failure of who waits for it.
    let engine = engine(&MemoryStore::new(), &Effects::default()).await;
    let run = engine
        .client()
        .start::<pay>("other", How::Itself)
        .await
        .unwrap();
    let error = run.result().await.unwrap_err();
    let failure = Failure::from_error(error.into(), "");
    assert_eq!((failure.step(), failure.is_retryable()), (None, true));
    assert!(
        failure
            .to_string()
            .contains("run `other` failed: step `charge`"),
        "{failure}"
    );
    engine.shutdown().await.unwrap();
}
