//! Items inside a body: what a short name stands for.

use std::collections::BTreeMap;

use proc_macro2::Ident;
use syn::{Item, ItemType, Path, Type, UseTree, ext::IdentExt};

use crate::syntax::expressions::generics;

/// The full path behind each name that an item in the body brings in. Items that are declared there
/// have one that begins with an empty segment, like nothing else.
#[derive(Default)]
pub(crate) struct Aliases {
    paths: BTreeMap<String, Vec<String>>,
    /// `type Clock = std::time::SystemTime;`
    types: Vec<(String, Path)>,
}

impl Aliases {
    /// Takes in an item.
    pub(super) fn add(&mut self, item: &Item) {
        let declared = match item {
            Item::Use(item) => return self.add_use(&item.tree, Vec::new()),
            Item::Const(item) => &item.ident,
            Item::Enum(item) => &item.ident,
            Item::Fn(item) => &item.sig.ident,
            Item::Mod(item) => &item.ident,
            Item::Static(item) => &item.ident,
            Item::Struct(item) => &item.ident,
            Item::Trait(item) => &item.ident,
            Item::Type(item) => {
                self.types.extend(whole_alias(item));
                &item.ident
            }
            _ => return,
        };
        self.add_name(declared, declared, vec![String::new()]);
    }

    /// Ends a body, all of whose items are known: what a type alias stands for may itself be imported there.
    pub(super) fn finish(&mut self) {
        for (alias, path) in std::mem::take(&mut self.types) {
            let path = self.resolve(&path);
            self.paths.insert(alias, path);
        }
    }

    /// A path's segments, with its first one resolved.
    pub(crate) fn resolve(&self, path: &Path) -> Vec<String> {
        let names = path
            .segments
            .iter()
            .map(|segment| segment.ident.unraw().to_string());
        let names: Vec<String> = names.collect();
        let first = names.first().filter(|_| path.leading_colon.is_none());
        match first.and_then(|first| self.paths.get(first)) {
            Some(full) => [full, &names[1..]].concat(),
            None => names,
        }
    }

    fn add_use(&mut self, tree: &UseTree, mut prefix: Vec<String>) {
        match tree {
            UseTree::Path(path) => {
                prefix.push(path.ident.unraw().to_string());
                self.add_use(&path.tree, prefix);
            }
            UseTree::Name(name) => self.add_name(&name.ident, &name.ident, prefix),
            UseTree::Rename(rename) => self.add_name(&rename.rename, &rename.ident, prefix),
            UseTree::Group(group) => {
                for tree in &group.items {
                    self.add_use(tree, prefix.clone());
                }
            }
            UseTree::Glob(_) => {}
        }
    }

    fn add_name(&mut self, alias: &Ident, name: &Ident, mut path: Vec<String>) {
        if name != "self" {
            path.push(name.unraw().to_string());
        }
        // `use std::fs::{self}` brings in `fs`.
        let alias = if name == "self" && alias == "self" {
            path.last().cloned()
        } else {
            Some(alias.unraw().to_string())
        };
        if let Some(alias) = alias {
            self.paths.insert(alias, path);
        }
    }
}

/// The alias that a type item is, if it leaves nothing of its type out: a map with a hasher of its own is
/// another type than one without.
fn whole_alias(item: &ItemType) -> Option<(String, Path)> {
    let Type::Path(ty) = &*item.ty else {
        return None;
    };
    let alias = item.ident.unraw().to_string();
    (ty.qself.is_none() && generics(&ty.path) < 3).then(|| (alias, ty.path.clone()))
}
