//! Random workflow bodies: a workflow that interprets its input.
//!
//! The macro's grammar forbids what an interpreter needs (operations in a recursive fn), so this one
//! workflow is registered by hand. What its body sees, in the order in which it sees it, is its
//! result: the interleaving of branches, the winners of races, the time and the random numbers.

use std::{
    collections::{BTreeMap, BTreeSet},
    pin::Pin,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use durable::{
    __private::{Compensator, Definition, First, Running, Wiring, body},
    Ctx, Failure, FailureKind, Retry, StepCtx, StepError, StepKey, Workflow,
    graph::{Body, Graph, Node, Operation, OperationKind},
    testing::VirtualClock,
};
use serde::{Deserialize, Serialize};

/// A piece of a body.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub enum Op {
    /// A step that fails so often before it succeeds, and yields so often in each attempt.
    Step {
        /// Which name it uses.
        name: u8,
        /// How many attempts fail; more than three fail the step.
        failures: u32,
        /// How often an attempt yields to others before it ends.
        yields: u8,
        /// Whether it is compensated when the run fails.
        compensated: bool,
    },
    /// A step with a compensation that takes its time and has its effect half-way.
    Saga {
        /// Which name it uses.
        name: u8,
        /// How long an attempt takes.
        millis: u32,
        /// How many attempts fail before the effect.
        failures: u32,
        /// How long an attempt may take.
        timeout: Option<u32>,
        /// What its body does beyond that.
        manner: Manner,
    },
    /// A sleep.
    Sleep {
        /// Which name it uses.
        name: u8,
        /// How long.
        millis: u32,
    },
    /// A wait for a signal, which gives up after a day.
    Signal {
        /// Which name it uses.
        name: u8,
    },
    /// A child run.
    Child {
        /// Its body.
        body: Vec<Self>,
    },
    /// One after the other.
    Sequence(Vec<Self>),
    /// Side by side, all of them.
    Join(Vec<Self>),
    /// Side by side, until one fails.
    TryJoin(Vec<Self>),
    /// Side by side, until one completes.
    Race(Vec<Self>),
    /// Again and again.
    Repeat {
        /// How often.
        times: u8,
        /// What.
        body: Box<Self>,
    },
    /// A failure of the body.
    Fail,
}

/// What the body of a saga does when it is canceled, or instead of returning.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub enum Manner {
    /// It does not listen.
    Deaf,
    /// It ends when it is canceled: with a failure before the effect, with its output after it.
    Polite,
    /// It never returns after the effect; canceled or not.
    Hangs,
    /// It panics after the effect.
    Panics,
    /// It has its effect when it is executed first, and is turned away ever after.
    Once,
}

/// The world outside: how often each step body and each compensation was executed, and which effects took
/// place, by idempotency key.
#[derive(Debug, Clone, Default)]
pub struct Effects(Arc<Mutex<World>>);

#[derive(Debug, Default)]
struct World {
    executed: BTreeMap<String, u32>,
    done: BTreeSet<String>,
}

impl Effects {
    fn world(&self) -> MutexGuard<'_, World> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Notes an execution; gives how many there were.
    fn note(&self, key: String) -> u32 {
        let mut world = self.world();
        let count = world.executed.entry(key).or_default();
        *count += 1;
        *count
    }

    fn take_place(&self, key: String) {
        self.world().done.insert(key);
    }

    /// The executions so far.
    pub fn counts(&self) -> BTreeMap<String, u32> {
        self.world().executed.clone()
    }

    /// The effects of sagas that took place, also of attempts that were cut off right after.
    pub fn done(&self) -> BTreeSet<String> {
        self.world().done.clone()
    }
}

/// The names of the interpreter's operations: eight steps, of which the last four are compensated,
/// two sleeps, two signals, a child.
#[derive(Debug, Clone, Copy)]
pub struct Key(usize);

const NAMES: &[&str] = &[
    "step_0", "step_1", "step_2", "step_3", "saga_0", "saga_1", "saga_2", "saga_3", "sleep_0",
    "sleep_1", "signal_0", "signal_1", "child",
];

impl StepKey for Key {
    fn name(&self) -> &'static str {
        NAMES[self.0]
    }
}

/// The workflow that interprets its input.
#[derive(Debug)]
pub struct Interpreter;

impl Workflow for Interpreter {
    type Input = Vec<Op>;
    type Output = Vec<String>;
    const NAME: &'static str = "interpreter";
    const GRAPH: Graph = graph();

    fn __run(ctx: &Ctx, program: Vec<Op>) -> Running<'_, Vec<String>> {
        body(async move {
            let seen = Seen::default();
            for op in &program {
                if let Err(failure) = interpret(ctx, op, &seen).await {
                    // What was seen goes along, so that a failed run can be compared, too.
                    return Err(StepError::new(failure).details(&seen.take()));
                }
            }
            Ok(seen.take())
        })
    }
}

/// The interpreter's registration.
pub static DEFINITION: Definition = Definition::of::<Interpreter>(file!(), line!(), WIRING);

const WIRING: Wiring = Wiring {
    compensators: COMPENSATORS,
    ..Wiring::NONE
};

const COMPENSATORS: &[Compensator] = &[
    Compensator::of("saga_0", Undo),
    Compensator::of("saga_1", Undo),
    Compensator::of("saga_2", Undo),
    Compensator::of("saga_3", Undo),
];

/// The compensation of every saga step.
#[derive(Debug, Clone, Copy)]
pub struct Undo;

impl durable::Compensation<u64> for Undo {
    const NAME: &'static str = "undo";

    type __Told = durable::Outcome<u64>;

    async fn __run(
        step: &StepCtx,
        _outcome: durable::Outcome<u64>,
    ) -> Result<(), durable::BoxError> {
        step.state::<Effects>().note(step.idempotency_key());
        if step.step_id().name() == "saga_3" && step.attempt() == 1 {
            return Err("try again".into());
        }
        Ok(())
    }
}

/// What the body has seen, shared by its branches.
#[derive(Default)]
struct Seen(Mutex<Vec<String>>);

impl Seen {
    fn push(&self, ctx: &Ctx, what: String) {
        let now = ctx
            .now()
            .duration_since(std::time::UNIX_EPOCH)
            .unwrap_or_default();
        let random = ctx.random() % 1_000;
        let mut seen = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        seen.push(format!("{what} at {} ({random})", now.as_micros()));
    }

    fn take(self) -> Vec<String> {
        self.0.into_inner().unwrap_or_else(PoisonError::into_inner)
    }
}

type Interpreting<'a> = Pin<Box<dyn Future<Output = Result<(), Failure>> + Send + 'a>>;

fn interpret<'a>(ctx: &'a Ctx, op: &'a Op, seen: &'a Seen) -> Interpreting<'a> {
    match op {
        Op::Step {
            name,
            failures,
            yields,
            compensated,
        } => step(ctx, seen, (*name, *compensated), *failures, *yields),
        Op::Saga {
            name,
            millis,
            failures,
            timeout,
            manner,
        } => {
            let key = Key(usize::from(name % 4) + 4);
            let (millis, failures, manner) = (*millis, *failures, *manner);
            let step = ctx
                .step(key, move |step| saga(step, millis, failures, manner))
                .retry(Retry::exponential().max_attempts(3))
                .timeout(Duration::from_millis(timeout.unwrap_or(86_400_000).into()));
            Box::pin(async move {
                let outcome = step.await;
                seen.push(ctx, format!("saga {name}: {outcome:?}"));
                outcome.map(drop)
            })
        }
        Op::Sleep { name, millis } => {
            let sleep = ctx.sleep(
                Key(8 + usize::from(name % 2)),
                Duration::from_millis((*millis).into()),
            );
            Box::pin(async move {
                sleep.await?;
                seen.push(ctx, format!("slept {millis}"));
                Ok(())
            })
        }
        Op::Signal { name } => {
            let signal = ctx
                .signal::<u32>(Key(10 + usize::from(name % 2)))
                .timeout(Duration::from_secs(86_400));
            Box::pin(async move {
                let outcome = signal.await;
                seen.push(ctx, format!("signal {name}: {outcome:?}"));
                outcome.map(drop)
            })
        }
        Op::Child { body } => {
            let child = ctx.child::<Interpreter>(Key(12), body.clone());
            Box::pin(async move {
                let outcome = child.await;
                seen.push(ctx, format!("child: {}", outcome.is_ok()));
                outcome.map(drop)
            })
        }
        Op::Fail => Box::pin(async {
            Err(Failure::new(
                FailureKind::Application,
                "the program says so",
            ))
        }),
        _ => group(ctx, op, seen),
    }
}

fn group<'a>(ctx: &'a Ctx, op: &'a Op, seen: &'a Seen) -> Interpreting<'a> {
    Box::pin(async move {
        match op {
            Op::Sequence(ops) => {
                for op in ops {
                    interpret(ctx, op, seen).await?;
                }
                Ok(())
            }
            Op::Repeat { times, body } => {
                for _ in 0..*times {
                    interpret(ctx, body, seen).await?;
                }
                Ok(())
            }
            Op::Join(ops) => {
                let outcomes =
                    durable::join_all(ops.iter().map(|op| interpret(ctx, op, seen))).await;
                seen.push(ctx, format!("joined {}", outcomes.len()));
                outcomes.into_iter().collect()
            }
            Op::TryJoin(ops) => {
                let outcome =
                    durable::try_join_all(ops.iter().map(|op| interpret(ctx, op, seen))).await;
                seen.push(ctx, format!("try-joined {}", outcome.is_ok()));
                outcome.map(drop)
            }
            Op::Race(ops) if ops.is_empty() => Ok(()),
            Op::Race(ops) => {
                let race = ops
                    .iter()
                    .fold(First::new(), |race, op| race.or(interpret(ctx, op, seen)));
                let outcome = race.await;
                seen.push(ctx, format!("raced {}", outcome.is_ok()));
                outcome
            }
            _ => Ok(()),
        }
    })
}

fn step<'a>(
    ctx: &'a Ctx,
    seen: &'a Seen,
    (name, compensated): (u8, bool),
    failures: u32,
    yields: u8,
) -> Interpreting<'a> {
    let key = Key(usize::from(name % 4) + 4 * usize::from(compensated));
    let step = ctx
        .step(key, move |step| async move {
            step.state::<Effects>().note(step.idempotency_key());
            for _ in 0..yields {
                tokio::task::yield_now().await;
            }
            if step.attempt() <= failures {
                return Err(StepError::new(format!("attempt {}", step.attempt())));
            }
            Ok(u64::from(name))
        })
        .retry(Retry::exponential().max_attempts(3));
    Box::pin(async move {
        let outcome = step.await;
        seen.push(ctx, format!("step {name}: {outcome:?}"));
        outcome.map(drop)
    })
}

/// The body of a saga.
#[expect(clippy::panic, reason = "bodies of steps may panic")]
async fn saga(step: StepCtx, millis: u32, failures: u32, manner: Manner) -> Result<u64, StepError> {
    let executions = step.state::<Effects>().note(step.idempotency_key());
    if manner == Manner::Once && executions > 1 {
        return Err(StepError::new("only once").permanent());
    }
    let clock = step.state::<VirtualClock>();
    let half = || clock.sleep(Duration::from_millis(millis.into()) / 2);
    let hears = || async {
        match manner {
            Manner::Polite => step.canceled().await,
            _ => std::future::pending().await,
        }
    };
    tokio::select! {
        () = half() => {}
        () = hears() => return Err(StepError::new("canceled")),
    }
    if step.attempt() <= failures {
        return Err(StepError::new(format!("attempt {}", step.attempt())));
    }
    step.state::<Effects>().take_place(step.step_key());
    match manner {
        Manner::Hangs => clock.sleep(Duration::MAX).await,
        Manner::Panics => panic!("after the effect"),
        Manner::Deaf | Manner::Polite | Manner::Once => tokio::select! {
            () = half() => {}
            () = hears() => {}
        },
    }
    Ok(u64::from(millis))
}

const fn graph() -> Graph {
    const fn operation(
        name: &'static str,
        kind: OperationKind,
        compensation: Option<&'static str>,
    ) -> Node {
        Node::Operation(Operation {
            name,
            kind,
            line: 1,
            options: &[],
            compensation,
            was: &[],
        })
    }
    const SIGNAL: OperationKind = OperationKind::Signal { payload: "u32" };
    const CHILD: OperationKind = OperationKind::Child {
        workflow: "Interpreter",
    };
    Graph {
        workflow: "interpreter",
        was: &[],
        body: Body::of(
            const {
                &[
                    operation("step_0", OperationKind::Step, None),
                    operation("step_1", OperationKind::Step, None),
                    operation("step_2", OperationKind::Step, None),
                    operation("step_3", OperationKind::Step, None),
                    operation("saga_0", OperationKind::Step, Some("undo")),
                    operation("saga_1", OperationKind::Step, Some("undo")),
                    operation("saga_2", OperationKind::Step, Some("undo")),
                    operation("saga_3", OperationKind::Step, Some("undo")),
                    operation("sleep_0", OperationKind::Sleep, None),
                    operation("sleep_1", OperationKind::Sleep, None),
                    operation("signal_0", SIGNAL, None),
                    operation("signal_1", SIGNAL, None),
                    operation("child", CHILD, None),
                ]
            },
        ),
    }
}
