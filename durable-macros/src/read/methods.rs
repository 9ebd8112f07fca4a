//! Method calls that a rule is about, wherever the method comes from.

use syn::{Expr, ExprClosure, ExprMethodCall, Path, Type};

use crate::{
    facts::MethodUse,
    read::{bindings::root_local, body::Reader},
    resolve::scopes::Holds,
    syntax::operation_call::{is_of_result, is_option, peel},
};

/// What asks the file system, as a method of a path.
const FILE_QUERIES: [&str; 10] = [
    "canonicalize",
    "exists",
    "is_dir",
    "is_file",
    "is_symlink",
    "metadata",
    "read_dir",
    "read_link",
    "symlink_metadata",
    "try_exists",
];

/// Methods of a path that give a path.
const PATH_TO_PATH: [&str; 8] = [
    "as_path",
    "clone",
    "join",
    "to_owned",
    "to_path_buf",
    "with_added_extension",
    "with_extension",
    "with_file_name",
];

const ORDERINGS: [&str; 5] = ["AcqRel", "Acquire", "Relaxed", "Release", "SeqCst"];

impl Reader {
    /// Notes what a method call does that is judged.
    pub(super) fn note_method(&mut self, call: &ExprMethodCall) {
        if is_option(&call.method) && self.yields_operations(&call.receiver) {
            self.body.late_options.push(call.method.clone());
        }
        if self.place.is_unjudged() {
            return;
        }
        let used = if self.reads_clock(call) {
            Some(MethodUse::Clock)
        } else if is_named(call, &FILE_QUERIES) && self.is_path(&call.receiver) {
            Some(MethodUse::File)
        } else if call.method == "to_socket_addrs" && call.args.is_empty() {
            Some(MethodUse::Network)
        } else if uses_global(call) {
            Some(MethodUse::Global)
        } else {
            None
        };
        let used = used.map(|used| (call.method.clone(), used));
        self.body.methods.extend(used);
        if is_of_result(&call.method) {
            self.note_result(&call.receiver);
        }
    }

    /// Notes that this is taken for a `Result`. Of what is called `elapsed`, that is so for system times.
    pub(super) fn note_result(&mut self, value: &Expr) {
        if let Expr::MethodCall(call) = peel(value)
            && is_elapsed(call)
            && root_local(&call.receiver).is_some()
            && !self.reads_clock(call)
            && !self.place.is_unjudged()
        {
            let method = call.method.clone();
            self.body.methods.push((method, MethodUse::Clock));
        }
    }

    /// Notes what is assigned to.
    pub(super) fn note_assigned(&mut self, place: &Expr) {
        if let (Some(global), false) = (global(place), self.place.is_unjudged()) {
            let last = global.segments.last().map(|last| last.ident.clone());
            let used = last.map(|last| (last, MethodUse::Global));
            self.body.methods.extend(used);
        }
    }

    fn reads_clock(&self, call: &ExprMethodCall) -> bool {
        let epoch = matches!(peel(&call.receiver), Expr::Path(path)
            if path.path.segments.last().is_some_and(|last| last.ident == "UNIX_EPOCH"));
        is_elapsed(call) && (epoch || self.is_time(&call.receiver))
    }

    /// Whether this is a path of the file system.
    pub(super) fn is_path(&self, value: &Expr) -> bool {
        match peel(value) {
            Expr::Call(call) => match peel(&call.func) {
                Expr::Path(function) => makes_path(&function.path),
                _ => false,
            },
            Expr::MethodCall(call) => is_named(call, &PATH_TO_PATH) && self.is_path(&call.receiver),
            value => self.local_of(value) == Some(Holds::Path),
        }
    }
}

/// What a local of this type holds.
pub(super) fn held_by(ty: &Type) -> Holds {
    match ty {
        Type::Reference(reference) => held_by(&reference.elem),
        Type::Path(path) => match path.path.segments.last() {
            Some(last) if last.ident == "Path" || last.ident == "PathBuf" => Holds::Path,
            _ => Holds::Other,
        },
        _ => Holds::Other,
    }
}

fn is_elapsed(call: &ExprMethodCall) -> bool {
    call.method == "elapsed" && call.args.is_empty()
}

fn is_named(call: &ExprMethodCall, names: &[&str]) -> bool {
    names.iter().any(|name| call.method == name)
}

/// `Path::new`, `PathBuf::from`
fn makes_path(function: &Path) -> bool {
    let mut last = function.segments.iter().rev();
    let (Some(name), Some(owner)) = (last.next(), last.next()) else {
        return false;
    };
    (owner.ident == "Path" && name.ident == "new")
        || (owner.ident == "PathBuf" && (name.ident == "from" || name.ident == "new"))
}

/// Whether a method uses what a `static` holds: a lock, an atomic, or what is local to a thread.
fn uses_global(call: &ExprMethodCall) -> bool {
    let is_ordering = |arg: &Expr| {
        matches!(peel(arg), Expr::Path(path)
            if path.path.segments.last().is_some_and(|last| ORDERINGS.iter().any(|name| last.ident == name)))
    };
    let shared = match call.args.first() {
        None => is_named(call, &["lock", "try_lock", "read", "write", "take"]),
        Some(_) if is_named(call, &["get_or_init", "get_or_try_init"]) => true,
        Some(Expr::Closure(ExprClosure { .. })) => {
            is_named(call, &["with", "with_borrow", "with_borrow_mut"])
        }
        Some(_) if is_named(call, &["set", "replace"]) => call.args.len() == 1,
        Some(_) => call.args.iter().any(is_ordering),
    };
    shared && global(&call.receiver).is_some()
}

/// The `static` that this is, by its case.
fn global(place: &Expr) -> Option<&Path> {
    let Expr::Path(path) = peel(place) else {
        return None;
    };
    let name = path.path.segments.last()?.ident.to_string();
    let is_upper = |c: char| c.is_ascii_uppercase() || c.is_ascii_digit() || c == '_';
    (name.chars().all(is_upper) && name.starts_with(|c: char| c.is_ascii_uppercase()))
        .then_some(&path.path)
}
