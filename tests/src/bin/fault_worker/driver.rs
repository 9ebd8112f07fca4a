//! Starts the assigned runs, signals them, waits for them, and writes down each acknowledgement.

use std::{sync::Arc, time::Duration};

use durable::{Client, Engine, Error, ErrorKind, Run};
use durable_tests::{
    history::{Ack, Folder, Part},
    workload::{Assignment, Kind, Orders},
};

use crate::workflows::{family, hold, march, order, poison};

/// What one process drives. What an earlier life was told is not asked for again.
pub struct Driver {
    client: Client,
    folder: Folder,
    name: String,
    life: String,
    told: Vec<Ack>,
}

impl Driver {
    /// Drives each run in a task of its own.
    pub fn start(engine: &Engine, orders: &Orders) -> durable::Result<()> {
        let folder = Folder::new(&orders.folder);
        let driver = Arc::new(Self {
            client: engine.client(),
            told: folder.acks_of(&orders.driver)?,
            folder,
            name: orders.driver.clone(),
            life: orders.life.clone(),
        });
        for assignment in orders.runs.clone() {
            let driver = Arc::clone(&driver);
            tokio::spawn(async move {
                // The file of acknowledgements shows what is missing.
                match driver.drive(&assignment).await {
                    Err(error) if is_shut_down(&*error) => {}
                    Err(error) => tracing::error!(id = assignment.id, %error, "cannot be driven"),
                    Ok(()) => {}
                }
            });
        }
        Ok(())
    }

    async fn drive(&self, assignment: &Assignment) -> durable::Result<()> {
        let id = assignment.id.as_str();
        let run = retried(|| self.begin(assignment)).await?;
        self.note(Ack::Started { run: id.to_owned() })?;
        if let Kind::Order { parts, pause, .. } = assignment.kind {
            for number in 0..parts {
                tokio::time::sleep(Duration::from_millis(4 * pause)).await;
                self.signal(id, number).await?;
            }
        }
        let output = match retried(|| run.result_json()).await {
            Ok(output) => Some(output),
            Err(error) if error.kind() == ErrorKind::Failed => None,
            Err(error) => return Err(error.into()),
        };
        let run = id.to_owned();
        self.note(Ack::Ended { run, output })
    }

    async fn begin(&self, assignment: &Assignment) -> Result<Run<()>, Error> {
        let id = assignment.id.as_str();
        let input = assignment.kind.clone();
        let client = &self.client;
        match assignment.kind {
            Kind::Order { .. } => client.start::<order>(id, input).await.map(drop)?,
            Kind::March { .. } => client.start::<march>(id, input).await.map(drop)?,
            Kind::Family { .. } => client.start::<family>(id, input).await.map(drop)?,
            Kind::Hold => client.start::<hold>(id, ()).await.map(drop)?,
            Kind::Poison => client.start::<poison>(id, ()).await.map(drop)?,
        }
        client.attach_by_id(id).await
    }

    async fn signal(&self, id: &str, number: u32) -> durable::Result<()> {
        let is_told = self.told.iter().any(
            |ack| matches!(ack, Ack::Signaled { run, part } if run == id && part.number == number),
        );
        if is_told {
            return Ok(());
        }
        let token = self.life.clone();
        let part = Part { number, token };
        let payload = serde_json::to_string(&part)?;
        // An error of the store came before the signal was handed over: it may be sent again.
        let send = || self.client.signal_by_name(id, "part", &payload);
        match retried(send).await {
            Ok(()) => self.note(Ack::Signaled {
                run: id.to_owned(),
                part,
            }),
            Err(error) if error.kind() == ErrorKind::Ended => Ok(()),
            Err(error) => Err(error.into()),
        }
    }

    fn note(&self, ack: Ack) -> durable::Result<()> {
        if !self.told.contains(&ack) {
            self.folder.acknowledge(&self.name, &ack)?;
        }
        Ok(())
    }
}

/// Asks again while the store cannot be read, or the run is parked and waits for a worker to try it.
async fn retried<T, F>(call: impl Fn() -> F) -> Result<T, Error>
where
    F: Future<Output = Result<T, Error>>,
{
    loop {
        match call().await {
            Err(error) if matches!(error.kind(), ErrorKind::Store | ErrorKind::Parked) => {
                tracing::warn!(%error, "asking again");
                tokio::time::sleep(Duration::from_millis(50)).await;
            }
            result => return result,
        }
    }
}

fn is_shut_down(error: &(dyn std::error::Error + 'static)) -> bool {
    error
        .downcast_ref::<Error>()
        .is_some_and(|error| error.kind() == ErrorKind::ShutDown)
}
