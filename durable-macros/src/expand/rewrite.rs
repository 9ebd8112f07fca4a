//! The body, with name literals turned into keys.

use proc_macro2::{Ident, TokenStream};
use quote::ToTokens;
use syn::{
    Block, Expr, ExprClosure, ExprMethodCall, Item, Lit, Macro, parse_quote, parse_quote_spanned,
    spanned::Spanned,
    visit_mut::{self, VisitMut},
};

use super::keys::variant_ident;
use crate::{
    names::flaw,
    parse::{
        calls::{Chain, binds, is_context, kind_of},
        macros::{self, Part, Reading},
    },
    paths::Paths,
};

/// Rewrites a body in place.
pub(crate) fn rewrite(block: &mut Block, owner: &Ident, context: &Ident, paths: &Paths) {
    let mut rewriter = Rewriter {
        owner,
        context,
        private: paths.private(),
    };
    rewriter.visit_block_mut(block);
}

struct Rewriter<'a> {
    owner: &'a Ident,
    context: &'a Ident,
    private: TokenStream,
}

impl VisitMut for Rewriter<'_> {
    fn visit_item_mut(&mut self, _: &mut Item) {}

    fn visit_expr_closure_mut(&mut self, closure: &mut ExprClosure) {
        // The name means something else in there.
        if !closure
            .inputs
            .iter()
            .any(|pattern| binds(pattern, self.context))
        {
            visit_mut::visit_expr_closure_mut(self, closure);
        }
    }

    fn visit_expr_method_call_mut(&mut self, call: &mut ExprMethodCall) {
        visit_mut::visit_expr_method_call_mut(self, call);
        if is_context(&call.receiver, self.context) && kind_of(&call.method).is_some() {
            if let Some(name) = call.args.first_mut() {
                *name = self.key(name);
            }
        } else if call.method == "compensate"
            && Chain::of_call(call, self.context).is_some()
            && let Some(Expr::Path(path)) = call.args.first()
        {
            let path = &path.path;
            let value = parse_quote_spanned!(path.span()=> #path {});
            call.args = [Expr::Struct(value)].into_iter().collect();
        }
    }

    fn visit_macro_mut(&mut self, mac: &mut Macro) {
        let parts = match macros::read(mac) {
            Reading::Combinator { parts, .. } => parts,
            Reading::Ordinary(parts) | Reading::Escape(parts) => parts,
            Reading::Opaque => return,
        };
        let parts = parts.into_iter().map(|mut part| {
            if let Part::Value(value) | Part::Branch(value) | Part::Handler(value) = &mut part {
                self.visit_expr_mut(value);
            }
            part.into_token_stream()
        });
        mac.tokens = parts.collect();
    }
}

impl Rewriter<'_> {
    /// The key of a name. A name that was found wanting becomes a key that fits everywhere, so that
    /// the mistake is reported once.
    fn key(&self, name: &Expr) -> Expr {
        let Self { owner, private, .. } = self;
        if let Expr::Lit(literal) = name
            && let Lit::Str(name) = &literal.lit
            && flaw(&name.value()).is_none()
        {
            let variant = variant_ident(name);
            let mut owner = (*owner).clone();
            owner.set_span(name.span());
            return parse_quote!(#owner::#variant);
        }
        parse_quote!(#private::InvalidKey::of(&(#name)))
    }
}
