//! Which local a name means, and what is known of it.

use proc_macro2::{Ident, TokenStream};
use syn::{Pat, visit::Visit};

use crate::syntax::macros;

/// What is known of a local's value.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Holds {
    /// The context of the body.
    Context,
    /// The context under another name, which is reported where it gets it.
    Alias,
    /// An operation that has not been awaited.
    Operation,
    /// What operations can be taken out of: a list, an iterator, an option.
    Operations,
    /// What `ctx.scope(..)` gave.
    Scope,
    /// What `ctx.now()` gave.
    Time,
    /// A path of the file system.
    Path,
    /// A closure that uses the context.
    Capture,
    /// An `async` block or closure of the body, whose awaits are judged where they are written.
    Judged,
    /// What a step body is called with.
    Step,
    Other,
}

struct Local {
    ident: Ident,
    holds: Holds,
    /// Whether it is nothing but a holder of operations.
    is_holder: bool,
    /// Whether it is a list that was made here, so that nothing else holds what is in it.
    is_list: bool,
    mentioned: bool,
}

/// The locals that can be named at this place, the innermost last.
#[derive(Default)]
pub(crate) struct Scopes {
    locals: Vec<Local>,
    /// Operations that were bound and never mentioned again.
    forgotten: Vec<(Ident, Holds)>,
}

impl Scopes {
    /// How many locals there are, to come back to.
    pub(crate) fn depth(&self) -> usize {
        self.locals.len()
    }

    /// Forgets the locals that came after `depth`.
    pub(crate) fn close(&mut self, depth: usize) {
        for local in self.locals.drain(depth..) {
            if local.is_holder && !local.mentioned {
                self.forgotten.push((local.ident, local.holds));
            }
        }
    }

    pub(crate) fn bind(&mut self, ident: &Ident, holds: Holds) {
        self.locals.push(Local {
            ident: ident.clone(),
            holds,
            is_holder: holds == Holds::Operation,
            is_list: false,
            mentioned: false,
        });
    }

    /// Notes that the local bound last is a list, or some such, of operations and nothing else.
    pub(crate) fn last_is_holder(&mut self) {
        if let Some(local) = self.locals.last_mut() {
            local.is_holder = true;
        }
    }

    /// What a name holds; `None` for what is no local.
    pub(crate) fn get(&self, name: &Ident) -> Option<Holds> {
        let local = self.locals.iter().rev().find(|local| local.ident == *name);
        local.map(|local| local.holds)
    }

    /// Whether tokens in a step mention a local that holds more than data. The context is not looked for.
    pub(crate) fn concern(&self, tokens: &TokenStream) -> bool {
        let matters = |local: &&Local| {
            local.is_holder || !matches!(local.holds, Holds::Other | Holds::Context)
        };
        let mut locals = self.locals.iter().filter(matters);
        locals.any(|local| macros::names(tokens.clone(), &local.ident))
    }

    /// Notes that a local is used.
    pub(crate) fn mention(&mut self, name: &Ident) {
        if let Some(local) = self.find(name) {
            local.mentioned = true;
        }
    }

    /// Notes that a local takes futures in.
    pub(crate) fn absorb(&mut self, name: &Ident, holds: Holds) {
        if let Some(local) = self.find(name).filter(|local| local.holds == Holds::Other) {
            local.holds = holds;
        }
    }

    /// Notes that the local bound last is a list, made here.
    pub(crate) fn last_is_list(&mut self) {
        if let Some(local) = self.locals.last_mut() {
            local.is_list = true;
        }
    }

    /// Whether a local was used.
    pub(crate) fn mentioned(&self, name: &Ident) -> bool {
        let local = self.locals.iter().rev().find(|local| local.ident == *name);
        local.is_some_and(|local| local.mentioned)
    }

    /// Notes that operations were put into a local; whether it was used before that is still so.
    pub(crate) fn added_to(&mut self, name: &Ident, mentioned: bool) {
        if let Some(local) = self.find(name).filter(|local| local.is_list) {
            local.is_holder = true;
            local.mentioned = mentioned;
        }
    }

    /// The operations that nobody came back to.
    pub(crate) fn into_forgotten(mut self) -> Vec<(Ident, Holds)> {
        self.close(0);
        self.forgotten
    }

    fn find(&mut self, name: &Ident) -> Option<&mut Local> {
        self.locals
            .iter_mut()
            .rev()
            .find(|local| local.ident == *name)
    }
}

/// Whether a pattern gives this name to something.
pub(crate) fn binds(pattern: &Pat, name: &Ident) -> bool {
    names_bound(pattern).contains(name)
}

/// Every name that a pattern binds. `None` and constants look like names, and are told by their case.
pub(crate) fn names_bound(pattern: &Pat) -> Vec<Ident> {
    struct Names(Vec<Ident>);
    impl<'ast> Visit<'ast> for Names {
        fn visit_pat_ident(&mut self, pattern: &'ast syn::PatIdent) {
            let plain = pattern.by_ref.is_none()
                && pattern.mutability.is_none()
                && pattern.subpat.is_none();
            let constant = plain && pattern.ident.to_string().starts_with(char::is_uppercase);
            if !constant {
                self.0.push(pattern.ident.clone());
            }
            syn::visit::visit_pat_ident(self, pattern);
        }

        fn visit_expr(&mut self, _: &'ast syn::Expr) {}
    }
    let mut names = Names(Vec::new());
    names.visit_pat(pattern);
    names.0
}
