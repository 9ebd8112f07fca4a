//! Collections whose order changes, in a type.

use syn::{Path, Type, TypePath, visit::Visit};

/// The paths of all of them.
pub(super) fn find(ty: &Type) -> Vec<&Path> {
    let mut search = Search(Vec::new());
    search.visit_type(ty);
    search.0
}

struct Search<'ast>(Vec<&'ast Path>);

impl<'ast> Visit<'ast> for Search<'ast> {
    fn visit_type_path(&mut self, ty: &'ast TypePath) {
        let name = ty.path.segments.last().map(|last| last.ident.to_string());
        // Its author answers for it.
        if name.as_deref() == Some("Unordered") {
            return;
        }
        if matches!(name.as_deref(), Some("HashMap" | "HashSet")) {
            self.0.push(&ty.path);
        }
        syn::visit::visit_type_path(self, ty);
    }
}
