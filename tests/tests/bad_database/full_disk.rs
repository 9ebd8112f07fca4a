//! A SQLite file on a disk that is full for a while.

use std::fs;

use durable::{
    Result,
    journal::{Payload, RunId, Timestamp},
    store::{Batch, NewRun, SqliteStore, StartOutcome, Store, StoreError, StoreErrorKind},
};
use durable_tests::{disk::SmallDisk, needs};

/// Starts a run with an input of 20 KB.
async fn start(store: &SqliteStore, id: &str) -> Result<StartOutcome, StoreError> {
    let run = NewRun {
        id: RunId::from_recorded(id),
        workflow: "flow".to_owned(),
        input: Payload::from_bytes(vec![b'1'; 20_000]),
        seed: 7,
        at: Timestamp::from_micros(1_700_000_000_000_000),
        parent: None,
        owner: None,
    };
    let batch = Batch {
        starts: vec![run],
        ..Batch::default()
    };
    Ok(store.commit(&batch).await?.starts.remove(0))
}

async fn is_there(store: &SqliteStore, id: &str) -> Result<bool> {
    Ok(store.find(&RunId::from_recorded(id)).await?.is_some())
}

#[tokio::test]
async fn what_was_acknowledged_survives_a_full_disk() -> Result<()> {
    needs!(SmallDisk);
    let disk = SmallDisk::mount()?;
    let ballast = disk.file("ballast");
    // To fold its log back into the file, SQLite needs as much room as the log takes.
    fs::write(&ballast, vec![0; 5 << 20])?;
    let address = disk.file("runs.db").to_string_lossy().into_owned();
    let store = SqliteStore::open(&address).await?;
    let mut acknowledged = Vec::new();
    let error = loop {
        let id = format!("run-{}", acknowledged.len());
        match start(&store, &id).await {
            Ok(_) => acknowledged.push(id),
            Err(error) => break error,
        }
    };
    assert_eq!(error.kind(), StoreErrorKind::Unavailable, "{error}");
    assert!(
        error.to_string().contains("the disk is full; make room"),
        "{error}"
    );
    assert!(acknowledged.len() > 20, "{} runs", acknowledged.len());
    // It stays so, and nothing of it is there.
    assert!(start(&store, "refused").await.is_err());
    assert!(!is_there(&store, "refused").await?);
    for id in &acknowledged {
        assert!(is_there(&store, id).await?, "{id} is lost");
    }
    fs::remove_file(&ballast)?;
    start(&store, "refused").await?;
    acknowledged.push("refused".to_owned());
    store.close().await?;
    let store = SqliteStore::open(&address).await?;
    for id in &acknowledged {
        assert!(is_there(&store, id).await?, "{id} is lost");
    }
    let next = format!("run-{}", acknowledged.len() - 1);
    assert!(
        !is_there(&store, &next).await?,
        "a start that failed is there"
    );
    Ok(store.close().await?)
}
