//! Fragments: `#[durable::steps]` fns, whose operations are recorded under the scope they are called in.

use std::sync::{Arc, Mutex, PoisonError};

use durable::{
    ErrorKind, StepKey,
    graph::{Node, OperationKind},
    prelude::*,
};
use durable_tests::TempDir;

/// What steps and compensations did, by idempotency key without the run's seed.
#[derive(Debug, Clone, Default)]
struct Effects(Arc<Mutex<Vec<String>>>);

impl Effects {
    fn note(&self, step: &StepCtx) {
        let key = step.idempotency_key();
        let key = key.rsplit_once('-').map_or(&*key, |(key, _)| key);
        self.lock().push(key.to_owned());
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Vec<String>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn seen(&self) -> Vec<String> {
        self.lock().clone()
    }
}

/// Takes a payment.
#[durable::steps]
async fn bill(ctx: Ctx, card: &str, amount: u32) -> durable::Result<u32> {
    let id = ctx
        .step("reserve", |step| async move {
            step.state::<Effects>().note(&step);
            Ok::<_, String>(u32::try_from(card.len()).unwrap_or(0))
        })
        .await?;
    let charged = ctx
        .step("charge", |step| async move {
            step.state::<Effects>().note(&step);
            Ok::<_, String>(id * 100 + amount)
        })
        .compensate(refund)
        .await?;
    Ok(charged)
}

#[durable::compensate]
async fn refund(step: &StepCtx, _charged: u32) -> durable::Result<()> {
    step.state::<Effects>().note(step);
    Ok(())
}

/// Ships, and pays the freight once somebody approves of it.
#[durable::steps]
async fn ship(ctx: Ctx) -> durable::Result<u32> {
    let limit = ctx.signal::<u32>("approval").await?;
    let freight = bill(ctx.scope("freight"), "4242", limit).await?;
    Ok(freight)
}

#[durable::workflow]
async fn line_by_line(ctx: &Ctx, amounts: Vec<u32>) -> durable::Result<Vec<u32>> {
    let mut paid = Vec::new();
    for amount in amounts {
        paid.push(bill(ctx.scope("billing"), "42", amount).await?);
    }
    Ok(paid)
}

#[durable::workflow]
async fn side_by_side(ctx: &Ctx) -> durable::Result<u32> {
    let (left, right) = durable::join!(
        bill(ctx.scope("left"), "1", 1),
        bill(ctx.scope("right"), "22", 2),
    );
    Ok(left? + right?)
}

#[durable::workflow]
async fn nested(ctx: &Ctx, fails: bool) -> durable::Result<u32> {
    let deposit = bill(ctx.scope("deposit"), "4242", 5).await?;
    let freight = ship(ctx.scope("shipping")).await?;
    if fails {
        return Err("the parcel was refused".into());
    }
    Ok(deposit + freight)
}

async fn engine(effects: &Effects) -> Result<Engine, durable::Error> {
    let engine = Engine::builder().state(effects.clone());
    engine.open("memory:").await
}

/// The journaled operations of a run: event and key.
async fn journal(engine: &Engine, id: &str) -> Result<Vec<String>, durable::Error> {
    let history = engine.client().history(id).await?;
    let steps = history.iter().filter_map(|event| {
        let step = event.step.as_ref()?;
        Some(format!("{} {step}", event.kind.name()))
    });
    Ok(steps.collect())
}

#[tokio::test]
async fn a_scope_in_a_loop_has_occurrences_as_a_step_has() {
    let effects = Effects::default();
    let engine = engine(&effects).await.unwrap();
    let client = engine.client();
    let run = client.start::<line_by_line>("run", vec![1, 2, 3]);
    let run = run.await.unwrap();
    assert_eq!(run.result().await.unwrap(), [201, 202, 203]);
    let keys = [
        "billing/reserve",
        "billing/charge",
        "billing#1/reserve",
        "billing#1/charge",
        "billing#2/reserve",
        "billing#2/charge",
    ];
    // `charge` can be undone, so its start is recorded, too.
    let recorded = keys.into_iter().flat_map(|key| {
        let started = key
            .ends_with("/charge")
            .then(|| format!("step_started {key}"));
        started.into_iter().chain([format!("step_completed {key}")])
    });
    assert_eq!(
        journal(&engine, "run").await.unwrap(),
        recorded.collect::<Vec<_>>()
    );
    assert_eq!(effects.seen(), keys.map(|key| format!("run/{key}")));
    engine.shutdown().await.unwrap();
}

#[tokio::test]
async fn two_fragments_run_side_by_side_under_keys_of_their_own() {
    let effects = Effects::default();
    let engine = engine(&effects).await.unwrap();
    let run = engine.client().start::<side_by_side>("run", ()).await;
    assert_eq!(run.unwrap().result().await.unwrap(), 101 + 202);
    assert_eq!(
        journal(&engine, "run").await.unwrap(),
        [
            "step_completed left/reserve",
            "step_completed right/reserve",
            "step_started left/charge",
            "step_started right/charge",
            "step_completed left/charge",
            "step_completed right/charge",
        ]
    );
    engine.shutdown().await.unwrap();
}

#[tokio::test]
async fn a_nested_fragment_replays_after_a_restart_and_takes_its_own_signal() {
    let directory = TempDir::new("fragments").unwrap();
    let url = format!("sqlite://{}", directory.path().join("runs.db").display());
    let effects = Effects::default();
    let open = || Engine::builder().state(effects.clone()).open(&url);

    let engine = open().await.unwrap();
    let run = engine.client().start::<nested>("run", false).await.unwrap();
    run.reaches(durable::Status::Suspended).await.unwrap();
    let status = run.status().await.unwrap();
    assert_eq!(status.awaiting_signal.as_deref(), Some("shipping/approval"));
    engine.shutdown().await.unwrap();

    let engine = open().await.unwrap();
    let run = engine.client().attach::<nested>("run").await.unwrap();
    let approval = nested::shipping.signal(ship::approval);
    assert_eq!(approval.name(), "shipping/approval");
    run.signal(approval, 7).await.unwrap();
    assert_eq!(run.result().await.unwrap(), 405 + 407);
    assert_eq!(
        journal(&engine, "run").await.unwrap(),
        [
            "step_completed deposit/reserve",
            "step_started deposit/charge",
            "step_completed deposit/charge",
            "signal_awaited shipping/approval",
            "signal_received shipping/approval",
            "step_completed shipping/freight/reserve",
            "step_started shipping/freight/charge",
            "step_completed shipping/freight/charge",
        ]
    );
    assert_eq!(
        effects.seen(),
        [
            "run/deposit/reserve",
            "run/deposit/charge",
            "run/shipping/freight/reserve",
            "run/shipping/freight/charge",
        ],
        "each step was executed once"
    );
    engine.shutdown().await.unwrap();
}

#[tokio::test]
async fn the_steps_of_fragments_are_compensated_in_reverse() {
    let effects = Effects::default();
    let engine = engine(&effects).await.unwrap();
    let run = engine.client().start::<nested>("run", true).await.unwrap();
    let client = engine.client();
    client
        .signal_by_name("run", "shipping/approval", "7")
        .await
        .unwrap();
    let error = run.result().await.unwrap_err();
    assert!(error.to_string().contains("was refused"), "{error}");
    assert_eq!(
        effects.seen()[4..],
        [
            "run/shipping/freight/charge/compensate",
            "run/deposit/charge/compensate",
        ]
    );
    let error = client
        .signal_by_name("run", "approval", "7")
        .await
        .unwrap_err();
    assert_eq!(error.kind(), ErrorKind::UnknownSignal);
    assert!(error.to_string().contains("`shipping/approval`"), "{error}");
    engine.shutdown().await.unwrap();
}

#[tokio::test]
async fn an_engine_that_lacks_the_state_of_a_fragment_does_not_start() {
    let error = Engine::open("memory:").await.unwrap_err().to_string();
    assert!(error.contains("Effects"), "{error}");
}

#[test]
fn a_scope_is_a_node_of_the_graph_and_nests_in_the_step_enum() {
    let Node::Scope {
        name,
        fragment,
        file,
        body,
        ..
    } = nested::GRAPH.body[1]
    else {
        panic!("not a scope: {:?}", nested::GRAPH.body[1]);
    };
    assert_eq!((name, fragment, file), ("shipping", "ship", file!()));
    let Node::Operation(approval) = body[0] else {
        panic!("not an operation: {:?}", body[0]);
    };
    assert_eq!(approval.kind, OperationKind::Signal { payload: "u32" });
    let paths = nested::GRAPH.paths().into_iter().map(|(path, _)| path);
    assert_eq!(
        paths.collect::<Vec<_>>(),
        [
            "deposit/reserve",
            "deposit/charge",
            "shipping/approval",
            "shipping/freight/reserve",
            "shipping/freight/charge",
        ]
    );
    let key = nested::Shipping(ship::Freight(bill::Charge));
    assert_eq!(key.path(), "shipping/freight/charge");
    assert_eq!(key.name(), "shipping");
}
