//! Running one case on one backend.

use std::{fmt, future::Future, pin::Pin};

use super::{Backend, CASES, fixture::Fixture};
use crate::failure::BoxError;

/// How a case ends: it passes, or says what is wrong. Most wrongs are assertions and panic.
pub(super) type CaseResult = Result<(), BoxError>;

/// A running case.
pub(super) type CaseFuture = Pin<Box<dyn Future<Output = CaseResult> + Send>>;

/// One case of the suite.
pub struct Case {
    /// Its name: `group::what_must_hold`.
    pub name: &'static str,
    pub(super) start: fn(Fixture) -> CaseFuture,
}

impl fmt::Debug for Case {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Case")
            .field("name", &self.name)
            .finish_non_exhaustive()
    }
}

/// Runs the case with this name on a database of its own, if the backend is
/// [here](Backend::is_here). For use in tests.
///
/// # Panics
///
/// When the store does not do what the case asks for, when the database cannot be made, or when
/// there is no such case.
pub fn run(backend: &dyn Backend, name: &str) {
    if !backend.is_here(name) {
        return;
    }
    let case = CASES.iter().find(|case| case.name == name);
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build();
    let result = match (case, runtime) {
        (Some(case), Ok(runtime)) => runtime.block_on(run_case(backend, case)),
        (None, _) => Err("there is no such case".into()),
        (_, Err(error)) => Err(error.into()),
    };
    assert!(
        result.is_ok(),
        "{name} on {backend:?}: {}",
        result.err().map(|e| e.to_string()).unwrap_or_default()
    );
}

async fn run_case(backend: &dyn Backend, case: &Case) -> CaseResult {
    let database = backend.create().await?;
    let fixture = Fixture::open(database.clone()).await?;
    let store = fixture.store();
    (case.start)(fixture).await?;
    store.close().await?;
    database.remove().await
}
