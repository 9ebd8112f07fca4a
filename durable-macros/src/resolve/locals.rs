//! The locals of a body, numbered, and the macros in it, parsed.

use std::{
    collections::{BTreeMap, BTreeSet},
    ptr,
};

use proc_macro2::{Ident, TokenStream};
use syn::{Block, Expr, Item, ItemFn, Macro, Stmt};

use super::aliases::Aliases;
use crate::syntax::{expressions::referenced_name, macros::MacroArgs};

/// A local of a body.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub(crate) struct LocalId(pub(super) usize);

impl LocalId {
    /// The context.
    pub(crate) const CONTEXT: Self = Self(0);

    /// Its number.
    pub(crate) fn index(self) -> usize {
        self.0
    }
}

/// A local and every way in which it is used.
pub(crate) struct LocalUses {
    pub(crate) ident: Ident,
    pub(super) uses: Vec<Usage>,
}

/// How a local is used. What is put into a list is no use of the list.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Usage {
    /// In the body of a step.
    Step,
    /// Awaited, or a branch of `durable::join!` and its kin.
    Branch,
    /// Handed to `durable::join_all`.
    List,
    Otherwise,
}

/// A local that is named in tokens that were not parsed.
#[derive(Clone)]
pub(crate) struct Mention {
    pub(crate) name: Ident,
    pub(crate) local: LocalId,
}

/// What the names of a body mean.
#[derive(Default)]
pub(crate) struct Resolved {
    pub(crate) aliases: Aliases,
    pub(super) locals: Vec<LocalUses>,
    /// What each name means that binds or names a local.
    pub(super) names: BTreeMap<*const Ident, LocalId>,
    pub(super) macros: BTreeMap<*const Macro, MacroArgs>,
    /// The locals that are named in tokens.
    pub(super) mentions: BTreeMap<*const TokenStream, Vec<Mention>>,
    /// The names that are no locals, outside of steps.
    pub(super) free: BTreeSet<String>,
}

impl Resolved {
    /// All locals, in the order of their numbers.
    pub(crate) fn locals(&self) -> &[LocalUses] {
        &self.locals
    }

    /// The local that a name in the syntax tree means.
    pub(crate) fn local(&self, name: &Ident) -> Option<LocalId> {
        self.names.get(&ptr::from_ref(name)).copied()
    }

    /// Whether a name in the syntax tree means the context.
    pub(crate) fn names_context(&self, name: &Ident) -> bool {
        self.local(name) == Some(LocalId::CONTEXT)
    }

    /// Whether this is the context itself, or what a method call would make the context of: `(*ctx)`.
    pub(crate) fn is_context(&self, expression: &Expr) -> bool {
        referenced_name(expression).is_some_and(|name| self.names_context(name))
    }

    /// The arguments of a macro.
    pub(crate) fn macro_args(&self, mac: &Macro) -> &MacroArgs {
        let args = self.macros.get(&ptr::from_ref(mac));
        args.unwrap_or(&MacroArgs::UNKNOWN)
    }

    /// Takes the arguments of a macro out, to change them.
    pub(crate) fn take_macro_args(&mut self, mac: &Macro) -> MacroArgs {
        let args = self.macros.remove(&ptr::from_ref(mac));
        args.unwrap_or(MacroArgs::UNKNOWN)
    }

    /// The locals that are named in the body of a step, or in a macro, that was not parsed.
    pub(crate) fn mentions(&self, tokens: &TokenStream) -> &[Mention] {
        let mentions = self.mentions.get(&ptr::from_ref(tokens));
        mentions.map_or(&[], Vec::as_slice)
    }

    /// Whether only the bodies of steps use a local: what it holds runs in a step.
    pub(crate) fn is_for_steps(&self, local: LocalId) -> bool {
        self.is_used_as(local, &[Usage::Step])
    }

    /// Whether a local is used as a branch and in no other way: what is bound to it is read as if it stood
    /// where the combinator, or the `.await`, names it.
    pub(crate) fn is_branch(&self, local: LocalId) -> bool {
        self.is_used_as(local, &[Usage::Branch, Usage::List]) && !self.is_list_of_branches(local)
    }

    /// The same of a list of branches.
    pub(crate) fn is_list_of_branches(&self, local: LocalId) -> bool {
        self.is_used_as(local, &[Usage::List])
    }

    /// Whether a local is used, in these ways and no other.
    fn is_used_as(&self, local: LocalId, ways: &[Usage]) -> bool {
        let uses = &self.locals[local.0].uses;
        !uses.is_empty() && uses.iter().all(|usage| ways.contains(usage))
    }

    /// The fns of a body that it calls itself, outside the bodies of its steps: their code is in sight, as
    /// that of a closure is.
    pub(crate) fn called_fns<'a>(&self, block: &'a Block) -> Vec<&'a ItemFn> {
        let fns = sync_fns(block);
        fns.filter(|item| self.free.contains(&item.sig.ident.to_string()))
            .collect()
    }
}

/// The fns in a body that are not `async`.
pub(super) fn sync_fns(block: &Block) -> impl Iterator<Item = &ItemFn> {
    block.stmts.iter().filter_map(|statement| match statement {
        Stmt::Item(Item::Fn(item)) if item.sig.asyncness.is_none() => Some(item),
        _ => None,
    })
}
