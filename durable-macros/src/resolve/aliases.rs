//! Items inside a body: what a short name stands for.

use std::collections::BTreeMap;

use syn::{Block, Item, ItemType, Path, PathArguments, Type, UseTree, ext::IdentExt, visit::Visit};

/// The full path behind each name that an item in the body brings in. Items that are declared there
/// have one that begins with an empty segment, like nothing else.
#[derive(Default)]
pub(crate) struct Aliases(BTreeMap<String, Vec<String>>);

impl Aliases {
    /// Reads every item of a body, at any depth.
    pub(crate) fn of(block: &Block) -> Self {
        let mut reader = AliasReader::default();
        reader.visit_block(block);
        let AliasReader { mut aliases, types } = reader;
        for item in types {
            // What a type alias stands for may itself be imported here.
            let path = aliases.resolve(&item.path);
            aliases.0.insert(item.alias, path);
        }
        aliases
    }

    /// A path's segments, with its first one resolved.
    pub(crate) fn resolve(&self, path: &Path) -> Vec<String> {
        let mut segments = path
            .segments
            .iter()
            .map(|segment| segment.ident.unraw().to_string());
        let Some(first) = segments.next() else {
            return Vec::new();
        };
        let mut resolved = match self.0.get(&first) {
            Some(full) if path.leading_colon.is_none() => full.clone(),
            _ => vec![first],
        };
        resolved.extend(segments);
        resolved
    }

    fn add(&mut self, tree: &UseTree, mut prefix: Vec<String>) {
        match tree {
            UseTree::Path(path) => {
                prefix.push(path.ident.unraw().to_string());
                self.add(&path.tree, prefix);
            }
            UseTree::Name(name) => self.add_name(&name.ident, &name.ident, prefix),
            UseTree::Rename(rename) => self.add_name(&rename.rename, &rename.ident, prefix),
            UseTree::Group(group) => {
                for tree in &group.items {
                    self.add(tree, prefix.clone());
                }
            }
            UseTree::Glob(_) => {}
        }
    }

    fn add_name(&mut self, alias: &syn::Ident, name: &syn::Ident, mut path: Vec<String>) {
        // `use std::fs::{self}` brings in `fs`.
        let alias = if name == "self" && alias == "self" {
            path.last().cloned()
        } else {
            Some(alias.unraw().to_string())
        };
        if name != "self" {
            path.push(name.unraw().to_string());
        }
        if let Some(alias) = alias {
            self.0.insert(alias, path);
        }
    }
}

#[derive(Default)]
struct AliasReader {
    aliases: Aliases,
    types: Vec<TypeAlias>,
}

/// `type Clock = std::time::SystemTime;`
struct TypeAlias {
    alias: String,
    path: Path,
}

impl TypeAlias {
    /// The alias that this is, if it leaves nothing of its type out: a map with a hasher of its own is
    /// another type than one without.
    fn of(item: &ItemType) -> Option<Self> {
        let Type::Path(ty) = &*item.ty else {
            return None;
        };
        let arguments = match &ty.path.segments.last()?.arguments {
            PathArguments::AngleBracketed(arguments) => arguments.args.len(),
            _ => 0,
        };
        (ty.qself.is_none() && arguments < 3).then(|| Self {
            alias: item.ident.unraw().to_string(),
            path: ty.path.clone(),
        })
    }
}

impl<'ast> Visit<'ast> for AliasReader {
    fn visit_item(&mut self, item: &'ast Item) {
        let declared = match item {
            Item::Use(item) => return self.aliases.add(&item.tree, Vec::new()),
            Item::Const(item) => &item.ident,
            Item::Enum(item) => &item.ident,
            Item::Fn(item) => &item.sig.ident,
            Item::Mod(item) => &item.ident,
            Item::Static(item) => &item.ident,
            Item::Struct(item) => &item.ident,
            Item::Trait(item) => &item.ident,
            Item::Type(item) => {
                self.types.extend(TypeAlias::of(item));
                &item.ident
            }
            _ => return,
        };
        self.aliases
            .add_name(declared, declared, vec![String::new()]);
    }
}
