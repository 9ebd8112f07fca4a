//! Encrypted connections, to a server whose certificate an authority of the tests' own has signed.
//!
//! The server is reached as `0.0.0.0`: this machine, by an address that is not taken for a local one.

use std::path::Path;

use durable::{
    Result,
    store::{PostgresOptions, PostgresStore, Store, StoreErrorKind},
};
use durable_tests::{
    TempDir, needs,
    server::{Authority, Server},
};

use crate::support::{count, refusal};

/// An encrypted server, and the authority that vouches for it under a name.
struct Encrypted {
    server: Server,
    authority: Authority,
    directory: TempDir,
}

impl Encrypted {
    fn start(name: &str) -> Result<Self> {
        let directory = TempDir::new("tls")?;
        let authority = Authority::new(directory.path(), "authority")?;
        let server = Server::start()?;
        server.encrypt(&authority, name)?;
        Ok(Self {
            server,
            authority,
            directory,
        })
    }

    fn url(&self, options: &str) -> String {
        let port = self.server.port();
        format!("postgres://durable@0.0.0.0:{port}/postgres?{options}")
    }

    fn verifying(&self, authority: &Path) -> String {
        self.url(&format!(
            "sslmode=verify-full&sslrootcert={}",
            authority.display()
        ))
    }
}

#[tokio::test]
async fn a_server_that_is_verified_is_taken_without_a_word() -> Result<()> {
    needs!(Server, Certificates);
    let encrypted = Encrypted::start("IP:0.0.0.0")?;
    let url = encrypted.verifying(encrypted.authority.certificate());
    let store = PostgresStore::open(&url).await?;
    assert_eq!(store.warnings(), [] as [String; 0]);
    let plain = "SELECT count(*) FROM pg_stat_ssl JOIN pg_stat_activity USING (pid) \
                 WHERE application_name = 'durable' AND NOT ssl";
    assert_eq!(count(&encrypted.server.url(), plain).await?, 0);
    let encrypted_ones = "SELECT count(*) FROM pg_stat_ssl JOIN pg_stat_activity USING (pid) \
                          WHERE application_name = 'durable' AND ssl";
    assert!(count(&encrypted.server.url(), encrypted_ones).await? >= 2);
    Ok(store.close().await?)
}

#[tokio::test]
async fn a_server_that_is_not_verified_is_warned_about() -> Result<()> {
    needs!(Server, Certificates);
    let encrypted = Encrypted::start("IP:0.0.0.0")?;
    let store = PostgresStore::open(&encrypted.url("sslmode=require")).await?;
    let [warning] = store.warnings() else {
        return Err(format!("{:?}", store.warnings()).into());
    };
    assert!(warning.contains("sslmode=verify-full"), "{warning}");
    Ok(store.close().await?)
}

#[tokio::test]
async fn a_server_that_cannot_be_verified_is_refused() -> Result<()> {
    needs!(Server, Certificates);
    let encrypted = Encrypted::start("IP:0.0.0.0")?;
    let stranger = Authority::new(encrypted.directory.path(), "stranger")?;
    let elsewhere = Encrypted::start("DNS:elsewhere.example")?;
    let plain = Server::start()?;
    let missing = encrypted.directory.path().join("missing.crt");
    let known = encrypted.authority.certificate();
    let cases = [
        ("a stranger's", encrypted.verifying(stranger.certificate())),
        // What asks for more than encryption is never given less.
        (
            "bound channels",
            encrypted.url("sslmode=require&channel_binding=require"),
        ),
        (
            "a root for encryption alone",
            encrypted.url(&format!(
                "sslmode=require&sslrootcert={}",
                stranger.certificate().display()
            )),
        ),
        (
            "another name",
            elsewhere.verifying(elsewhere.authority.certificate()),
        ),
        (
            "no encryption",
            encrypted.verifying(known).replace(
                &encrypted.server.port().to_string(),
                &plain.port().to_string(),
            ),
        ),
    ];
    for (case, url) in cases {
        let error = refusal(&url, PostgresOptions::default()).await?;
        assert_eq!(error.kind(), StoreErrorKind::Open, "{case}: {error}");
        assert!(
            error.to_string().contains("`sslrootcert`"),
            "{case}: {error}"
        );
    }
    let error = refusal(&encrypted.verifying(&missing), PostgresOptions::default()).await?;
    assert!(error.to_string().contains("`sslrootcert`"), "{error}");
    for server in [&encrypted.server, &elsewhere.server, &plain] {
        let schemas = "SELECT count(*) FROM pg_namespace WHERE nspname = 'durable'";
        assert_eq!(count(&server.url(), schemas).await?, 0);
    }
    Ok(())
}
