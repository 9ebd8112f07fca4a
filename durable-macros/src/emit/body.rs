//! The body, with name literals turned into keys.

use std::ptr;

use proc_macro2::{Ident, TokenStream};
use quote::{quote, quote_spanned};
use syn::{
    Block, Expr, Item, LitStr, Macro,
    spanned::Spanned,
    visit_mut::{self, VisitMut},
};

use super::{
    Emitter,
    step_enum::{constant_ident, variant_ident},
};
use crate::{
    facts::Rewrite,
    names::flaw,
    paths::generated_at,
    resolve::Resolved,
    syntax::{
        expressions::string,
        macros::{MacroArgs, MacroKind, MacroPiece},
    },
};

impl Emitter<'_> {
    /// Rewrites the body in place.
    pub(crate) fn rewrite(&self, block: &mut Block, names: Resolved) {
        let emitter = self;
        BodyRewriter { emitter, names }.visit_block_mut(block);
    }
}

struct BodyRewriter<'a> {
    emitter: &'a Emitter<'a>,
    names: Resolved,
}

impl VisitMut for BodyRewriter<'_> {
    fn visit_item_mut(&mut self, _: &mut Item) {}

    fn visit_expr_mut(&mut self, expression: &mut Expr) {
        visit_mut::visit_expr_mut(self, expression);
        let rewrite = self.emitter.body.rewrites.get(&ptr::from_ref(expression));
        if let Some(rewritten) = rewrite.and_then(|rewrite| self.rewritten(expression, *rewrite)) {
            *expression = Expr::Verbatim(rewritten);
        }
    }

    fn visit_macro_mut(&mut self, mac: &mut Macro) {
        let args = self.names.take_macro_args(mac);
        let marks = self.marks(mac, &args);
        args.rewrite(mac, &mut |expression| self.visit_expr_mut(expression));
        if let Some(marks) = marks {
            let tokens = &mac.tokens;
            mac.tokens = quote!(#marks #tokens);
        }
    }
}

impl BodyRewriter<'_> {
    /// What stands in place of an expression. It is not parsed: every operation has one.
    fn rewritten(&self, expression: &Expr, rewrite: Rewrite) -> Option<TokenStream> {
        let private = &self.emitter.private;
        Some(match rewrite {
            Rewrite::Key => self.associated(expression, variant_ident)?,
            Rewrite::ScopeKey => self.associated(expression, constant_ident)?,
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
        let mut owner = self.emitter.function.ident().clone();
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
        let is_ours = is_bare && self.emitter.body.combinators.contains(&ptr::from_ref(mac));
        let durable = is_ours.then(|| quote_spanned!(name.span()=> @durable));
        let is_pattern = |piece: &MacroPiece| matches!(piece, MacroPiece::Pattern(_));
        let pieces = args.pieces.as_deref().unwrap_or_default();
        let is_race = args.kind == MacroKind::Combinator("race") && args.pieces.is_some();
        let is_plain_race = is_race && !pieces.iter().any(is_pattern);
        let branches = is_plain_race.then(|| quote_spanned!(name.span()=> @branches));
        // Of a value without a reason it was said that it has none.
        let reason = args.kind == MacroKind::Hatch && pieces.len() == 1;
        let reason = reason.then(|| quote!("",));
        let marks = quote!(#durable #branches #reason);
        (!marks.is_empty()).then_some(marks)
    }
}
