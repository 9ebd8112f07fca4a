//! Waiting no longer than one wants to.

use std::time::Duration;

use super::Run;
use crate::error::{Error, ErrorKind};

impl<W> Run<W> {
    /// A handle of the same run that waits no longer than this for [`result`](Run::result),
    /// [`result_json`](Self::result_json) and [`reaches`](Self::reaches); without it they wait as long as
    /// it takes. The run is not touched, and may be waited for again. Time is the machine's own, also
    /// where the engine goes by a virtual clock.
    ///
    /// ```
    /// # use durable_runtime as durable;
    /// use std::time::Duration;
    /// use durable::{client::Run, error::ErrorKind, status::Status};
    ///
    /// async fn is_done<W>(run: &Run<W>) -> Result<bool, durable::error::Error> {
    ///     match run.timeout(Duration::from_secs(5)).reaches(Status::Completed).await {
    ///         Err(error) if error.kind() == ErrorKind::TimedOut => Ok(false),
    ///         reached => Ok(reached? == Status::Completed),
    ///     }
    /// }
    /// # let _ = is_done::<()>;
    /// ```
    #[must_use]
    pub fn timeout(&self, patience: Duration) -> Self {
        let mut run = self.clone();
        run.patience = Some(patience);
        run
    }

    /// Gives up a wait when the time is over.
    pub(super) async fn in_time<T>(
        &self,
        wait: impl Future<Output = Result<T, Error>>,
    ) -> Result<T, Error> {
        let Some(patience) = self.patience else {
            return wait.await;
        };
        match tokio::time::timeout(patience, wait).await {
            Ok(waited) => waited,
            Err(_) => Err(self.timed_out(patience)),
        }
    }

    fn timed_out(&self, patience: Duration) -> Error {
        let mut message = format!(
            "run `{}` did not come so far within {patience:?}; it goes on, and can be waited for again",
            self.id()
        );
        if let Some(trouble) = self.client().trouble() {
            message.push_str("; the database fails at the moment: ");
            message.push_str(&trouble);
        }
        Error::new(ErrorKind::TimedOut, message)
    }
}
