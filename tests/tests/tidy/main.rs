//! The invariants of ARCHITECTURE.md that can be read off the sources.

mod rooms;

use std::{fs, path::Path};

use durable::Result;

/// A source file of the runtime: where it is below `src`, and its lines of code without comments.
struct Source {
    path: String,
    code: Vec<(usize, String)>,
}

impl Source {
    fn is_below(&self, places: &[&str]) -> bool {
        places.iter().any(|place| self.path.starts_with(place))
    }

    /// Where a word stands, for messages.
    fn places(&self, word: &str) -> Vec<String> {
        let lines = self.code.iter();
        let hits = lines.filter(|(_, line)| has_word(line, word));
        hits.map(|(number, line)| format!("{}:{number}: {}", self.path, line.trim()))
            .collect()
    }
}

/// Whether a path or a name stands in a line, not merely as a part of a longer name.
fn has_word(line: &str, word: &str) -> bool {
    let is_part = |c: char| c.is_alphanumeric() || c == '_';
    line.match_indices(word).any(|(at, _)| {
        !line[..at].ends_with(is_part) && !line[at + word.len()..].starts_with(is_part)
    })
}

/// The sources of a crate, without its unit tests.
fn sources(krate: &str) -> Result<Vec<Source>> {
    sources_below(&format!("{krate}/src"))
}

fn sources_below(folder: &str) -> Result<Vec<Source>> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("..")
        .join(folder);
    let mut folders = vec![root.clone()];
    let mut sources = Vec::new();
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(&folder)? {
            let path = entry?.path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|extension| extension == "rs") {
                let below = path.strip_prefix(&root)?;
                sources.push(Source {
                    path: below.to_string_lossy().replace('\\', "/"),
                    code: code(&fs::read_to_string(&path)?),
                });
            }
        }
    }
    assert!(!sources.is_empty(), "{folder} has no sources");
    sources.sort_by(|one, other| one.path.cmp(&other.path));
    Ok(sources)
}

fn code(text: &str) -> Vec<(usize, String)> {
    let tests = text.find("\n#[cfg(test)]\nmod tests {");
    let text = &text[..tests.unwrap_or(text.len())];
    (1..)
        .zip(text.lines())
        .map(|(number, line)| (number, line.split("//").next().unwrap_or_default()))
        .filter(|(_, line)| !line.trim().is_empty())
        .map(|(number, line)| (number, line.to_owned()))
        .collect()
}

/// No file but those in these places may hold one of the words.
fn only(places: &[&str], words: &[&str]) -> Result<()> {
    let hits = hits(places, words, false)?;
    assert!(hits.is_empty(), "only for {places:?}:\n{}", hits.join("\n"));
    Ok(())
}

/// No file in these places may hold one of the words.
fn never(places: &[&str], words: &[&str]) -> Result<()> {
    let hits = hits(places, words, true)?;
    assert!(hits.is_empty(), "not in {places:?}:\n{}", hits.join("\n"));
    Ok(())
}

/// Where the words stand, inside these places of the runtime or outside of them.
fn hits(places: &[&str], words: &[&str], inside: bool) -> Result<Vec<String>> {
    let sources = sources("durable-runtime")?;
    for place in places {
        let known = sources.iter().any(|source| source.is_below(&[place]));
        assert!(known, "there is no `{place}`");
    }
    let looked_at = sources
        .iter()
        .filter(|source| source.is_below(places) == inside);
    let hits = looked_at.flat_map(|source| words.iter().flat_map(|word| source.places(word)));
    Ok(hits.collect())
}

#[test]
fn the_core_is_synchronous_and_knows_no_clock_or_chance() -> Result<()> {
    never(
        &[
            "replay/",
            "context/",
            "graph/",
            "journal/",
            "retry.rs",
            "random.rs",
        ],
        &[
            "tokio",
            "sqlx",
            "SystemTime::now",
            "Instant",
            "rand",
            "thread",
        ],
    )?;
    // Their order is another one in each process.
    never(
        &["replay/", "context/", "journal/", "retry.rs"],
        &["HashMap", "HashSet"],
    )
}

#[test]
fn only_the_stores_name_the_driver() -> Result<()> {
    only(&["store/sqlite/", "store/postgres/"], &["sqlx"])
}

/// A code that stands in a text as a number is forgotten when the rule changes.
#[test]
fn texts_of_sql_have_codes_by_their_names() -> Result<()> {
    let compared = (0..10).flat_map(|code| {
        ["status =", "status <>", "m.kind =", "deaths >=", "deaths <"]
            .map(|what| format!("{what} {code}"))
    });
    let listed = ["status IN (0", "NOT IN (4", "kind IN (1"].map(str::to_owned);
    let words: Vec<_> = compared.chain(listed).collect();
    let words: Vec<_> = words.iter().map(String::as_str).collect();
    never(&["store/"], &words)
}

#[test]
fn only_the_shell_selects() -> Result<()> {
    only(&["worker/", "client/"], &["select!"])
}

#[test]
fn only_one_module_names_what_is_logged() -> Result<()> {
    only(&["observe/"], &["tracing"])
}

#[test]
fn only_the_registry_iterates_what_is_linked() -> Result<()> {
    only(&["registry/definition.rs"], &["inventory::iter"])
}

#[test]
fn only_the_clock_tells_the_time() -> Result<()> {
    only(&["clock"], &["SystemTime::now"])?;
    // How long a call of a store has taken.
    only(&["clock", "store/sqlite/", "store/postgres/"], &["Instant"])
}

#[test]
fn the_facade_has_no_logic() -> Result<()> {
    for source in sources("durable")? {
        assert_eq!(source.places("fn"), Vec::<String>::new());
    }
    Ok(())
}

/// What is behind `needs!`: who calls one of these, by itself or by a fn of its file, needs what not
/// every machine has.
const NEEDY: [&str; 8] = [
    "Server::start",
    "Database::shared",
    "Database::beside",
    "Pooler::start",
    "Authority::new",
    "SmallDisk::mount",
    "Disk::Slow",
    "CARGO_BIN_EXE_postgres_server",
];

/// The fns and `impl`s at the left margin: the names, whether it is a test, and the lines of each.
fn fns(source: &Source) -> Vec<(String, bool, Vec<&str>)> {
    let mut fns: Vec<(String, bool, Vec<&str>)> = Vec::new();
    let mut is_test = false;
    for (_, line) in &source.code {
        is_test |= line.contains("test]") || line.contains("test(");
        let margin = if line.starts_with(' ') { "" } else { line };
        let name = match margin.strip_prefix("impl") {
            Some(rest) => rest.trim_end_matches(" {").split(' ').next_back(),
            None => margin.split("fn ").nth(1),
        };
        if let Some(name) = name.and_then(|rest| rest.split(['(', '<']).next()) {
            fns.push((name.to_owned(), is_test, Vec::new()));
            is_test = false;
        } else if let Some((_, _, lines)) = fns.last_mut() {
            lines.push(line);
        }
    }
    fns
}

#[test]
fn a_test_says_what_it_needs_that_not_every_machine_has() -> Result<()> {
    for source in sources_below("tests/tests")? {
        if source.path.starts_with("tidy/") {
            continue;
        }
        let fns = fns(&source);
        let mut needy: Vec<String> = NEEDY.map(str::to_owned).to_vec();
        let calls = |lines: &[&str], needy: &[String]| {
            let mut words = needy.iter();
            words.any(|word| lines.iter().any(|line| has_word(line, word)))
        };
        // As many times as there are fns, so that every chain of calls is followed to its end.
        for _ in &fns {
            for (name, is_test, lines) in &fns {
                if !is_test && !needy.contains(name) && calls(lines, &needy) {
                    needy.push(name.clone());
                }
            }
        }
        for (name, is_test, lines) in &fns {
            let says = lines.first().is_some_and(|line| line.contains("needs!("));
            assert!(
                !is_test || says || !calls(lines, &needy),
                "{}: `{name}` must begin with `needs!(..)`",
                source.path
            );
        }
    }
    Ok(())
}

#[test]
fn programs_that_may_be_missing_are_run_by_the_harness_alone() -> Result<()> {
    for source in sources_below("tests/tests")? {
        for place in source.places("Command::new") {
            let program = place.split("Command::new(\"").nth(1);
            let program = program.and_then(|rest| rest.split('"').next());
            // Every Unix has these.
            assert!(
                matches!(program, None | Some("sh" | "/bin/sh" | "dd")),
                "{place}"
            );
        }
    }
    Ok(())
}

/// Which Rust a manifest asks for, as numbers that compare.
fn rust_version(package: &serde_json::Value) -> Option<Vec<u32>> {
    let version = package.get("rust_version")?.as_str()?;
    let mut parts: Vec<u32> = version
        .split('.')
        .map_while(|part| part.parse().ok())
        .collect();
    parts.resize(3, 0);
    Some(parts)
}

#[test]
fn no_dependency_asks_for_a_newer_rust_than_users_are_told() -> Result<()> {
    let cargo = || std::process::Command::new(env!("CARGO"));
    let version = String::from_utf8(cargo().arg("-vV").output()?.stdout)?;
    let host = version.lines().find_map(|line| line.strip_prefix("host: "));
    // What is built here has been downloaded.
    let metadata = cargo()
        .args(["metadata", "--format-version=1", "--offline", "--locked"])
        .args(["--filter-platform", host.ok_or("cargo names no host")?])
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .output()?;
    assert!(metadata.status.success(), "{metadata:?}");
    let metadata: serde_json::Value = serde_json::from_slice(&metadata.stdout)?;
    let packages = metadata["packages"].as_array().ok_or("no packages")?;
    let ours = packages.iter().find(|package| package["name"] == "durable");
    let ours = ours.and_then(rust_version).ok_or("no rust-version")?;
    let newer: Vec<_> = packages
        .iter()
        .filter(|package| rust_version(package).is_some_and(|theirs| theirs > ours))
        .map(|package| package["name"].to_string())
        .collect();
    assert!(
        newer.is_empty(),
        "newer than `rust-version`, {ours:?}: {newer:?}"
    );
    Ok(())
}
