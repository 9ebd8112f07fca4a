//! The context of a refused body, where a task, a closure or a fn was given it: there it is one that
//! lives for ever, so that the compiler does not report once more that it is borrowed.

use proc_macro2::{Ident, TokenStream};
use quote::{ToTokens, quote};
use syn::{
    Block, Expr, ExprAsync, ExprCall, ExprClosure, ExprMethodCall, parse_quote,
    visit_mut::{self, VisitMut},
};

use crate::{operations::made_by, paths::Paths, syntax::expressions::referenced_name};

/// Detaches the context in a body whose names are keys already.
pub(crate) fn detach(block: &mut Block, owner: &Ident, context: &Ident, paths: &Paths) {
    let mut detacher = Detacher {
        owner,
        context,
        private: paths.private(),
        away: false,
        detached: false,
    };
    detacher.visit_block_mut(block);
    if detacher.detached {
        // It may be mentioned nowhere else.
        block.stmts.insert(0, parse_quote!(let _ = &#context;));
    }
}

struct Detacher<'a> {
    owner: &'a Ident,
    context: &'a Ident,
    private: TokenStream,
    /// Whether this is inside what is handed on.
    away: bool,
    detached: bool,
}

impl VisitMut for Detacher<'_> {
    fn visit_expr_async_mut(&mut self, block: &mut ExprAsync) {
        self.away(|detacher| visit_mut::visit_expr_async_mut(detacher, block));
    }

    fn visit_expr_closure_mut(&mut self, closure: &mut ExprClosure) {
        self.away(|detacher| visit_mut::visit_expr_closure_mut(detacher, closure));
    }

    fn visit_expr_call_mut(&mut self, call: &mut ExprCall) {
        self.away(|detacher| visit_mut::visit_expr_call_mut(detacher, call));
        if is_plain_fn(&call.func) {
            let private = &self.private;
            let given = quote!(#private::given);
            let args = call.args.iter_mut();
            args.for_each(|arg| self.replace(arg, &given));
        } else if self.away {
            let args = call.args.iter_mut();
            args.for_each(|arg| self.replace(arg, &TokenStream::new()));
        }
    }

    fn visit_expr_method_call_mut(&mut self, call: &mut ExprMethodCall) {
        visit_mut::visit_expr_method_call_mut(self, call);
        if self.away && self.is_ours(call) {
            self.replace(&mut call.receiver, &TokenStream::new());
        }
    }
}

impl Detacher<'_> {
    fn away(&mut self, visit: impl FnOnce(&mut Self)) {
        let outer = std::mem::replace(&mut self.away, true);
        visit(self);
        self.away = outer;
    }

    /// Replaces the context; its name stays, for the editor.
    fn replace(&mut self, expression: &mut Expr, as_: &TokenStream) {
        let private = &self.private;
        if let Some(name) = referenced_name(expression).filter(|name| *name == self.context) {
            *expression = parse_quote!({ let #name = #private::elsewhere(); #as_(#name) });
            self.detached = true;
        }
    }

    /// Whether it is the context that has this name, and no local: an operation has a key.
    fn is_ours(&self, call: &ExprMethodCall) -> bool {
        if made_by(&call.method).is_none() {
            return true;
        }
        let key = call.args.first().map(ToTokens::to_token_stream);
        let owner = self.owner;
        let private = &self.private;
        [quote!(#owner::), quote!(#private::InvalidKey::)]
            .iter()
            .any(|prefix| {
                key.as_ref()
                    .is_some_and(|key| key.to_string().starts_with(&prefix.to_string()))
            })
    }
}

/// Whether this is the path of a fn whose signature says what it takes.
fn is_plain_fn(function: &Expr) -> bool {
    let Expr::Path(path) = function else {
        return false;
    };
    // `Arc::new` takes anything, and so does `drop`.
    path.path.segments.iter().all(|segment| {
        let name = segment.ident.to_string();
        name.starts_with(char::is_lowercase) && !matches!(name.as_str(), "drop" | "forget")
    })
}
