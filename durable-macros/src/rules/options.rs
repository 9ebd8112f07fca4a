//! Options: each fits its operation, is set once, and asks for something that can happen.

use proc_macro2::Ident;
use syn::{Expr, ExprMethodCall, Lit, visit::Visit};

use super::drops;
use crate::{
    diagnostics::Diagnostics,
    facts::{Body, Choice, Kind, Operation},
    syntax::operation_call::{OPTIONS, is_option, peel},
};

/// The options that an operation has.
fn known(kind: Kind) -> &'static [&'static str] {
    match kind {
        Kind::Step => &OPTIONS,
        Kind::Sleep => &["was"],
        Kind::Signal => &["timeout", "was"],
        Kind::Child => &["compensate", "was"],
        Kind::Scope => &[],
    }
}

/// Whether this is an option that another kind of operation has. One that none has is reported by the
/// compiler, which knows names that are close to it.
fn is_misplaced(kind: Kind, option: &Ident) -> bool {
    kind != Kind::Scope && !known(kind).iter().any(|known| option == known) && is_option(option)
}

/// Whether an option is refused, by these rules or those of compensation.
pub(crate) fn is_refused(kind: Kind, option: &ExprMethodCall) -> bool {
    let no_fn = option.method == "compensate" && !option.args.iter().all(is_path);
    is_misplaced(kind, &option.method) || no_fn
}

fn is_path(value: &Expr) -> bool {
    matches!(value, Expr::Path(_))
}

pub(super) fn check(body: &Body, diagnostics: &mut Diagnostics) {
    for operation in &body.operations {
        let options = drops::options(operation);
        for (index, choice) in options.iter().enumerate() {
            choice_check(
                operation,
                choice,
                &options[..index],
                &body.context,
                diagnostics,
            );
        }
    }
    for option in &body.late_options {
        late(option, &body.context, diagnostics);
    }
}

fn late(option: &Ident, context: &str, diagnostics: &mut Diagnostics) {
    let why = if option == "compensate" {
        "a rollback finds compensations in the step graph, which is read where an operation is built: it \
         would never run this one"
    } else {
        "the step graph is read where an operation is built, and would not have this option"
    };
    diagnostics.push(
        option,
        format_args!("`.{option}(..)` is set on an operation that was built before"),
        why,
        format_args!(
            "`{context}.step(..).{option}(..)`, where it is built; what depends on something goes into \
             the parentheses"
        ),
    );
}

fn choice_check(
    operation: &Operation,
    choice: &Choice,
    before: &[Choice],
    context: &str,
    diagnostics: &mut Diagnostics,
) {
    let name = choice.name.to_string();
    if is_misplaced(operation.kind, &choice.name) {
        misplaced(operation, &choice.name, context, diagnostics);
    } else if name != "was" && before.iter().any(|earlier| earlier.name == name) {
        repeated(operation, &choice.name, diagnostics);
    } else {
        values(operation.kind.noun(), choice, diagnostics);
    }
}

fn misplaced(operation: &Operation, name: &Ident, context: &str, diagnostics: &mut Diagnostics) {
    // A wait that is compensated is told so by the rules of compensation.
    if name == "compensate" {
        return;
    }
    let noun = operation.kind.noun();
    let options: Vec<String> = known(operation.kind)
        .iter()
        .map(|known| format!("`.{known}(..)`"))
        .collect();
    let why = match (operation.kind, name.to_string().as_str()) {
        (Kind::Sleep | Kind::Signal, "retry") => "a wait does nothing that could be done again",
        (Kind::Sleep, "timeout") => "a sleep ends by itself, at a recorded time",
        (Kind::Child, "retry" | "timeout") => {
            "a child is a run of its own: what is retried in it, and how long it may take, is said \
             in its steps"
        }
        _ => "what it would do there is not defined",
    };
    let instead = match (operation.kind, name.to_string().as_str()) {
        (Kind::Child, "timeout") => format!(
            "`durable::race! {{ done = {sketch} => .., _ = {context}.sleep(\"a_name\", duration) => .. }}`: \
             a child that loses is canceled",
            sketch = operation.sketch(context)
        ),
        (Kind::Child, "retry") => {
            "`.retry(..)` on the child's steps; or, for another run, a loop around the child"
                .to_owned()
        }
        _ => format!("a {noun} has {}", options.join(", ")),
    };
    diagnostics.push(
        name,
        format_args!("a {noun} has no option `{name}`"),
        why,
        instead,
    );
}

fn repeated(operation: &Operation, name: &Ident, diagnostics: &mut Diagnostics) {
    let noun = operation.kind.noun();
    diagnostics.push(
        name,
        format_args!("`.{name}(..)` is set twice on this {noun}"),
        "the second would silently take the place of the first",
        "keep one of them",
    );
}

/// Values that can be seen to make no sense.
fn values(noun: &str, choice: &Choice, diagnostics: &mut Diagnostics) {
    if let Some(given) = choice.args.first() {
        value(noun, &choice.name.to_string(), given, diagnostics);
    }
}

/// A value of the option of this name.
pub(crate) fn value(noun: &str, name: &str, value: &Expr, diagnostics: &mut Diagnostics) {
    if name == "retry" {
        let mut search = ZeroAttempts(None);
        search.visit_expr(value);
        if let Some(zero) = search.0 {
            diagnostics.push(
                zero,
                format_args!("a {noun} cannot have zero attempts"),
                "the first attempt is one of them: it cannot run without it",
                "at least 1; `Retry::never()` is one attempt and no retry",
            );
        }
    } else if name == "timeout" && is_zero_duration(value) {
        diagnostics.push(
            value,
            "a timeout of zero leaves no time",
            "the time would be up before anything can happen",
            "a duration that is long enough, or no `.timeout(..)` for no limit",
        );
    }
}

/// The argument of `.max_attempts(0)`.
struct ZeroAttempts<'ast>(Option<&'ast Expr>);

impl<'ast> Visit<'ast> for ZeroAttempts<'ast> {
    fn visit_expr_method_call(&mut self, call: &'ast ExprMethodCall) {
        if call.method == "max_attempts" {
            self.0 = self.0.or(call.args.first().filter(|count| is_zero(count)));
        }
        self.visit_expr(&call.receiver);
    }
}

fn is_zero(value: &Expr) -> bool {
    match peel(value) {
        Expr::Lit(literal) => match &literal.lit {
            Lit::Int(number) => number.base10_parse::<u64>().is_ok_and(|number| number == 0),
            Lit::Float(number) => number
                .base10_parse::<f64>()
                .is_ok_and(|number| number == 0.0),
            _ => false,
        },
        _ => false,
    }
}

/// `Duration::ZERO`, `Duration::from_secs(0)`
fn is_zero_duration(value: &Expr) -> bool {
    match peel(value) {
        Expr::Path(path) => path
            .path
            .segments
            .last()
            .is_some_and(|last| last.ident == "ZERO"),
        Expr::Call(call) => {
            let from = matches!(peel(&call.func), Expr::Path(path)
                if path.path.segments.last().is_some_and(|last| last.ident.to_string().starts_with("from_")));
            from && call.args.len() == 1 && call.args.iter().all(is_zero)
        }
        _ => false,
    }
}
