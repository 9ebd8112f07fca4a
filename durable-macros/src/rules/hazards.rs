//! Clocks, randomness and I/O: what gives another answer on a replay than it gave in the run.

use std::ops::Range;

use proc_macro2::Ident;

use crate::{
    diagnostics::Diagnostics,
    facts::{Body, MethodUse, PathUse},
    syntax::text::text,
};

pub(super) fn check(body: &Body, diagnostics: &mut Diagnostics) {
    let mut hashed = false;
    for used in &body.paths {
        let Some(hazard) = hazard(used) else {
            continue;
        };
        // A type is named more than once where it is used once: `let map: HashMap<..> = HashMap::new()`.
        let again = matches!(hazard, Hazard::Hashed) && std::mem::replace(&mut hashed, true);
        if !again && !covers(body, used.order) {
            report(used, hazard, &body.context, diagnostics);
        }
    }
    for (method, used) in &body.methods {
        method_check(method, *used, &body.context, diagnostics);
    }
}

fn method_check(method: &Ident, used: MethodUse, context: &str, diagnostics: &mut Diagnostics) {
    let (what, why, instead) = match used {
        MethodUse::Clock => (
            "reads the clock",
            "a replay runs at another time, so it would see another duration",
            format!("`{context}.now().duration_since(earlier)?`"),
        ),
        MethodUse::File => (
            "asks the file system, outside a step",
            "what it says is not recorded, and a replay may find something else there",
            format!("do it in a step: `{context}.step(\"a_name\", |_| async {{ .. }}).await?`"),
        ),
        MethodUse::Network => (
            "asks the network, outside a step",
            "what it says is not recorded, and a replay may get another answer",
            format!("do it in a step: `{context}.step(\"a_name\", |_| async {{ .. }}).await?`"),
        ),
        MethodUse::Global => (
            "uses what all runs of this process share",
            "it is not recorded: a replay, or another process, finds another value there",
            "a local, which a replay builds up again; or use it in a step".to_owned(),
        ),
    };
    diagnostics.push(method, format_args!("`{method}` {what}"), why, instead);
}

/// Whether something that was reported stands in this range of facts.
pub(super) fn within(body: &Body, range: &Range<usize>) -> bool {
    body.paths
        .iter()
        .any(|used| range.contains(&used.order) && hazard(used).is_some())
}

/// Whether a fact is in the arguments of a call that was reported: one report is enough.
pub(super) fn covers(body: &Body, order: usize) -> bool {
    body.paths
        .iter()
        .any(|used| used.args.contains(&order) && hazard(used).is_some())
}

#[derive(Clone, Copy)]
enum Hazard {
    Clock,
    Random,
    Uuid,
    Hashed,
    Sleep,
    Combinator,
    Spawn,
    Environment,
    Process,
    Io,
}

fn report(used: &PathUse, hazard: Hazard, ctx: &str, diagnostics: &mut Diagnostics) {
    let name = text(&used.path);
    let (what, why, instead) = match hazard {
        Hazard::Clock => (
            "reads the clock",
            "a replay runs at another time, so it would take other turns than the run did",
            format!("`{ctx}.now()`, which is the same on a replay"),
        ),
        Hazard::Random => (
            "is random",
            "a replay would draw other numbers and take other turns than the run did",
            format!("`{ctx}.random()`, which gives the same on a replay, or draw it in a step"),
        ),
        Hazard::Uuid => (
            "is random",
            "a replay would make another id than the run did",
            format!("`{ctx}.uuid()`, which gives the same on a replay"),
        ),
        Hazard::Hashed => (
            "has no fixed order",
            "its order is drawn anew in each process, so a replay would go through it in another one",
            "`std::collections::BTreeMap` or `BTreeSet`".to_owned(),
        ),
        Hazard::Sleep => (
            "is a timer in memory",
            "it is not recorded: a restart would lose it, and a replay would wait again",
            match name.rsplit("::").next() {
                Some("timeout" | "timeout_at") => time_limit(ctx),
                _ => format!("`{ctx}.sleep(\"a_name\", duration).await?`"),
            },
        ),
        Hazard::Combinator => (
            "polls in an order of its own",
            "a replay could take another turn than the run did",
            "`durable::join_all`, `durable::join!` or `durable::race!`, whose branches move in the \
             recorded order"
                .to_owned(),
        ),
        Hazard::Spawn => (
            "starts something beside the workflow",
            "what runs there is not recorded, and a replay would start it again",
            format!(
                "`durable::join!` for durable operations side by side, `{ctx}.child` for a run of its \
                 own, or a step that does the work"
            ),
        ),
        Hazard::Environment => (
            "depends on the machine and the process",
            "a replay may run on another machine, and would take other turns there",
            "read it in a step, or hand it in with the input or as application state".to_owned(),
        ),
        Hazard::Process => (
            "acts on this process",
            "it is not recorded, and a replay would do it again",
            "end the run by returning an error, and start programs in a step".to_owned(),
        ),
        Hazard::Io => (
            "is I/O outside a step",
            "what it does and gives is not recorded, so a replay would do it again and could see \
             something else",
            format!("do it in a step: `{ctx}.step(\"a_name\", |_| async {{ .. }}).await?`"),
        ),
    };
    diagnostics.push(&used.path, format_args!("`{name}` {what}"), why, instead);
}

/// What to write instead of a timeout around an operation.
pub(super) fn time_limit(ctx: &str) -> String {
    format!(
        "`.timeout(duration)` on a step or a signal, as in `{ctx}.signal::<u32>(\"a_name\")\
         .timeout(duration).await?`; for anything else a `durable::race!` with \
         `{ctx}.sleep(\"a_name\", duration)`"
    )
}

/// What is wrong with a path, if anything is.
fn hazard(used: &PathUse) -> Option<Hazard> {
    let segments: Vec<&str> = used.segments.iter().map(String::as_str).collect();
    // An item of the body or of the user's crate is what its author makes of it.
    if matches!(
        segments.first(),
        Some(&("" | "crate" | "self" | "super" | "Self"))
    ) {
        return None;
    }
    type_hazard(used, &segments)
        .or_else(|| module_hazard(&segments))
        .or_else(|| short_hazard(&segments))
}

/// What is known by the name of its type, wherever that is imported from.
fn type_hazard(used: &PathUse, segments: &[&str]) -> Option<Hazard> {
    let (last, owner) = match segments {
        [.., owner, last] => (*last, *owner),
        [last] => (*last, ""),
        [] => return None,
    };
    match (owner, last) {
        ("SystemTime" | "Instant" | "Utc" | "Local" | "Timestamp" | "Zoned", "now")
        | ("OffsetDateTime", "now_utc" | "now_local")
        | ("Utc" | "Local", "today")
        | ("SystemTime" | "Instant", "elapsed") => Some(Hazard::Clock),
        ("Uuid", "new_v1" | "new_v4" | "new_v6" | "now_v1" | "now_v6" | "now_v7")
        | ("Ulid", "new" | "generate") => Some(Hazard::Uuid),
        (_, "OsRng" | "ThreadRng" | "SysRng" | "RandomState")
        | ("OsRng" | "ThreadRng" | "SysRng" | "RandomState", _)
        | (_, "thread_rng" | "from_entropy" | "from_os_rng" | "try_from_os_rng") => {
            Some(Hazard::Random)
        }
        // With a hasher of its own its order can be fixed.
        (_, "HashMap") if used.generics < 3 => Some(Hazard::Hashed),
        (_, "HashSet") if used.generics < 2 => Some(Hazard::Hashed),
        ("HashMap" | "HashSet", _) if !last.contains("hasher") => Some(Hazard::Hashed),
        ("FuturesUnordered" | "FuturesOrdered", _) => Some(Hazard::Combinator),
        ("JoinSet", "new") => Some(Hazard::Spawn),
        ("File", "open" | "create" | "create_new" | "options")
        | ("TcpStream", "connect" | "connect_timeout")
        | ("TcpListener" | "UdpSocket", "bind") => Some(Hazard::Io),
        _ => None,
    }
}

/// What is known by its full path.
fn module_hazard(segments: &[&str]) -> Option<Hazard> {
    let (krate, module) = match segments {
        [krate, module, ..] => (*krate, *module),
        _ => return None,
    };
    let item = segments.get(2).copied().unwrap_or_default();
    let is_fn = item.starts_with(char::is_lowercase);
    match (krate, module) {
        ("tokio" | "async_std" | "smol", "spawn" | "runtime") => Some(Hazard::Spawn),
        ("tokio" | "async_std", "task") if item.contains("spawn") || item.ends_with("Set") => {
            Some(Hazard::Spawn)
        }
        ("tokio", "time") if is_fn => Some(Hazard::Sleep),
        ("tokio" | "async_std", "fs" | "net" | "io") if is_fn || has_constructor(segments) => {
            Some(Hazard::Io)
        }
        ("tokio", "process" | "signal") => Some(Hazard::Process),
        ("std", "fs") => Some(Hazard::Io),
        ("std", "net") if has_constructor(segments) => Some(Hazard::Io),
        ("std", "io") if matches!(item, "stdin" | "read_to_string") => Some(Hazard::Io),
        ("std", "env") => Some(Hazard::Environment),
        ("std", "process") if item == "id" => Some(Hazard::Environment),
        ("std", "process") if item != "ExitCode" => Some(Hazard::Process),
        ("std", "thread") if item == "sleep" => Some(Hazard::Sleep),
        ("std", "thread") if matches!(item, "spawn" | "scope" | "Builder") => Some(Hazard::Spawn),
        ("std", "thread") if is_fn => Some(Hazard::Environment),
        ("rand" | "fastrand" | "getrandom", _)
            if segments.len() == 2 && module.starts_with(char::is_lowercase) =>
        {
            Some(Hazard::Random)
        }
        ("futures" | "futures_util" | "futures_lite", "future" | "stream")
            if item.starts_with("join")
                || item.starts_with("try_join")
                || item.starts_with("select")
                || item == "race" =>
        {
            Some(Hazard::Combinator)
        }
        ("reqwest", "get" | "blocking") | ("ureq", _) => Some(Hazard::Io),
        _ => None,
    }
}

/// Whether a socket or a file is made here; addresses and errors are data.
fn has_constructor(segments: &[&str]) -> bool {
    [
        "TcpStream",
        "TcpListener",
        "UdpSocket",
        "UnixStream",
        "UnixListener",
        "File",
        "OpenOptions",
    ]
    .iter()
    .any(|name| segments.contains(name))
}

/// What is known by its module, which is imported outside the fn: `use std::fs;`.
fn short_hazard(segments: &[&str]) -> Option<Hazard> {
    let [module, item] = segments else {
        return None;
    };
    match (*module, *item) {
        (
            "fs",
            "read" | "write" | "read_to_string" | "read_dir" | "create_dir" | "create_dir_all"
            | "remove_file" | "remove_dir" | "remove_dir_all" | "rename" | "copy" | "metadata"
            | "canonicalize" | "exists" | "File" | "OpenOptions",
        ) => Some(Hazard::Io),
        ("io", "stdin") => Some(Hazard::Io),
        (
            "env",
            "var" | "var_os" | "vars" | "vars_os" | "args" | "args_os" | "current_dir"
            | "current_exe" | "temp_dir" | "home_dir",
        ) => Some(Hazard::Environment),
        ("thread" | "time", "sleep") | ("time", "sleep_until" | "timeout" | "interval") => {
            Some(Hazard::Sleep)
        }
        ("thread", "spawn" | "scope") | ("task", "spawn" | "spawn_blocking" | "spawn_local") => {
            Some(Hazard::Spawn)
        }
        ("thread", "current" | "available_parallelism") => Some(Hazard::Environment),
        ("process", "exit" | "abort") => Some(Hazard::Process),
        _ => None,
    }
}
