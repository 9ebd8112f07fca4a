//! References in types.

use syn::{Type, visit::Visit};

/// The first reference in the type of a value that is recorded: also one that is `'static` cannot be read
/// from the journal.
pub(crate) fn first_borrow(ty: &Type) -> Option<&Type> {
    find_borrow(ty, true)
}

/// The first reference in a type, where one that is `'static` counts or not.
pub(crate) fn find_borrow(ty: &Type, statics: bool) -> Option<&Type> {
    let mut search = BorrowSearch {
        statics,
        first: None,
    };
    search.visit_type(ty);
    search.first
}

/// A search for references in a type.
struct BorrowSearch<'ast> {
    statics: bool,
    first: Option<&'ast Type>,
}

impl<'ast> Visit<'ast> for BorrowSearch<'ast> {
    fn visit_type(&mut self, ty: &'ast Type) {
        match ty {
            Type::Reference(reference) => {
                let lifetime = reference.lifetime.as_ref();
                let is_static = lifetime.is_some_and(|lifetime| lifetime.ident == "static");
                if (self.statics || !is_static) && self.first.is_none() {
                    self.first = Some(ty);
                }
            }
            // What a fn pointer borrows is its caller's.
            Type::FnPtr(_) => {}
            _ => syn::visit::visit_type(self, ty),
        }
    }
}
