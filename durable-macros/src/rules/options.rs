//! Options: each fits its operation, is set once, and asks for something that can happen.

use proc_macro2::Ident;
use syn::{Expr, ExprMethodCall, Lit, visit::Visit};

use super::{Rules, drops::options_before_result};
use crate::{
    diagnostics::{Diagnostics, report},
    facts::{Operation, OptionCall},
    syntax::expressions::{last_name, peel},
};

/// Judges the value of an option of this name.
pub(crate) fn review_value(noun: &str, name: &str, value: &Expr, found: &mut Diagnostics) {
    match name {
        "compensate" if !matches!(value, Expr::Path(_)) => report!(
            found,
            value,
            "a compensation is the name of a `#[durable::compensate]` fn",
            "after a crash the rollback has the journal and no body, so it can call only what is \
             registered by name",
            "move this into `#[durable::compensate] async fn undo(step: &StepCtx, output: ..)` and write \
             `.compensate(undo)`",
        ),
        "retry" => {
            let mut search = ZeroAttempts(None);
            search.visit_expr(value);
            if let Some(zero) = search.0 {
                report!(
                    found,
                    zero,
                    "a {noun} cannot have zero attempts",
                    "the first attempt is one of them: it cannot run without it",
                    "at least 1; `Retry::never()` is one attempt and no retry",
                );
            }
        }
        "timeout" if is_zero_duration(value) => report!(
            found,
            value,
            "a timeout of zero leaves no time",
            "the time would be up before anything can happen",
            "a duration that is long enough, or no `.timeout(..)` for no limit",
        ),
        _ => {}
    }
}

impl Rules {
    pub(super) fn options_of(&mut self, operation: &Operation) {
        let noun = operation.kind.noun;
        let options = options_before_result(operation);
        for (index, OptionCall { name, args }) in options.iter().enumerate() {
            if operation.kind.lacks_option(name) {
                self.lacking_option(operation, name);
            } else if name != "was" && options[..index].iter().any(|before| before.name == *name) {
                report!(
                    self.found,
                    name,
                    "`.{name}(..)` is set twice on this {noun}",
                    "the second would silently take the place of the first",
                    "keep one of them",
                );
            } else if let Some(value) = args.first() {
                review_value(noun, &name.to_string(), value, &mut self.found);
            }
        }
    }

    fn lacking_option(&mut self, operation: &Operation, name: &Ident) {
        let kind = operation.kind;
        let noun = kind.noun;
        let lacking = kind.lacks.iter().find(|lacking| name == lacking.option);
        let why = lacking.map_or("what it would do there is not defined", |lacking| {
            lacking.why
        });
        let what = match lacking {
            Some(_) if name == "compensate" => "cannot be compensated".to_owned(),
            _ => format!("has no option `{name}`"),
        };
        let instead = match lacking.and_then(|lacking| lacking.instead) {
            Some(instead) => self.filled_for(operation, instead),
            None => {
                let options = kind.options.iter().map(|option| format!("`.{option}(..)`"));
                format!("a {noun} has {}", options.collect::<Vec<_>>().join(", "))
            }
        };
        report!(self.found, name, "a {noun} {what}", "{why}", "{instead}");
    }

    /// An option that is set on an operation in a local, and not where it is built.
    pub(crate) fn late_option(&mut self, option: &Ident) {
        let context = &self.context;
        let why = if option == "compensate" {
            "a rollback finds compensations in the step graph, which is read where an operation is built: it \
             would never run this one"
        } else {
            "the step graph is read where an operation is built, and would not have this option"
        };
        report!(
            self.found,
            option,
            "`.{option}(..)` is set on an operation that was built before",
            "{why}",
            "`{context}.step(..).{option}(..)`, where it is built; what depends on something goes into \
             the parentheses",
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
    let Expr::Lit(literal) = peel(value) else {
        return false;
    };
    match &literal.lit {
        Lit::Int(number) => number.base10_parse::<u64>().is_ok_and(|number| number == 0),
        Lit::Float(number) => number
            .base10_parse::<f64>()
            .is_ok_and(|number| number == 0.0),
        _ => false,
    }
}

/// `Duration::ZERO`, `Duration::from_secs(0)`
fn is_zero_duration(value: &Expr) -> bool {
    match peel(value) {
        Expr::Path(_) => last_name(value).is_some_and(|name| name == "ZERO"),
        Expr::Call(call) => {
            let makes = last_name(&call.func);
            makes.is_some_and(|name| name.to_string().starts_with("from_"))
                && call.args.len() == 1
                && call.args.iter().all(is_zero)
        }
        _ => false,
    }
}
