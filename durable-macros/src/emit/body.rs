//! The body, with name literals turned into keys.

use proc_macro2::{Ident, Span, TokenStream};
use quote::{quote, quote_spanned};
use syn::{
    Block, Expr, ExprCall, ExprMethodCall, ExprPath, Item, LitStr, Macro, Path, PathSegment,
    parse_quote, parse_quote_spanned,
    punctuated::Punctuated,
    spanned::Spanned,
    visit_mut::{self, VisitMut},
};

use super::step_enum::{constant, variant_ident};
use crate::{
    names::flaw,
    operations::{OperationKind, made_by},
    paths::{Paths, generated_at},
    refuse::without_names,
    resolve::{LocalId, Resolved},
    syntax::{
        construct,
        expressions::{lone_name, string},
        macros::{MacroArgs, MacroPiece},
        operation_call::{FragmentCall, OperationCall, fan_out},
    },
};

/// Rewrites a body in place, whose names mean this.
pub(crate) fn rewrite_body(block: &mut Block, owner: &Ident, names: Resolved, paths: &Paths) {
    let mut rewriter = BodyRewriter {
        owner,
        names,
        private: paths.private(),
    };
    rewriter.visit_block_mut(block);
}

struct BodyRewriter<'a> {
    owner: &'a Ident,
    names: Resolved,
    private: TokenStream,
}

impl VisitMut for BodyRewriter<'_> {
    fn visit_item_mut(&mut self, _: &mut Item) {}

    fn visit_expr_call_mut(&mut self, call: &mut ExprCall) {
        let fragment = FragmentCall::find(call, &|name| self.names.names_context(name));
        let name = fragment.and_then(|call| well_formed(call.scope.call.args.first()?).cloned());
        visit_mut::visit_expr_call_mut(self, call);
        if fan_out(call).is_some() && lone_name(&call.func).is_some() {
            call.args
                .iter_mut()
                .for_each(|branches| self.claim_branches(branches));
        }
        // Rewritten already, to a key that fits everywhere.
        if let (Some(name), Some(Expr::MethodCall(scope))) = (name, call.args.first_mut())
            && let Some(key) = scope.args.first_mut()
        {
            *key = self.associated(&name, constant(&name));
        }
    }

    fn visit_expr_method_call_mut(&mut self, call: &mut ExprMethodCall) {
        visit_mut::visit_expr_method_call_mut(self, call);
        let kind = made_by(&call.method).filter(|_| self.names.is_context(&call.receiver));
        if let Some(kind) = kind {
            if let Some(name) = call.args.first_mut() {
                *name = self.key(kind, name);
            }
        } else if call.method == "compensate"
            && OperationCall::ending_in(call, &|name| self.names.names_context(name)).is_some()
            && let Some(Expr::Path(path)) = call.args.first()
        {
            let path = &path.path;
            let private = &self.private;
            let value = parse_quote_spanned!(path.span()=> #path { wired: #private::Wired });
            call.args = [Expr::Struct(value)].into_iter().collect();
        }
    }

    fn visit_macro_mut(&mut self, mac: &mut Macro) {
        let in_sight = self.names.mentions(&mac.tokens).iter();
        let mut context = in_sight.filter(|mention| mention.local == LocalId::CONTEXT);
        let context = context.next().map(|mention| mention.name.clone());
        let args = self.names.take_macro_args(mac);
        let marks = marks(mac, &args);
        let is_unparsed = matches!(args, MacroArgs::Malformed | MacroArgs::Unknown);
        args.rewrite(mac, &mut |expression| self.visit_expr_mut(expression));
        if let Some(context) = context.filter(|_| is_unparsed) {
            let private = &self.private;
            let key = quote!(#private::InvalidKey);
            mac.tokens = without_names(mac.tokens.clone(), &context, &key);
        }
        if let Some(marks) = marks {
            let tokens = &mac.tokens;
            mac.tokens = quote!(#marks #tokens);
        }
    }
}

impl BodyRewriter<'_> {
    /// The key of a name. A name that was found wanting becomes a key that fits everywhere, so that
    /// the mistake is reported once; so does a scope that is not handed to a fragment.
    fn key(&self, kind: &OperationKind, name: &Expr) -> Expr {
        let Self { private, .. } = self;
        match well_formed(name) {
            Some(name) if !kind.is_scope() => self.associated(name, variant_ident(name)),
            // There may be no such variant, which was said of the name already.
            _ if self.is_variant(name) => {
                parse_quote!(#private::InvalidKey::of(::core::stringify!(#name)))
            }
            _ => {
                let argument = construct::reference(name.clone());
                let path = quote!(#private::InvalidKey::of);
                construct::call(&path, [argument], Span::call_site())
            }
        }
    }

    fn is_variant(&self, name: &Expr) -> bool {
        matches!(name, Expr::Path(path) if path.path.segments.first()
            .is_some_and(|first| path.path.segments.len() > 1 && first.ident == *self.owner))
    }

    /// `owner::item` in the place of a name, put together and not parsed: every operation has one.
    fn associated(&self, name: &LitStr, item: Ident) -> Expr {
        let mut owner = self.owner.clone();
        owner.set_span(name.span());
        let mut segments = Punctuated::new();
        segments.push(PathSegment::from(owner));
        segments.push(PathSegment::from(item));
        Expr::Path(ExprPath {
            attrs: Vec::new(),
            qself: None,
            path: Path {
                leading_colon: None,
                segments,
            },
        })
    }

    /// Puts what `durable::join_all` is given into what only it takes.
    fn claim_branches(&self, branches: &mut Expr) {
        let private = &self.private;
        let at = generated_at(branches.span());
        let path = quote_spanned!(at=> #private::branches);
        *branches = construct::call(&path, [branches.clone()], at);
    }
}

/// What only our combinators take, before their arguments. A race without arms is told to be one: the
/// compiler would try to read its first branch as the pattern of an arm. Written without its crate, the macro
/// of another crate that has the same name does not compile then.
fn marks(mac: &Macro, args: &MacroArgs) -> Option<TokenStream> {
    let is_plain_race = match args {
        MacroArgs::Combinator { kind, pieces } => {
            let mut pieces = pieces.iter();
            *kind == "race" && !pieces.any(|piece| matches!(piece, MacroPiece::Pattern(_)))
        }
        MacroArgs::Malformed => false,
        _ => return None,
    };
    let name = &mac.path.segments.last()?.ident;
    let is_bare = mac.path.get_ident().is_some()
        && ["join", "try_join", "race"].contains(&&*name.to_string());
    let durable = is_bare.then(|| quote_spanned!(name.span()=> @durable));
    let branches = is_plain_race.then(|| quote_spanned!(name.span()=> @branches));
    Some(quote!(#durable #branches))
}

/// The literal that names an operation, if it is well formed.
fn well_formed(name: &Expr) -> Option<&LitStr> {
    string(name).filter(|name| flaw(&name.value()).is_none())
}
