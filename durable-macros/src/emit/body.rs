//! The body, with name literals turned into keys.

use std::ptr;

use proc_macro2::{Ident, TokenStream};
use quote::{quote, quote_spanned};
use syn::{
    Block, Expr, Item, LitStr, Macro,
    spanned::Spanned,
    visit_mut::{self, VisitMut},
};

use super::step_enum::{constant, variant_ident};
use crate::{
    facts::{BodyFacts, Rewrite},
    names::flaw,
    paths::{Paths, generated_at},
    resolve::Resolved,
    syntax::{
        expressions::string,
        macros::{MacroArgs, MacroPiece},
    },
};

/// Rewrites a body in place, of which this was read.
pub(crate) fn rewrite_body(
    block: &mut Block,
    owner: &Ident,
    names: Resolved,
    body: &BodyFacts,
    paths: &Paths,
) {
    let mut rewriter = BodyRewriter {
        owner,
        names,
        body,
        private: paths.private(),
    };
    rewriter.visit_block_mut(block);
}

struct BodyRewriter<'a> {
    owner: &'a Ident,
    names: Resolved,
    body: &'a BodyFacts,
    private: TokenStream,
}

impl VisitMut for BodyRewriter<'_> {
    fn visit_item_mut(&mut self, _: &mut Item) {}

    fn visit_expr_mut(&mut self, expression: &mut Expr) {
        visit_mut::visit_expr_mut(self, expression);
        let rewrite = self.body.rewrites.get(&ptr::from_ref(expression));
        if let Some(rewritten) = rewrite.and_then(|rewrite| self.rewritten(expression, *rewrite)) {
            *expression = Expr::Verbatim(rewritten);
        }
    }

    fn visit_macro_mut(&mut self, mac: &mut Macro) {
        let args = self.names.take_macro_args(mac);
        let marks = self.marks(mac, &args);
        args.rewrite(mac, &mut |expression| self.visit_expr_mut(expression));
        let tokens = &mac.tokens;
        mac.tokens = quote!(#marks #tokens);
    }
}

impl BodyRewriter<'_> {
    /// What stands in place of an expression. It is not parsed: every operation has one.
    fn rewritten(&self, expression: &Expr, rewrite: Rewrite) -> Option<TokenStream> {
        let private = &self.private;
        Some(match rewrite {
            Rewrite::Key => self.associated(expression, variant_ident)?,
            Rewrite::ScopeKey => self.associated(expression, constant)?,
            Rewrite::NoKey => quote!(::core::stringify!(#expression)),
            Rewrite::Compensation => {
                quote_spanned!(expression.span()=> #expression { wired: #private::Wired })
            }
            Rewrite::Branches => {
                let at = generated_at(expression.span());
                quote_spanned!(at=> #private::branches(#expression))
            }
        })
    }

    /// `owner::item` for a name, if it is well formed.
    fn associated(&self, name: &Expr, item: impl Fn(&LitStr) -> Ident) -> Option<TokenStream> {
        let name = string(name).filter(|name| flaw(&name.value()).is_none())?;
        let mut owner = self.owner.clone();
        owner.set_span(name.span());
        let item = item(name);
        Some(quote!(#owner::#item))
    }

    /// What only our combinators take, before their arguments. A race without arms is told to be one: the
    /// compiler would try to read its first branch as the pattern of an arm. Written without its crate, the
    /// macro of another crate that has the same name does not compile then.
    fn marks(&self, mac: &Macro, args: &MacroArgs) -> Option<TokenStream> {
        let name = &mac.path.segments.last()?.ident;
        let is_bare = mac.path.get_ident().is_some();
        let is_ours = is_bare && self.body.combinators.contains(&ptr::from_ref(mac));
        let durable = is_ours.then(|| quote_spanned!(name.span()=> @durable));
        let is_pattern = |piece: &MacroPiece| matches!(piece, MacroPiece::Pattern(_));
        let is_plain_race = match args {
            MacroArgs::Combinator { kind, pieces } => {
                *kind == "race" && !pieces.iter().any(is_pattern)
            }
            _ => false,
        };
        let branches = is_plain_race.then(|| quote_spanned!(name.span()=> @branches));
        // Of a value without a reason it was said that it has none.
        let reason = matches!(args, MacroArgs::Hatch(pieces) if pieces.len() == 1);
        let reason = reason.then(|| quote!("",));
        Some(quote!(#durable #branches #reason))
    }
}
