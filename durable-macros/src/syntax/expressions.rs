//! Small questions about expressions, paths and patterns.

use proc_macro2::Ident;
use syn::{
    AngleBracketedGenericArguments, Expr, ExprCall, ExprLit, ExprMethodCall, GenericArgument, Lit,
    LitStr, Pat, PatIdent, Path, PathArguments, Type, UnOp, visit::Visit,
};

use super::text::text;

/// The expression inside parentheses and invisible groups.
pub(crate) fn peel(mut expression: &Expr) -> &Expr {
    loop {
        expression = match expression {
            Expr::Paren(inner) => &inner.expr,
            Expr::Group(inner) => &inner.expr,
            _ => return expression,
        };
    }
}

/// The path that stands here by itself.
pub(crate) fn lone_path(expression: &Expr) -> Option<&Path> {
    match peel(expression) {
        Expr::Path(path) => Some(&path.path),
        _ => None,
    }
}

/// The name that stands here by itself.
pub(crate) fn lone_name(expression: &Expr) -> Option<&Ident> {
    lone_path(expression)?.get_ident()
}

/// The name that stands here, with `&` and `*` before it or not: a method call makes the same of them.
pub(crate) fn referenced_name(expression: &Expr) -> Option<&Ident> {
    match peel(expression) {
        Expr::Path(path) => path.path.get_ident(),
        Expr::Reference(reference) => referenced_name(&reference.expr),
        Expr::Unary(unary) if matches!(unary.op, UnOp::Deref(_)) => referenced_name(&unary.expr),
        _ => None,
    }
}

/// The name that a place begins with: `order` of `order.lines[0].price()`.
pub(crate) fn root_name(expression: &Expr) -> Option<&Ident> {
    match peel(expression) {
        Expr::Path(path) => path.path.get_ident(),
        Expr::MethodCall(call) => root_name(&call.receiver),
        Expr::Field(field) => root_name(&field.base),
        Expr::Index(index) => root_name(&index.expr),
        Expr::Reference(reference) => root_name(&reference.expr),
        Expr::Try(tried) => root_name(&tried.expr),
        Expr::Unary(unary) => root_name(&unary.expr),
        _ => None,
    }
}

/// The name at the end of a path, and the one before it, if there are any.
pub(crate) fn last_names(path: &Path) -> (String, String) {
    let mut names = path
        .segments
        .iter()
        .rev()
        .map(|name| name.ident.to_string());
    let last = names.next().unwrap_or_default();
    (names.next().unwrap_or_default(), last)
}

/// The last name of the path that stands here by itself.
pub(crate) fn last_name(expression: &Expr) -> Option<&Ident> {
    Some(&lone_path(expression)?.segments.last()?.ident)
}

/// Whether this is a tuple struct or a variant, by its case: `Some`.
pub(crate) fn is_constructor(function: &Expr) -> bool {
    last_name(function).is_some_and(|name| name.to_string().starts_with(char::is_uppercase))
}

/// Whether this is a fn of the standard library that gives its argument back as a future.
pub(crate) fn is_wrapper(function: &Expr) -> bool {
    lone_path(function).is_some_and(|path| {
        let (owner, name) = last_names(path);
        matches!(
            (&*owner, &*name),
            ("Box", "pin") | ("IntoFuture", "into_future")
        )
    })
}

/// Whether this is `drop` or `forget`.
pub(crate) fn is_drop(function: &Expr) -> bool {
    lone_path(function).is_some_and(|path| {
        let (owner, name) = last_names(path);
        path.is_ident("drop") || (owner == "mem" && matches!(&*name, "drop" | "forget"))
    })
}

/// Whether this has the name of one of the facade's combinators for many operations.
pub(crate) fn fan_out(call: &ExprCall) -> Option<&'static str> {
    match last_name(&call.func)?.to_string().as_str() {
        "join_all" => Some("join_all"),
        "try_join_all" => Some("try_join_all"),
        _ => None,
    }
}

/// Whether a statement puts something into a list: the local that holds it, and what is put there.
pub(crate) fn addition(statement: &Expr) -> Option<(&Ident, &ExprMethodCall)> {
    let Expr::MethodCall(call) = statement else {
        return None;
    };
    let list = lone_name(&call.receiver)?;
    is_method(call, &["extend", "push", "push_back"]).then_some((list, call))
}

/// The string that stands here.
pub(crate) fn string(expression: &Expr) -> Option<&LitStr> {
    match expression {
        Expr::Lit(ExprLit {
            lit: Lit::Str(text),
            ..
        }) => Some(text),
        _ => None,
    }
}

/// Whether a method has one of these names.
pub(crate) fn is_method(call: &ExprMethodCall, names: &[&str]) -> bool {
    names.contains(&&*call.method.to_string())
}

/// The one type of a turbofish.
pub(crate) fn turbofish(arguments: Option<&AngleBracketedGenericArguments>) -> Option<&Type> {
    match arguments?.args.first()? {
        GenericArgument::Type(Type::Infer(_)) => None,
        GenericArgument::Type(generic) => Some(generic),
        _ => None,
    }
}

/// How many generic arguments a path ends in.
pub(crate) fn generics(path: &Path) -> usize {
    match path.segments.last().map(|last| &last.arguments) {
        Some(PathArguments::AngleBracketed(arguments)) => arguments.args.len(),
        _ => 0,
    }
}

/// An expression as a sentence can hold it: without arguments, if those are long.
pub(crate) fn summary(expression: &Expr) -> String {
    const CHARACTERS_MAX: usize = 40;
    let whole = text(expression);
    if whole.chars().count() <= CHARACTERS_MAX {
        return whole;
    }
    match peel(expression) {
        Expr::Call(call) => format!("{}(..)", summary(&call.func)),
        Expr::MethodCall(call) => format!("{}.{}(..)", summary(&call.receiver), call.method),
        Expr::Field(_) | Expr::Path(_) => whole,
        _ => "..".to_owned(),
    }
}

/// The name of a pattern that is nothing but a name.
pub(crate) fn plain_name(pattern: &Pat) -> Option<&Ident> {
    match pattern {
        Pat::Ident(PatIdent {
            ident,
            by_ref: None,
            subpat: None,
            ..
        }) => Some(ident),
        _ => None,
    }
}

/// Every name that a pattern binds. `None` and constants look like names, and are told by their case.
pub(crate) fn names_bound(pattern: &Pat) -> Vec<&Ident> {
    struct Names<'ast>(Vec<&'ast Ident>);
    impl<'ast> Visit<'ast> for Names<'ast> {
        fn visit_pat_ident(&mut self, pattern: &'ast PatIdent) {
            let plain = pattern.by_ref.is_none()
                && pattern.mutability.is_none()
                && pattern.subpat.is_none();
            if !(plain && pattern.ident.to_string().starts_with(char::is_uppercase)) {
                self.0.push(&pattern.ident);
            }
            syn::visit::visit_pat_ident(self, pattern);
        }

        fn visit_expr(&mut self, _: &'ast Expr) {}
    }
    let mut names = Names(Vec::new());
    names.visit_pat(pattern);
    names.0
}
