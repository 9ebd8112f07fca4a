//! The names, levels and fields that the guide promises.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::Path,
    sync::OnceLock,
};

use super::listener::Line;

/// What the guide's table says of an event: its level and its fields.
type Promise = (String, BTreeSet<String>);

fn repository() -> &'static Path {
    Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/.."))
}

/// The guide's table of events.
fn promised() -> &'static BTreeMap<String, Promise> {
    static TABLE: OnceLock<BTreeMap<String, Promise>> = OnceLock::new();
    TABLE.get_or_init(|| {
        let page = repository().join("durable/guide/observability.md");
        let page = fs::read_to_string(page).unwrap();
        let (_, events) = page.split_once("## Events").unwrap();
        let (events, _) = events.split_once("\n## ").unwrap();
        let rows = events.lines().filter(|line| line.starts_with("| `"));
        rows.map(row).collect()
    })
}

fn row(line: &str) -> (String, Promise) {
    let cells: Vec<_> = line.split('|').map(str::trim).collect();
    let fields = cells[3].split(", ").filter(|field| !field.is_empty());
    let fields = fields.map(|field| field.trim_matches('`').to_owned());
    let name = cells[1].trim_matches('`').to_owned();
    (name, (cells[2].to_owned(), fields.collect()))
}

/// What the engine says has the level and the fields that the guide promises.
pub(crate) fn check(line: &Line) {
    if line.target != "durable" {
        assert!(
            !line.target.starts_with("durable_runtime"),
            "an event of the engine with another target: {line:?}"
        );
        return;
    }
    let Some((level, fields)) = promised().get(&line.name) else {
        panic!("the guide does not list {line:?}");
    };
    let said = line.fields.keys().filter(|field| *field != "message");
    let said: BTreeSet<_> = said.cloned().collect();
    assert_eq!((&line.level, &said), (level, fields), "{line:?}");
}

#[test]
fn the_guide_lists_exactly_the_events_there_are() {
    let folder = repository().join("durable-runtime/src/observe");
    let mut names = BTreeSet::new();
    for file in fs::read_dir(folder).unwrap() {
        let text = fs::read_to_string(file.unwrap().path()).unwrap();
        let found = text.split("name: \"").skip(1);
        names.extend(found.map(|rest| rest.split('"').next().unwrap().to_owned()));
    }
    let promised: BTreeSet<_> = promised().keys().cloned().collect();
    assert_eq!(names, promised);
}
