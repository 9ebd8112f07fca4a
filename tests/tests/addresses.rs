//! Whatever is wrong with an address, a password in it is not let out: neither by an error, nor in a
//! log, nor as the name of a file.

use std::{
    fs, io,
    sync::{Arc, Mutex, OnceLock, PoisonError},
};

use durable::{
    Engine, Result,
    store::{PostgresStore, SqliteStore},
};
use durable_tests::TempDir;
use proptest::{collection::vec, prelude::*, sample::select};
use tokio::runtime::Runtime;

/// In each password.
const SECRET: &str = "canary";

/// All that was logged.
#[derive(Debug, Clone, Default)]
struct Log(Arc<Mutex<Vec<u8>>>);

impl io::Write for Log {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let mut log = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        log.extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Log {
    /// Everything that this program logs from now on.
    fn of_everything() -> Self {
        let log = Self::default();
        let writer = log.clone();
        tracing_subscriber::fmt()
            .with_max_level(tracing::Level::TRACE)
            .with_writer(move || writer.clone())
            .init();
        log
    }

    fn text(&self) -> String {
        let log = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        String::from_utf8_lossy(&log).into_owned()
    }
}

/// A password with special characters as they are, around what must not be shown.
fn password() -> impl Strategy<Value = String> {
    let special = "@:/?#[]&=%+ '\"\\;,.-~$12é\t".chars().collect::<Vec<_>>();
    let around = || vec(select(special.clone()), 0..4).prop_map(String::from_iter);
    (around(), around()).prop_map(|(before, after)| format!("{before}{SECRET}{after}"))
}

/// Addresses of a server that is not there, as people write and mistype them.
fn address() -> impl Strategy<Value = String> {
    let scheme = select(vec![
        "postgres",
        "postgresql",
        "Postgres",
        "postgre",
        "jdbc:postgresql",
        "mysql",
        "sqllite",
        "https",
        "",
    ]);
    let slashes = select(vec!["://", "://", "://", ":/", ":", "//", ""]);
    let tail = select(vec!["", "/db", "/db?sslmode=require", "?connect_timeout=1"]);
    let url = (scheme, slashes, password(), tail).prop_map(|(scheme, slashes, password, tail)| {
        format!("{scheme}{slashes}u:{password}@127.0.0.1:1{tail}")
    });
    let other = (
        select(vec![
            "postgres://127.0.0.1:1/db?user=u&password=!",
            "postgres://127.0.0.1:1/db?password=!&sslmode=require",
            "postgres://127.0.0.1:1/db?pasword=!",
            "postgres:///db?host=127.0.0.1&port=1&password=!",
            "host=127.0.0.1 port=1 user=u password=! dbname=db",
            "password=!",
            "password='!' host=127.0.0.1",
            "Server=127.0.0.1;Port=1;User Id=u;Password=!;",
            "postgres://u:1!@127.0.0.1:1",
            "sqlite://runs.db?key=!",
        ]),
        password(),
    );
    let other = other.prop_map(|(form, password)| form.replace('!', &password));
    let around = || select(vec!["", "", "", " ", "\"", "'", "\n", "\u{feff}", "url="]);
    (around(), prop_oneof![url, other], around())
        .prop_map(|(before, address, after)| format!("{before}{address}{after}"))
}

async fn errors(address: &str) -> Vec<String> {
    let engine = Engine::open(address).await;
    let sqlite = SqliteStore::open(address).await;
    let postgres = PostgresStore::open(address).await;
    vec![
        engine.map_or_else(|error| format!("{error} {error:?}"), |_| String::new()),
        sqlite.map_or_else(|error| format!("{error} {error:?}"), |_| String::new()),
        postgres.map_or_else(|error| format!("{error} {error:?}"), |_| String::new()),
    ]
}

#[test]
fn no_address_lets_its_password_out() -> Result<()> {
    static RUNTIME: OnceLock<Runtime> = OnceLock::new();
    let folder = TempDir::new("addresses")?;
    // Files by relative names are made here.
    std::env::set_current_dir(folder.path())?;
    let log = Log::of_everything();
    let runtime = Runtime::new()?;
    let runtime = RUNTIME.get_or_init(|| runtime);
    let config = ProptestConfig {
        // By the path of this source, which the folder hides.
        failure_persistence: None,
        ..ProptestConfig::with_cases(500)
    };
    proptest!(config, |(address in address())| {
        let errors = runtime.block_on(errors(&address));
        prop_assert!(errors.iter().all(|error| !error.contains(SECRET)), "{errors:?}");
        prop_assert!(!errors[0].is_empty(), "an engine was opened");
    });
    let log = log.text();
    assert!(!log.contains(SECRET), "{log}");
    let mut files = fs::read_dir(folder.path())?;
    assert!(files.next().is_none(), "a file was made");
    Ok(())
}
