//! What is in a type.

use syn::{
    Type,
    visit::{self, Visit},
};

/// Goes through a type and the types in it, as far as `enter` says.
pub(crate) fn walk<'a>(ty: &'a Type, enter: impl FnMut(&'a Type) -> bool) {
    Walk(enter).visit_type(ty);
}

struct Walk<F>(F);

impl<'a, F: FnMut(&'a Type) -> bool> Visit<'a> for Walk<F> {
    fn visit_type(&mut self, ty: &'a Type) {
        if (self.0)(ty) {
            visit::visit_type(self, ty);
        }
    }
}

/// The first reference in the type of a value that is recorded: also one that is `'static` cannot be read
/// from the journal.
pub(crate) fn first_borrow(ty: &Type) -> Option<&Type> {
    find_borrow(ty, true)
}

/// The first reference in a type, where one that is `'static` counts or not.
pub(crate) fn find_borrow(ty: &Type, statics: bool) -> Option<&Type> {
    let mut first = None;
    walk(ty, |ty| match ty {
        Type::Reference(reference) => {
            let lifetime = reference.lifetime.as_ref();
            let is_static = lifetime.is_some_and(|lifetime| lifetime.ident == "static");
            if statics || !is_static {
                first = first.or(Some(ty));
            }
            false
        }
        // What a fn pointer borrows is its caller's.
        Type::FnPtr(_) => false,
        _ => true,
    });
    first
}
