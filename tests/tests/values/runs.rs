//! Values on their way through runs: what is refused, where, and what becomes of the rest.

use std::{
    collections::{BTreeMap, HashMap},
    sync::{
        Arc,
        atomic::{AtomicU32, Ordering},
    },
    time::Duration,
};

use durable::{
    __private::Definition, ErrorKind, FailureKind, Outcome, Status, Workflow, graph::Registry,
    prelude::*, store::MemoryStore,
};
use proptest::{
    strategy::{Strategy, ValueTree},
    test_runner::TestRunner,
};
use serde::{Deserialize, Serialize};

use super::random::{Any, anything};

/// How often steps had an effect.
#[derive(Debug, Clone, Default)]
pub(crate) struct Effects(Arc<AtomicU32>);

impl Effects {
    fn add(&self) {
        self.0.fetch_add(1, Ordering::SeqCst);
    }

    fn count(&self) -> u32 {
        self.0.load(Ordering::SeqCst)
    }
}

pub(crate) async fn engine(store: &MemoryStore, effects: &Effects) -> Engine {
    let builder = Engine::builder().state(effects.clone());
    builder.start(store.clone()).await.unwrap()
}

/// A value on every way that there is, and how it was shown when it was sent.
#[derive(Debug, Clone, Serialize, Deserialize)]
struct Parcel {
    value: Any,
    shown: String,
}

fn is_as_sent(place: &str, parcel: &Parcel) -> Result<(), String> {
    let shown = format!("{:?}", parcel.value);
    if shown == parcel.shown {
        return Ok(());
    }
    Err(format!(
        "{place}: {} was sent, {shown} is there",
        parcel.shown
    ))
}

#[durable::workflow]
async fn echo(ctx: &Ctx, parcel: Parcel) -> durable::Result<Parcel> {
    is_as_sent("child input", &parcel)?;
    Ok(ctx
        .step("give_back", |_| async { Ok::<_, String>(parcel.clone()) })
        .await?)
}

#[durable::workflow]
async fn travels(ctx: &Ctx, parcel: Parcel) -> durable::Result<Parcel> {
    is_as_sent("input", &parcel)?;
    let output = ctx
        .step("send", |_| async { Ok::<_, String>(parcel.clone()) })
        .await?;
    is_as_sent("output", &output)?;
    let signal = ctx.signal::<Parcel>("letter").await?;
    is_as_sent("signal", &signal)?;
    let child = ctx.child::<echo>("echo", output).await?;
    is_as_sent("child output", &child)?;
    ctx.signal::<()>("go_on").await?;
    Ok(child)
}

/// Values that can be recorded, of all shapes.
fn parcels(count: usize) -> Vec<Parcel> {
    let mut runner = TestRunner::deterministic();
    let values = std::iter::repeat_with(|| anything().new_tree(&mut runner).unwrap().current());
    values
        .filter(|value| durable::journal::Payload::record(value).is_ok())
        .map(|value| Parcel {
            shown: format!("{value:?}"),
            value,
        })
        .take(count)
        .collect()
}

#[tokio::test]
async fn what_is_accepted_is_the_same_before_and_after_a_crash() {
    let (store, effects) = (MemoryStore::new(), Effects::default());
    let parcels = parcels(200);
    let first = engine(&store, &effects).await;
    for (number, parcel) in parcels.iter().enumerate() {
        let id = format!("parcel-{number}");
        let run = first
            .client()
            .start::<travels>(id, parcel.clone())
            .await
            .unwrap();
        run.signal(travels::letter, parcel.clone()).await.unwrap();
    }
    for number in 0..parcels.len() {
        let run = first
            .client()
            .attach::<travels>(format!("parcel-{number}"))
            .await
            .unwrap();
        while run.status().await.unwrap().children.is_empty() {
            tokio::task::yield_now().await;
        }
        let child = first
            .client()
            .attach::<echo>(format!("parcel-{number}/echo"))
            .await
            .unwrap();
        child.result().await.unwrap();
    }
    first.shutdown().await.unwrap();
    let second = engine(&store, &effects).await;
    for (number, parcel) in parcels.iter().enumerate() {
        let run = second
            .client()
            .attach::<travels>(format!("parcel-{number}"))
            .await
            .unwrap();
        run.signal(travels::go_on, ()).await.unwrap();
        let result = run.result().await.unwrap();
        is_as_sent("result", &result).unwrap();
        assert_eq!(result.shown, parcel.shown);
    }
    second.shutdown().await.unwrap();
}

#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
enum Bad {
    Output,
    Hash,
    Large,
    Panic,
    ChildInput,
    Result,
}

#[derive(Debug, Clone, Serialize, Deserialize)]
struct Sums {
    sum: f64,
    names: HashMap<String, u8>,
    text: String,
    angry: Angry,
}

/// Cannot be recorded when it is true.
#[derive(Debug, Clone, Copy, Default)]
struct Angry(bool);

impl Serialize for Angry {
    fn serialize<S: serde::Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        assert!(!self.0, "angry");
        to.serialize_bool(self.0)
    }
}

impl<'de> Deserialize<'de> for Angry {
    fn deserialize<D: serde::Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        bool::deserialize(from).map(Self)
    }
}

fn sums(bad: Bad) -> Sums {
    let names = if bad == Bad::Hash { 9 } else { 1 };
    Sums {
        sum: if bad == Bad::Output { f64::NAN } else { 1.0 },
        names: (0..names).map(|n| (n.to_string(), n)).collect(),
        text: "x".repeat(if bad == Bad::Large { 3 << 20 } else { 1 }),
        angry: Angry(bad == Bad::Panic),
    }
}

#[durable::workflow]
async fn half(ctx: &Ctx, of: f64) -> durable::Result<f64> {
    let _ = ctx.now();
    Ok(of / 2.0)
}

/// Gives what the operation failed with as the body sees it.
#[durable::workflow]
async fn unrecordable(ctx: &Ctx, bad: Bad) -> durable::Result<(Failure, f64)> {
    let failure = match bad {
        Bad::Result => None,
        Bad::ChildInput => ctx.child::<half>("half", f64::INFINITY).await.err(),
        _ => {
            let sums = ctx.step("sum", |step| async move {
                step.state::<Effects>().add();
                Ok::<_, String>(sums(bad))
            });
            sums.await.err()
        }
    };
    ctx.signal::<()>("go_on").await?;
    let nothing = Failure::new(FailureKind::Application, "nothing");
    Ok((
        failure.unwrap_or(nothing),
        if bad == Bad::Result { f64::NAN } else { 1.0 },
    ))
}

#[tokio::test]
async fn what_cannot_be_recorded_fails_its_operation_once_and_the_body_sees_it() {
    let (store, effects) = (MemoryStore::new(), Effects::default());
    let first = engine(&store, &effects).await;
    let steps = [Bad::Output, Bad::Hash, Bad::Large, Bad::Panic];
    for bad in steps.into_iter().chain([Bad::ChildInput]) {
        let id = format!("{bad:?}");
        let run = first
            .client()
            .start::<unrecordable>(&id, bad)
            .await
            .unwrap();
        run.reaches(Status::Suspended).await.unwrap();
    }
    assert_eq!(effects.count(), 4);
    first.shutdown().await.unwrap();
    // The same on a replay, without another attempt.
    let second = engine(&store, &effects).await;
    for (bad, words) in [
        (
            Bad::Output,
            "at `.sum`: JSON has no form for NaN and infinities",
        ),
        (
            Bad::Hash,
            "at `.names`: it has another order each time it is read",
        ),
        (Bad::Large, "has 31457"),
        (Bad::Panic, "panicked: angry"),
        (Bad::ChildInput, "JSON has no form for NaN and infinities"),
    ] {
        let run = second
            .client()
            .attach::<unrecordable>(format!("{bad:?}"))
            .await
            .unwrap();
        run.signal(unrecordable::go_on, ()).await.unwrap();
        let (failure, _) = run.result().await.unwrap();
        assert_eq!(failure.kind(), FailureKind::Payload, "{failure}");
        assert!(failure.to_string().contains(words), "{failure}");
        assert!(
            failure.step().is_some() && !failure.is_retryable(),
            "{failure}"
        );
    }
    assert_eq!(effects.count(), 4);
    let run = second
        .client()
        .start::<unrecordable>("result", Bad::Result)
        .await
        .unwrap();
    run.signal(unrecordable::go_on, ()).await.unwrap();
    let error = run.result().await.unwrap_err();
    assert_eq!(
        error.failure().unwrap().kind(),
        FailureKind::Payload,
        "{error}"
    );
    second.shutdown().await.unwrap();
}

#[derive(Debug, Clone, Serialize, Deserialize)]
struct Order {
    total: f64,
    labels: HashMap<String, u8>,
}

#[durable::steps]
async fn ask(ctx: Ctx) -> durable::Result<f64> {
    Ok(ctx.signal::<f64>("price").await?)
}

#[durable::workflow]
async fn order(ctx: &Ctx, order: Order) -> durable::Result<f64> {
    let factor = ctx.signal::<u8>("factor").await?;
    let price = ask(ctx.scope("asked")).await?;
    Ok(order.total * f64::from(factor) + price)
}

#[tokio::test]
async fn a_start_and_a_signal_refuse_what_the_run_could_not_read() {
    let (store, effects) = (MemoryStore::new(), Effects::default());
    let engine = engine(&store, &effects).await;
    let client = engine.client();
    let labels = |count| (0..count).map(|n: u8| (n.to_string(), n)).collect();
    for input in [
        Order {
            total: f64::NAN,
            labels: labels(0),
        },
        Order {
            total: 1.0,
            labels: labels(2),
        },
        Order {
            total: 1.0,
            labels: labels(200),
        },
    ] {
        let error = client.start::<order>("order", input).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::InvalidPayload, "{error}");
        assert!(
            error.to_string().contains("the input of run `order`"),
            "{error}"
        );
    }
    for text in [
        r#"{"total":1,"labels":{"a":1,"b":2}}"#,
        r#"{"total":null,"labels":{}}"#,
        "7",
    ] {
        let error = client
            .start_by_name("order", "order", text)
            .await
            .unwrap_err();
        assert_eq!(error.kind(), ErrorKind::InvalidPayload, "{error}");
    }
    let unknown = client.status("order").await.unwrap_err();
    assert_eq!(unknown.kind(), ErrorKind::UnknownRun);

    let input = Order {
        total: 0.1,
        labels: labels(1),
    };
    let run = client.start::<order>("order", input).await.unwrap();
    for (signal, text) in [
        ("factor", "\"text\""),
        ("factor", "256"),
        ("asked/price", "\"1\""),
    ] {
        let error = client
            .signal_by_name("order", signal, text)
            .await
            .unwrap_err();
        assert_eq!(error.kind(), ErrorKind::InvalidPayload, "{error}");
        assert!(
            error
                .to_string()
                .contains(&format!("signal `{signal}` to run `order`")),
            "{error}"
        );
    }
    let price = order::asked.signal(ask::price);
    let error = run.signal(price.clone(), f64::INFINITY).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::InvalidPayload, "{error}");
    client.signal_by_name("order", "factor", "2").await.unwrap();
    run.signal(price, 0.7).await.unwrap();
    assert_eq!(
        run.result().await.unwrap().to_bits(),
        (0.1_f64 * 2.0 + 0.7).to_bits()
    );
    engine.shutdown().await.unwrap();
}

#[derive(Debug, Clone, Serialize, Deserialize)]
struct Before {
    name: String,
    prices: BTreeMap<String, f64>,
    id: u128,
}

#[derive(Debug, Clone, Serialize, Deserialize)]
struct After {
    id: u128,
    #[serde(default)]
    urgent: bool,
    prices: BTreeMap<String, f64>,
    name: String,
}

#[durable::workflow]
async fn before(ctx: &Ctx, _input: Before) -> durable::Result<()> {
    Ok(ctx.sleep("long", Duration::from_secs(3_600)).await?)
}

#[durable::workflow]
async fn after(ctx: &Ctx, input: After) -> durable::Result<()> {
    Ok(ctx
        .sleep("long", Duration::from_secs(u64::from(input.urgent) + 3_600))
        .await?)
}

/// `W` as a build that calls it `purchase`.
async fn build<W: Workflow>(store: &MemoryStore) -> Engine {
    let linked = Registry::linked().unwrap();
    let of = linked.find(W::NAME).unwrap();
    let definition = Box::leak(Box::new(Definition {
        name: "purchase",
        ..*of
    }));
    let registry = Registry::of([&*definition]).unwrap();
    Engine::builder()
        .registry(registry)
        .start(store.clone())
        .await
        .unwrap()
}

#[tokio::test]
async fn a_start_with_an_equal_input_attaches_whatever_the_text_is() {
    let store = MemoryStore::new();
    let old = build::<before>(&store).await;
    let large = u128::from(u64::MAX) + 5;
    let text = format!(r#"{{"name":"tea","prices":{{"b":0.1,"a":1}},"id":{large}}}"#);
    old.client()
        .start_by_name("purchase", "p", &text)
        .await
        .unwrap();
    let blanks = text.replace(',', " ,\n").replace("1}", "1.0}");
    old.client()
        .start_by_name("purchase", "p", &blanks)
        .await
        .unwrap();
    old.shutdown().await.unwrap();

    // A deploy that adds a field with a default value, and changes the order of the others.
    let new = build::<after>(&store).await;
    let client = new.client();
    client.start_by_name("purchase", "p", &text).await.unwrap();
    let known =
        format!(r#"{{"id":{large},"urgent":false,"prices":{{"a":1.0,"b":0.1}},"name":"tea"}}"#);
    client.start_by_name("purchase", "p", &known).await.unwrap();
    for (what, other) in [
        ("urgent", known.replace("false", "true")),
        ("name", known.replace("tea", "eat")),
        ("price", known.replace("0.1", "0.2")),
        (
            "id",
            known.replace(&large.to_string(), &(large + 1).to_string()),
        ),
    ] {
        let error = client
            .start_by_name("purchase", "p", &other)
            .await
            .unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Conflict, "{what}: {error}");
    }
    new.shutdown().await.unwrap();
}

#[durable::workflow]
async fn tries(ctx: &Ctx, which: u8) -> durable::Result<()> {
    let retry = match which {
        0 => Retry::exponential()
            .initial_delay(Duration::MAX)
            .max_delay(Duration::MAX)
            .jitter(0.0),
        1 => Retry::linear()
            .initial_delay(Duration::MAX)
            .max_delay(Duration::MAX)
            .jitter(f64::NAN),
        2 => Retry::exponential()
            .max_attempts(u32::MAX)
            .jitter(f64::NEG_INFINITY)
            .max_delay(Duration::MAX),
        _ => Retry::never(),
    };
    ctx.step("fails", |_| async {
        Err::<(), _>(StepError::new("no").retry_after(Duration::MAX))
    })
    .retry(retry)
    .timeout(Duration::MAX)
    .await?;
    Ok(())
}

#[durable::workflow]
async fn waits(ctx: &Ctx) -> durable::Result<()> {
    let (slept, told) = durable::join!(
        ctx.sleep("for_ever", Duration::MAX),
        ctx.signal::<()>("never").timeout(Duration::MAX)
    );
    slept?;
    Ok(told?)
}

#[tokio::test]
async fn the_longest_waits_are_waited_and_can_be_canceled() {
    let (store, effects) = (MemoryStore::new(), Effects::default());
    let engine = engine(&store, &effects).await;
    let client = engine.client();
    for which in 0..3 {
        client
            .start::<tries>(format!("run-{which}"), which)
            .await
            .unwrap();
    }
    client.start::<waits>("run-3", ()).await.unwrap();
    for which in 0..4 {
        let run = client.attach_by_id(format!("run-{which}")).await.unwrap();
        assert_eq!(
            run.reaches(Status::Suspended).await.unwrap(),
            Status::Suspended
        );
        run.cancel().await.unwrap();
        assert_eq!(
            run.result_json().await.unwrap_err().kind(),
            ErrorKind::Canceled
        );
    }
    engine.shutdown().await.unwrap();
}

/// Undoes a payment, whatever it came to.
#[durable::compensate]
async fn give_back(step: &StepCtx, paid: Outcome<f64>) -> Result<(), String> {
    let paid = paid.completed().ok_or("what was paid is not known")?;
    assert!(paid.is_nan());
    step.state::<Effects>().add();
    Ok(())
}

/// Undoes a payment that is known.
#[durable::compensate]
async fn give_back_this(step: &StepCtx, paid: f64) -> Result<(), String> {
    assert!(paid.is_nan());
    step.state::<Effects>().add();
    Ok(())
}

/// Undoes one that wrote a long receipt.
#[durable::compensate]
async fn tear_up(step: &StepCtx, receipt: String) -> Result<(), String> {
    assert_eq!(receipt.len(), 3 << 20);
    step.state::<Effects>().add();
    Ok(())
}

async fn pay(step: StepCtx) -> Result<f64, String> {
    step.state::<Effects>().add();
    Ok(f64::NAN)
}

#[durable::workflow]
async fn pays_nan(ctx: &Ctx) -> durable::Result<f64> {
    Ok(ctx.step("pay", pay).compensate(give_back).await?)
}

#[durable::workflow]
async fn pays_this_nan(ctx: &Ctx) -> durable::Result<f64> {
    Ok(ctx.step("pay", pay).compensate(give_back_this).await?)
}

#[durable::workflow]
async fn pays_with_a_long_receipt(ctx: &Ctx) -> durable::Result<usize> {
    let receipt = ctx
        .step("pay", |step| async move {
            pay(step).await?;
            Ok::<_, String>("x".repeat(3 << 20))
        })
        .compensate(tear_up)
        .await?;
    Ok(receipt.len())
}

#[tokio::test]
async fn a_step_whose_output_cannot_be_recorded_is_undone() {
    for workflow in ["pays_nan", "pays_this_nan", "pays_with_a_long_receipt"] {
        let (store, effects) = (MemoryStore::new(), Effects::default());
        let engine = engine(&store, &effects).await;
        let client = engine.client();
        let run = client.start_by_name(workflow, "run", "null").await.unwrap();
        let error = run.result_json().await.unwrap_err();
        let failure = error.failure().unwrap();
        assert_eq!(failure.kind(), FailureKind::Payload, "{failure}");
        assert!(failure.compensations().is_empty(), "{failure}");
        // Once paid, once given back.
        assert_eq!(effects.count(), 2, "{workflow}");
        engine.shutdown().await.unwrap();
    }
}
