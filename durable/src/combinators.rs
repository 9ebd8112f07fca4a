//! The combinators as macros: they take branches of different types.

/// Waits for all of several durable operations, and gives a tuple of their outputs.
///
/// Replays exactly as it ran: branches move in the order of the journal. Takes up to eight branches;
/// for more, or for a number known only at run time, see [`join_all`](crate::join_all).
///
/// ```
/// use durable::prelude::*;
///
/// #[durable::workflow]
/// async fn both(ctx: &Ctx) -> durable::Result<u32> {
///     let (one, two) = durable::join!(
///         ctx.step("one", |_| async { Ok::<_, String>(1) }),
///         ctx.step("two", |_| async { Ok::<_, String>(2) }),
///     );
///     Ok(one? + two?)
/// }
///
/// # #[tokio::main]
/// # async fn main() -> durable::Result<()> {
/// # let engine = durable::Engine::open("memory:").await?;
/// let run = engine.client().start::<both>("run-1", ()).await?;
/// assert_eq!(run.result().await?, 3);
/// # engine.shutdown().await
/// # }
/// ```
// `@durable` and `@branches` come from the attributes: the one keeps macros of other crates from being
// taken for these, the other tells a race without arms.
#[macro_export]
macro_rules! join {
    (@durable $($branches:tt)+) => {
        $crate::join!($($branches)+)
    };
    (
        $a:expr, $b:expr, $c:expr, $d:expr, $e:expr, $f:expr, $g:expr, $h:expr, $($more:expr),+ $(,)?
    ) => {
        ::core::compile_error!(
            "`durable::join!` takes up to eight branches\n  \
             why: each of them may be of another type, and a tuple of more cannot be made\n  \
             instead: `durable::join_all` for operations of one type; or one `durable::join!` as a branch of another"
        )
    };
    ($($branch:expr),+ $(,)?) => {
        $crate::__private::Join::new(($($crate::__private::Branch::new($branch),)+)).all().await
    };
}

/// Waits for all of several durable operations, or for the first to fail; then the others are
/// canceled. Gives a `Result` of a tuple.
///
/// ```
/// use durable::prelude::*;
///
/// #[durable::workflow]
/// async fn both_or_neither(ctx: &Ctx) -> durable::Result<u32> {
///     let (one, two) = durable::try_join!(
///         ctx.step("one", |_| async { Ok::<_, String>(1) }),
///         ctx.step("two", |_| async { Ok::<_, String>(2) }),
///     )?;
///     Ok(one + two)
/// }
///
/// # #[tokio::main]
/// # async fn main() -> durable::Result<()> {
/// # let engine = durable::Engine::open("memory:").await?;
/// let run = engine.client().start::<both_or_neither>("run-1", ()).await?;
/// assert_eq!(run.result().await?, 3);
/// # engine.shutdown().await
/// # }
/// ```
#[macro_export]
macro_rules! try_join {
    (@durable $($branches:tt)+) => {
        $crate::try_join!($($branches)+)
    };
    (
        $a:expr, $b:expr, $c:expr, $d:expr, $e:expr, $f:expr, $g:expr, $h:expr, $($more:expr),+ $(,)?
    ) => {
        ::core::compile_error!(
            "`durable::try_join!` takes up to eight branches\n  \
             why: each of them may be of another type, and a tuple of more cannot be made\n  \
             instead: `durable::try_join_all` for operations of one type; or one `durable::try_join!` as a branch of another"
        )
    };
    ($($branch:expr),+ $(,)?) => {
        $crate::__private::all_ok(($($crate::__private::Branch::new($branch),)+)).await
    };
}

/// Waits for the first of several durable operations and cancels the others. Which one won is
/// recorded, so a replay has the same winner.
///
/// With branches of one type it gives the winner's output; with arms it runs the winner's.
///
/// ```
/// use std::time::Duration;
/// use durable::prelude::*;
///
/// #[durable::workflow]
/// async fn decide(ctx: &Ctx) -> durable::Result<String> {
///     Ok(durable::race! {
///         decision = ctx.signal::<String>("decision") => decision?,
///         _ = ctx.sleep("deadline", Duration::from_millis(5)) => "too late".to_owned(),
///     })
/// }
///
/// # #[tokio::main]
/// # async fn main() -> durable::Result<()> {
/// # let engine = durable::Engine::open("memory:").await?;
/// let run = engine.client().start::<decide>("run-1", ()).await?;
/// assert_eq!(run.result().await?, "too late");
/// # engine.shutdown().await
/// # }
/// ```
#[macro_export]
macro_rules! race {
    (@durable $($branches:tt)+) => {
        $crate::race!($($branches)+)
    };
    (@branches $($branch:expr),+ $(,)?) => {
        $crate::__private::First::new()$(.or($branch))+.await
    };
    ($($pattern:pat = $branch:expr => $handler:expr),+ $(,)?) => {
        $crate::__race!(@name [a b c d e f g h] [] $([$pattern, $branch, $handler])+)
    };
    ($($branch:expr),+ $(,)?) => {
        $crate::__private::First::new()$(.or($branch))+.await
    };
}

#[doc(hidden)]
#[macro_export]
macro_rules! __race {
    // Gives each arm a name.
    (@name [$name:ident $($names:ident)*] [$($done:tt)*] [$($arm:tt)*] $($rest:tt)*) => {
        $crate::__race!(@name [$($names)*] [$($done)* [$name, $($arm)*]] $($rest)*)
    };
    (@name [] [$($done:tt)*] $($rest:tt)+) => {
        ::core::compile_error!(
            "`durable::race!` takes up to eight arms\n  \
             why: each of them may be of another type, and a tuple of more cannot be made\n  \
             instead: one `durable::race!` as a branch of another; or, without arms, branches of one type"
        )
    };
    (@name [$($names:ident)*] [$([$name:ident, $pattern:pat, $branch:expr, $handler:expr])+]) => {{
        let ($($name,)+) =
            $crate::__private::Join::new(($($crate::__private::Branch::new($branch),)+))
                .first()
                .await;
        $crate::__race!(@choose $([$name, $pattern, $handler])+)
    }};
    // Exactly one branch has an output.
    (@choose [$name:ident, $pattern:pat, $handler:expr]) => {
        match $crate::__private::winner($name) {
            $pattern => $handler,
        }
    };
    (@choose [$name:ident, $pattern:pat, $handler:expr] $($rest:tt)+) => {
        if let ::core::option::Option::Some(output) = $name {
            match output {
                $pattern => $handler,
            }
        } else {
            $crate::__race!(@choose $($rest)+)
        }
    };
}
