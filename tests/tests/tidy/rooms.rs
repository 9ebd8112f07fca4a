//! Which room of the runtime imports which.

use std::collections::{BTreeMap, BTreeSet};

use durable::Result;

use super::{Source, code, sources};

/// The rooms of the runtime, the lowest first, and all that each of them imports.
const ROOMS: &[(&str, &str)] = &[
    // Data.
    ("text", ""),
    ("random", ""),
    ("id", ""),
    ("values", ""),
    ("failure", "id text values"),
    ("journal", "failure id values"),
    ("status", ""),
    ("outcome", ""),
    ("retry", "failure random"),
    ("record", "failure journal status"),
    ("limits", "journal record"),
    ("clock", "journal"),
    ("observe", "failure journal"),
    // What the compiler saw.
    ("graph", "journal"),
    // The pure core.
    (
        "replay",
        "failure graph journal limits observe outcome random record retry status",
    ),
    (
        "context",
        "failure graph journal observe outcome replay retry",
    ),
    // Graph and code.
    (
        "registry",
        "context failure graph journal outcome replay retry",
    ),
    // Effects.
    ("store", "clock failure journal observe record status text"),
    // The shell.
    ("error", "context failure journal registry store text"),
    (
        "worker",
        "clock context error failure journal limits observe registry replay status store",
    ),
    (
        "client",
        "context error failure journal limits registry replay status store worker",
    ),
    (
        "engine",
        "client clock context error failure limits observe registry store worker",
    ),
    // For tests.
    (
        "testing",
        "clock failure graph journal random registry status store",
    ),
];

impl Source {
    /// The room it is in: a folder or a file at the top of `src`.
    fn room(&self) -> &str {
        let top = self.path.split('/').next().unwrap_or_default();
        top.trim_end_matches(".rs")
    }

    fn is_unit_test(&self) -> bool {
        self.path.contains("/tests/") || self.path.ends_with("/tests.rs")
    }

    /// The first names of all paths that begin at the top of the crate.
    fn imports(&self) -> BTreeSet<String> {
        let lines: Vec<_> = self.code.iter().map(|(_, line)| line.as_str()).collect();
        let text = lines.join("\n");
        let depth = self.path.trim_end_matches("/mod.rs").split('/').count();
        let mut names = BTreeSet::new();
        for (start, above) in [("crate::", 0), ("super::", depth)] {
            for (at, _) in text.match_indices(start) {
                // `$crate::` is the crate as seen from where a macro is called.
                let is_start = |c: char| c.is_whitespace() || "({[<&!*".contains(c);
                if at == 0 || text[..at].ends_with(is_start) {
                    let rest = if above == 0 {
                        &text[at + start.len()..]
                    } else {
                        &text[at..]
                    };
                    top_names(rest, above, &mut names);
                }
            }
        }
        names
    }
}

/// The names that a path, or each path in braces, has when it has gone up so often.
fn top_names(path: &str, above: usize, names: &mut BTreeSet<String>) {
    let path = path.trim_start();
    if let Some(list) = path.strip_prefix('{') {
        return items(list).for_each(|path| top_names(path, above, names));
    }
    if let (Some(rest), Some(above)) = (path.strip_prefix("super::"), above.checked_sub(1)) {
        return top_names(rest, above, names);
    }
    let end = path.find(|c: char| !c.is_alphanumeric() && c != '_');
    let name = &path[..end.unwrap_or(path.len())];
    if above == 0 && !name.is_empty() {
        names.insert(name.to_owned());
    }
}

/// What stands between the commas of a list, up to its closing brace.
fn items(list: &str) -> impl Iterator<Item = &str> {
    let mut depth = 0;
    let end = list.find(|c: char| {
        depth += i32::from(c == '{') - i32::from(c == '}');
        depth < 0
    });
    let mut depth = 0;
    list[..end.unwrap_or(list.len())].split(move |c: char| {
        depth += i32::from(c == '{') - i32::from(c == '}');
        c == ',' && depth == 0
    })
}

#[test]
fn what_a_file_imports_is_found_in_every_form() {
    let source = |path: &str, text: &str| Source {
        path: path.to_owned(),
        code: code(text),
    };
    let imports =
        |path, text| -> Vec<String> { source(path, text).imports().into_iter().collect() };
    let listed = "use crate::{\n    a::{b, c::{d}},\n    e, f::g,\n};\nfn h() { crate::i::j() }";
    assert_eq!(imports("x/y.rs", listed), ["a", "e", "f", "i"]);
    let climbing = "use super::{super::{super::a, b}, super::super::{c::d}, e};";
    assert_eq!(imports("x/y/z.rs", climbing), ["a", "c"]);
    assert_eq!(
        imports("x/mod.rs", "use super::{a, b::super_};"),
        ["a", "b"]
    );
    assert_eq!(
        imports("x/y/z.rs", "use super::super::a; // crate::b"),
        [""; 0]
    );
    assert_eq!(
        imports("x.rs", "$crate::a!(); let crate_ = super::b;"),
        ["b"]
    );
}

#[test]
fn each_room_imports_what_the_table_says_and_nothing_above_it() -> Result<()> {
    let mut found: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    for source in sources("durable-runtime")? {
        if source.path == "lib.rs" || source.is_unit_test() {
            continue;
        }
        let room = source.room().to_owned();
        let imports = source.imports().into_iter().filter(|name| *name != room);
        found.entry(room.clone()).or_default().extend(imports);
    }
    let mut told = BTreeMap::new();
    let mut below = BTreeSet::new();
    for (room, imports) in ROOMS {
        let imports: BTreeSet<_> = imports.split_whitespace().map(str::to_owned).collect();
        for import in &imports {
            let is_below = below.contains(import);
            assert!(
                is_below,
                "`{import}` is not below `{room}`, which imports it"
            );
        }
        below.insert((*room).to_owned());
        told.insert((*room).to_owned(), imports);
    }
    for (room, imports) in &found {
        let told = told.remove(room);
        assert_eq!(
            told.as_ref(),
            Some(imports),
            "what `{room}` imports, by `ROOMS` (left) and by its sources"
        );
    }
    assert!(told.is_empty(), "there are no such rooms: {told:?}");
    Ok(())
}
