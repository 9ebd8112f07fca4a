//! Signals, and whatever else is sent to a run.

use super::{
    Cancel, Client,
    names::{check_name, no_such, rolling_back, unfit, unknown_run},
};
use crate::{
    error::{Error, ErrorKind},
    journal::{Payload, RunId, StepId},
    store::{MailKind, MailOutcome, MailTarget, NewMail, RunRecord, StoreErrorKind},
};

impl Client {
    /// Sends a signal by name, with its payload as JSON text. Returns when it is durable.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::UnknownRun`], [`ErrorKind::Ended`], [`ErrorKind::RollingBack`],
    /// [`ErrorKind::PayloadTooLarge`], [`ErrorKind::MailboxFull`];
    /// [`ErrorKind::InvalidPayload`] when the text is not JSON. When the run's workflow is registered here:
    /// [`ErrorKind::UnknownSignal`] when it waits for no such signal, and
    /// [`ErrorKind::InvalidPayload`] when the signal carries something else.
    pub async fn signal_by_name(
        &self,
        id: impl AsRef<str>,
        signal: &str,
        payload: &str,
    ) -> Result<(), Error> {
        let id = RunId::from_recorded(id.as_ref());
        let found = self.link().patiently(|store| store.find(&id)).await?;
        let record = found.ok_or_else(|| unknown_run(id.as_str()))?;
        let payload = Payload::from_bytes(payload.as_bytes());
        payload.decode::<serde::de::IgnoredAny>()?;
        self.check_signal(&record, signal, &payload)?;
        self.send_signal(&record.id, signal, payload).await
    }

    fn check_signal(
        &self,
        record: &RunRecord,
        signal: &str,
        payload: &Payload,
    ) -> Result<(), Error> {
        let Some(definition) = self.link().definition(&record.workflow) else {
            return check_name(signal)
                .map_err(|flaw| no_such(ErrorKind::UnknownSignal, signal, &flaw));
        };
        let signals: Vec<_> = definition
            .graph()
            .paths()
            .into_iter()
            .filter(|(_, operation)| operation.kind.takes_signals())
            .map(|(path, _)| path)
            .collect();
        let present = definition.graph().present_signal(signal.to_owned());
        if signals.contains(&present) {
            let Some(awaited) = definition.awaited(&StepId::from_recorded(present.as_str())) else {
                return Ok(());
            };
            let what = || format!("signal `{signal}` to run `{}`", record.id);
            return (awaited.payload)(payload)
                .map(drop)
                .map_err(|error| unfit(&what(), &error));
        }
        let known = if signals.is_empty() {
            "none".to_owned()
        } else {
            signals.join("`, `")
        };
        let message = format!(
            "workflow `{}` of run `{}` waits for no signal `{signal}`; its signals: `{known}`",
            record.workflow, record.id
        );
        Err(Error::new(ErrorKind::UnknownSignal, message))
    }

    pub(super) async fn send_signal(
        &self,
        id: &RunId,
        name: &str,
        payload: Payload,
    ) -> Result<(), Error> {
        self.check_size(&payload, &format!("signal `{name}` to run `{id}`"))?;
        let kind = MailKind::Signal {
            name: name.to_owned(),
            payload,
        };
        self.send(id, kind)
            .await
            .map_err(|error| match error.store_kind() {
                Some(StoreErrorKind::MailboxFull) => self.no_room(id, name),
                _ => error,
            })
    }

    fn no_room(&self, id: &RunId, name: &str) -> Error {
        let max = self.link().limits().mailbox_max;
        Error::new(
            ErrorKind::MailboxFull,
            format!(
                "{max} signals `{name}` wait for run `{id}`, and no mailbox holds more of one name \
                 (`Limits::mailbox_max`); send this one again when the run has taken some"
            ),
        )
    }

    /// Asks for a run to be canceled, when awaited: its running step is told, its completed steps are
    /// compensated, its children are canceled too. See [`Cancel`] for what becomes of it, and for how
    /// to end a rollback that does not get on.
    pub fn cancel(&self, id: impl AsRef<str>) -> Cancel {
        Cancel::new(self.clone(), RunId::from_recorded(id.as_ref()))
    }

    pub(super) async fn send(&self, id: &RunId, kind: MailKind) -> Result<(), Error> {
        let is_signal = matches!(kind, MailKind::Signal { .. });
        let mail = NewMail {
            to: MailTarget::Id(id.clone()),
            kind,
            at: self.link().now(),
        };
        match self.link().send(mail).await? {
            MailOutcome::Delivered(_) => Ok(()),
            MailOutcome::UnknownRun => Err(unknown_run(id.as_str())),
            MailOutcome::Ended(status) => {
                let verb = if is_signal { "signaled" } else { "canceled" };
                let message = format!("run `{id}` is {status} and cannot be {verb}");
                Err(Error::new(ErrorKind::Ended, message))
            }
            MailOutcome::RollingBack => Err(rolling_back(id, is_signal)),
        }
    }
}
