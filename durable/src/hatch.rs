//! The way out of the rules of a workflow's body.

/// Takes a value into a workflow's body that the rules refuse: a clock, a random number, an await that
/// is not durable. Gives the value.
///
/// The reason, a string literal, says why a replay gets the same; it is for whoever reads the code
/// later. A value that is not the same on a replay breaks the run: what depends on time, chance or the
/// world belongs into a step, which is recorded, or comes from `ctx.now()`, `ctx.random()` and
/// `ctx.uuid()`.
///
/// ```
/// use durable::prelude::*;
///
/// #[durable::workflow]
/// async fn report(ctx: &Ctx, lines: u32) -> durable::Result<u32> {
///     let threads = durable::nondeterministic!(
///         "only how fast the sum is made depends on it, not what it is",
///         std::thread::available_parallelism()?.get()
///     );
///     Ok(sum(lines, threads))
/// }
///
/// fn sum(lines: u32, _threads: usize) -> u32 {
///     (1..=lines).sum()
/// }
///
/// # #[tokio::main]
/// # async fn main() -> durable::Result<()> {
/// # let engine = durable::Engine::open("memory:").await?;
/// let run = engine.client().start::<report>("report-1", 3).await?;
/// assert_eq!(run.result().await?, 6);
/// # engine.shutdown().await
/// # }
/// ```
#[macro_export]
macro_rules! nondeterministic {
    ($reason:expr, $value:expr $(,)?) => {
        $value
    };
}
