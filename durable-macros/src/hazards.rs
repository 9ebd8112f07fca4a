//! Clocks, randomness and I/O: what gives another answer on a replay than it gave in the run. How each is
//! known, and what is said of it, stands here and nowhere else.

use syn::{Expr, ExprMethodCall, Path, Token, Type, punctuated::Punctuated};

use crate::syntax::{
    expressions::{is_method, last_name, last_names, lone_path, peel, string},
    types,
};

/// A kind of hazard.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Hazard {
    Clock,
    Elapsed,
    Random,
    Uuid,
    Hashed,
    Timer,
    TimeLimit,
    Combinator,
    Spawn,
    Environment,
    Process,
    Io,
    FileSystem,
    Network,
    Shared,
}

/// What to write instead of a timeout around an operation.
pub(crate) const TIME_LIMIT: &str = "`.timeout(duration)` on a step or a signal, as in \
    `{context}.signal::<u32>(\"a_name\").timeout(duration).await?`; for anything else a `durable::race!` with \
    `{context}.sleep(\"a_name\", duration)`";

const IN_A_STEP: &str = "do it in a step: `{context}.step(\"a_name\", |_| async { .. }).await?`";

impl Hazard {
    /// What it does, why that matters, and what to write instead, where `{context}` is the context.
    #[expect(clippy::too_many_lines, reason = "one table")]
    pub(crate) fn words(self) -> [&'static str; 3] {
        match self {
            Self::Clock => [
                "reads the clock",
                "a replay runs at another time, so it would take other turns than the run did",
                "`{context}.now()`, which is the same on a replay",
            ],
            Self::Elapsed => [
                "reads the clock",
                "a replay runs at another time, so it would see another duration",
                "`{context}.now().duration_since(earlier)?`",
            ],
            Self::Random => [
                "is random",
                "a replay would draw other numbers and take other turns than the run did",
                "`{context}.random()`, which gives the same on a replay, or draw it in a step",
            ],
            Self::Uuid => [
                "is random",
                "a replay would make another id than the run did",
                "`{context}.uuid()`, which gives the same on a replay",
            ],
            Self::Hashed => [
                "has no fixed order",
                "its order is drawn anew in each process, so a replay would go through it in another one",
                "`std::collections::BTreeMap` or `BTreeSet`",
            ],
            Self::Timer => [
                TIMER,
                NOT_RECORDED,
                "`{context}.sleep(\"a_name\", duration).await?`",
            ],
            Self::TimeLimit => [TIMER, NOT_RECORDED, TIME_LIMIT],
            Self::Combinator => [
                "polls in an order of its own",
                "a replay could take another turn than the run did",
                "`durable::join_all`, `durable::join!` or `durable::race!`, whose branches move in the \
                 recorded order",
            ],
            Self::Spawn => [
                "starts something beside the workflow",
                "what runs there is not recorded, and a replay would start it again",
                "`durable::join!` for durable operations side by side, `{context}.child` for a run of its \
                 own, or a step that does the work",
            ],
            Self::Environment => [
                "depends on the machine and the process",
                "a replay may run on another machine, and would take other turns there",
                "read it in a step, or hand it in with the input or as application state",
            ],
            Self::Process => [
                "acts on this process",
                "it is not recorded, and a replay would do it again",
                "end the run by returning an error, and start programs in a step",
            ],
            Self::Io => [
                "is I/O outside a step",
                "what it does and gives is not recorded, so a replay would do it again and could see \
                 something else",
                IN_A_STEP,
            ],
            Self::FileSystem => [
                "asks the file system, outside a step",
                "what it says is not recorded, and a replay may find something else there",
                IN_A_STEP,
            ],
            Self::Network => [
                "asks the network, outside a step",
                "what it says is not recorded, and a replay may get another answer",
                IN_A_STEP,
            ],
            Self::Shared => [
                "uses what all runs of this process share",
                "it is not recorded: a replay, or another process, finds another value there",
                "a local, which a replay builds up again; or use it in a step",
            ],
        }
    }
}

const TIMER: &str = "is a timer in memory";
const NOT_RECORDED: &str =
    "it is not recorded: a restart would lose it, and a replay would wait again";

/// The hazard that a path is, given by its names, with so many generic arguments.
pub(crate) fn of_path(names: &[String], generics: usize) -> Option<Hazard> {
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    // An item of the body or of the user's crate is what its author makes of it.
    if let Some(&("" | "crate" | "self" | "super" | "Self")) = names.first() {
        return None;
    }
    let hazard = of_type(&names, generics)
        .or_else(|| of_module(&names))
        .or_else(|| of_short_path(&names));
    match (hazard, names.last()) {
        (Some(Hazard::Timer), Some(&("timeout" | "timeout_at"))) => Some(Hazard::TimeLimit),
        _ => hazard,
    }
}

/// What is known by the name of its type, wherever that is imported from.
fn of_type(names: &[&str], generics: usize) -> Option<Hazard> {
    let (owner, last) = match names {
        [.., owner, last] => (*owner, *last),
        [last] => ("", *last),
        [] => return None,
    };
    Some(match (owner, last) {
        ("SystemTime" | "Instant" | "Utc" | "Local" | "Timestamp" | "Zoned", "now")
        | ("OffsetDateTime", "now_utc" | "now_local")
        | ("Utc" | "Local", "today")
        | ("SystemTime" | "Instant", "elapsed") => Hazard::Clock,
        ("Uuid", "new_v1" | "new_v4" | "new_v6" | "now_v1" | "now_v6" | "now_v7")
        | ("Ulid", "new" | "generate") => Hazard::Uuid,
        (_, "OsRng" | "ThreadRng" | "SysRng" | "RandomState")
        | ("OsRng" | "ThreadRng" | "SysRng" | "RandomState", _)
        | (_, "thread_rng" | "from_entropy" | "from_os_rng" | "try_from_os_rng") => Hazard::Random,
        // With a hasher of its own its order can be fixed.
        (_, "HashMap") if generics < 3 => Hazard::Hashed,
        (_, "HashSet") if generics < 2 => Hazard::Hashed,
        ("HashMap" | "HashSet", _) if !last.contains("hasher") => Hazard::Hashed,
        ("FuturesUnordered" | "FuturesOrdered", _) => Hazard::Combinator,
        ("JoinSet", "new") => Hazard::Spawn,
        ("File", "open" | "create" | "create_new" | "options")
        | ("TcpStream", "connect" | "connect_timeout")
        | ("TcpListener" | "UdpSocket", "bind") => Hazard::Io,
        _ => return None,
    })
}

/// What is known by its full path.
fn of_module(names: &[&str]) -> Option<Hazard> {
    let [krate, module, rest @ ..] = names else {
        return None;
    };
    let item = rest.first().copied().unwrap_or_default();
    let is_fn = item.starts_with(char::is_lowercase);
    Some(match (*krate, *module) {
        ("tokio" | "async_std" | "smol", "spawn" | "runtime") => Hazard::Spawn,
        ("tokio" | "async_std", "task") if item.contains("spawn") || item.ends_with("Set") => {
            Hazard::Spawn
        }
        ("tokio", "time") if is_fn => Hazard::Timer,
        ("tokio" | "async_std", "fs" | "net" | "io") if is_fn || makes_io(names) => Hazard::Io,
        ("tokio", "process" | "signal") => Hazard::Process,
        ("std", "fs") => Hazard::Io,
        ("std", "net") if makes_io(names) => Hazard::Io,
        ("std", "io") if matches!(item, "stdin" | "read_to_string") => Hazard::Io,
        ("std", "env") => Hazard::Environment,
        ("std", "process") if item == "id" => Hazard::Environment,
        ("std", "process") if item != "ExitCode" => Hazard::Process,
        ("std", "thread") if item == "sleep" => Hazard::Timer,
        ("std", "thread") if matches!(item, "spawn" | "scope" | "Builder") => Hazard::Spawn,
        ("std", "thread") if is_fn => Hazard::Environment,
        ("rand" | "fastrand" | "getrandom", _)
            if rest.is_empty() && module.starts_with(char::is_lowercase) =>
        {
            Hazard::Random
        }
        ("futures" | "futures_util" | "futures_lite", "future" | "stream")
            if ["join", "try_join", "select"]
                .iter()
                .any(|word| item.starts_with(word))
                || item == "race" =>
        {
            Hazard::Combinator
        }
        ("reqwest", "get" | "blocking") | ("ureq", _) => Hazard::Io,
        _ => return None,
    })
}

/// Whether a socket or a file is made here; addresses and errors are data.
fn makes_io(names: &[&str]) -> bool {
    const TYPES: [&str; 7] = [
        "TcpStream",
        "TcpListener",
        "UdpSocket",
        "UnixStream",
        "UnixListener",
        "File",
        "OpenOptions",
    ];
    TYPES.iter().any(|name| names.contains(name))
}

/// What is known by its module, which is imported outside the fn: `use std::fs;`.
fn of_short_path(names: &[&str]) -> Option<Hazard> {
    let [module, item] = names else {
        return None;
    };
    Some(match (*module, *item) {
        (
            "fs",
            "read" | "write" | "read_to_string" | "read_dir" | "create_dir" | "create_dir_all"
            | "remove_file" | "remove_dir" | "remove_dir_all" | "rename" | "copy" | "metadata"
            | "canonicalize" | "exists" | "File" | "OpenOptions",
        )
        | ("io", "stdin") => Hazard::Io,
        (
            "env",
            "var" | "var_os" | "vars" | "vars_os" | "args" | "args_os" | "current_dir"
            | "current_exe" | "temp_dir" | "home_dir",
        )
        | ("thread", "current" | "available_parallelism") => Hazard::Environment,
        ("thread" | "time", "sleep") | ("time", "sleep_until" | "timeout" | "interval") => {
            Hazard::Timer
        }
        ("thread", "spawn" | "scope") | ("task", "spawn" | "spawn_blocking" | "spawn_local") => {
            Hazard::Spawn
        }
        ("process", "exit" | "abort") => Hazard::Process,
        _ => return None,
    })
}

/// What is known by its bare name, since `use tokio::spawn;` stands outside the fn, where nobody sees it from
/// here. What it is called with tells it from others.
pub(crate) fn of_bare_call(name: &str, args: &Punctuated<Expr, Token![,]>) -> Option<Hazard> {
    let first = args.first().map(peel);
    let runs = matches!(first, Some(Expr::Async(_) | Expr::Closure(_)));
    match name {
        "spawn" | "spawn_blocking" if runs => Some(Hazard::Spawn),
        "sleep" if args.len() == 1 => Some(Hazard::Timer),
        "var" if first.and_then(string).is_some() => Some(Hazard::Environment),
        "read_to_string" if args.len() == 1 => Some(Hazard::Io),
        "random" if args.is_empty() => Some(Hazard::Random),
        _ => None,
    }
}

/// What a method does, whose receiver is a time or a path of the file system, as far as that is known.
pub(crate) fn of_method(call: &ExprMethodCall, is_time: bool, is_path: bool) -> Option<Hazard> {
    if is_elapsed(call) && (is_time || is_epoch(&call.receiver)) {
        Some(Hazard::Elapsed)
    } else if is_path && PathMethod::of(call) == PathMethod::Query {
        Some(Hazard::FileSystem)
    } else if call.args.is_empty() && call.method == "to_socket_addrs" {
        Some(Hazard::Network)
    } else if shared(&call.receiver).is_some() && uses_shared(call) {
        Some(Hazard::Shared)
    } else {
        None
    }
}

/// `placed_at.elapsed()`: of a system time, if it gives a `Result`.
pub(crate) fn is_elapsed(call: &ExprMethodCall) -> bool {
    call.args.is_empty() && call.method == "elapsed"
}

fn is_epoch(expression: &Expr) -> bool {
    last_name(expression).is_some_and(|name| name == "UNIX_EPOCH")
}

/// What a method of a path of the file system is about.
#[derive(PartialEq, Eq)]
enum PathMethod {
    /// It asks the file system.
    Query,
    /// It gives a path.
    Path,
    Other,
}

impl PathMethod {
    fn of(call: &ExprMethodCall) -> Self {
        match &*call.method.to_string() {
            "canonicalize" | "exists" | "is_dir" | "is_file" | "is_symlink" | "metadata"
            | "read_dir" | "read_link" | "symlink_metadata" | "try_exists" => Self::Query,
            "as_path"
            | "clone"
            | "join"
            | "to_owned"
            | "to_path_buf"
            | "with_added_extension"
            | "with_extension"
            | "with_file_name" => Self::Path,
            _ => Self::Other,
        }
    }
}

/// Whether a method of a path of the file system gives one.
pub(crate) fn keeps_path(call: &ExprMethodCall) -> bool {
    PathMethod::of(call) == PathMethod::Path
}

/// Whether a fn makes a path of the file system: `Path::new`, `PathBuf::from`.
pub(crate) fn makes_path(function: &Expr) -> bool {
    lone_path(function).is_some_and(|path| {
        let (owner, name) = last_names(path);
        matches!(
            (&*owner, &*name),
            ("Path" | "PathBuf", "new") | ("PathBuf", "from")
        )
    })
}

/// Whether a local of this type holds a path of the file system.
pub(crate) fn is_path_type(ty: &Type) -> bool {
    match ty {
        Type::Reference(reference) => is_path_type(&reference.elem),
        Type::Path(path) => matches!(&*last_names(&path.path).1, "Path" | "PathBuf"),
        _ => false,
    }
}

/// The `static` that this is, by its case.
pub(crate) fn shared(place: &Expr) -> Option<&Path> {
    let path = lone_path(place)?;
    let (_, name) = last_names(path);
    let is_upper = |c: char| c.is_ascii_uppercase() || c.is_ascii_digit() || c == '_';
    (name.starts_with(|c: char| c.is_ascii_uppercase()) && name.chars().all(is_upper))
        .then_some(path)
}

/// Whether a method uses what a `static` holds: a lock, an atomic, or what is local to a thread.
fn uses_shared(call: &ExprMethodCall) -> bool {
    const ORDERINGS: [&str; 5] = ["AcqRel", "Acquire", "Relaxed", "Release", "SeqCst"];
    let is_ordering =
        |arg: &Expr| last_name(arg).is_some_and(|name| ORDERINGS.contains(&&*name.to_string()));
    match call.args.first() {
        None => is_method(call, &["lock", "try_lock", "read", "write", "take"]),
        Some(_) if is_method(call, &["get_or_init", "get_or_try_init"]) => true,
        Some(Expr::Closure(_)) => is_method(call, &["with", "with_borrow", "with_borrow_mut"]),
        Some(_) if is_method(call, &["set", "replace"]) => call.args.len() == 1,
        Some(_) => call.args.iter().any(is_ordering),
    }
}

/// The collections in a type whose order changes.
pub(crate) fn hashed(ty: &Type) -> Vec<&Path> {
    let mut hashed = Vec::new();
    types::walk(ty, |ty| {
        let Type::Path(ty) = ty else {
            return true;
        };
        let (_, name) = last_names(&ty.path);
        if matches!(&*name, "HashMap" | "HashSet") {
            hashed.push(&ty.path);
        }
        // The author of an `Unordered` answers for it.
        name != "Unordered"
    });
    hashed
}
