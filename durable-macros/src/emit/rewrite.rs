//! The body, with name literals turned into keys.

use proc_macro2::{Ident, TokenStream};
use quote::{quote, quote_spanned};
use syn::{
    Arm, Block, Expr, ExprCall, ExprClosure, ExprForLoop, ExprIf, ExprLet, ExprLit, ExprMethodCall,
    ExprPath, ExprWhile, Item, Lit, LitStr, Local, Macro, Pat, Path, PathSegment, parse_quote,
    parse_quote_spanned,
    punctuated::Punctuated,
    spanned::Spanned,
    token::Paren,
    visit_mut::{self, VisitMut},
};

use super::keys::constant;
use super::keys::variant_ident;
use crate::{
    facts::Kind,
    names::flaw,
    paths::{Paths, generated_at},
    refuse,
    resolve::scopes::binds,
    syntax::{
        macros::{self, Part, Reading},
        operation_call::{Chain, FragmentCall, fan_out, is_context, kind_of, renews_context},
    },
};

/// Rewrites a body in place.
pub(crate) fn rewrite(block: &mut Block, owner: &Ident, context: &Ident, paths: &Paths) {
    let mut rewriter = Rewriter {
        owner,
        context,
        private: paths.private(),
        shadowed: false,
    };
    rewriter.visit_block_mut(block);
}

struct Rewriter<'a> {
    owner: &'a Ident,
    context: &'a Ident,
    private: TokenStream,
    /// Whether the context's name means something else here.
    shadowed: bool,
}

impl VisitMut for Rewriter<'_> {
    fn visit_item_mut(&mut self, _: &mut Item) {}

    fn visit_block_mut(&mut self, block: &mut Block) {
        self.scope(|rewriter| visit_mut::visit_block_mut(rewriter, block));
    }

    fn visit_local_mut(&mut self, local: &mut Local) {
        visit_mut::visit_local_mut(self, local);
        if !renews_context(local, self.context) {
            self.bind(&local.pat);
        }
    }

    fn visit_expr_let_mut(&mut self, expression: &mut ExprLet) {
        visit_mut::visit_expr_let_mut(self, expression);
        self.bind(&expression.pat);
    }

    fn visit_expr_if_mut(&mut self, expression: &mut ExprIf) {
        self.scope(|rewriter| {
            rewriter.visit_expr_mut(&mut expression.cond);
            rewriter.visit_block_mut(&mut expression.then_branch);
        });
        if let Some((_, otherwise)) = &mut expression.else_branch {
            self.visit_expr_mut(otherwise);
        }
    }

    fn visit_expr_while_mut(&mut self, expression: &mut ExprWhile) {
        self.scope(|rewriter| visit_mut::visit_expr_while_mut(rewriter, expression));
    }

    fn visit_expr_for_loop_mut(&mut self, expression: &mut ExprForLoop) {
        self.visit_expr_mut(&mut expression.expr);
        self.scope(|rewriter| {
            rewriter.bind(&expression.pat);
            rewriter.visit_block_mut(&mut expression.body);
        });
    }

    fn visit_arm_mut(&mut self, arm: &mut Arm) {
        self.scope(|rewriter| {
            rewriter.bind(&arm.pat);
            visit_mut::visit_arm_mut(rewriter, arm);
        });
    }

    fn visit_expr_closure_mut(&mut self, closure: &mut ExprClosure) {
        self.scope(|rewriter| {
            closure.inputs.iter().for_each(|input| rewriter.bind(input));
            visit_mut::visit_expr_closure_mut(rewriter, closure);
        });
    }

    fn visit_expr_call_mut(&mut self, call: &mut ExprCall) {
        let scope = FragmentCall::of(call, self.context)
            .filter(|_| !self.shadowed)
            .and_then(|call| literal(call.scope.call.args.first()?).cloned());
        visit_mut::visit_expr_call_mut(self, call);
        if fan_out(call).is_some()
            && matches!(&*call.func, Expr::Path(path) if path.path.get_ident().is_some())
        {
            let private = &self.private;
            for branches in &mut call.args {
                let at = generated_at(branches.span());
                // Put together and not parsed: there may be something half-typed in it.
                *branches = Expr::Call(ExprCall {
                    attrs: Vec::new(),
                    func: parse_quote_spanned!(at=> #private::branches),
                    paren_token: Paren(at),
                    args: [branches.clone()].into_iter().collect(),
                });
            }
        }
        // Rewritten already, to a key that fits everywhere.
        if let (Some(name), Some(Expr::MethodCall(scope))) = (scope, call.args.first_mut())
            && let Some(key) = scope.args.first_mut()
        {
            let constant = constant(&name);
            let owner = self.owner_at(&name);
            *key = parse_quote!(#owner::#constant);
        }
    }

    fn visit_expr_method_call_mut(&mut self, call: &mut ExprMethodCall) {
        visit_mut::visit_expr_method_call_mut(self, call);
        if self.shadowed {
            return;
        }
        let kind = kind_of(&call.method).filter(|_| is_context(&call.receiver, self.context));
        if let Some(kind) = kind {
            if let Some(name) = call.args.first_mut() {
                *name = self.key(kind, name);
            }
        } else if call.method == "compensate"
            && Chain::of_call(call, self.context).is_some()
            && let Some(Expr::Path(path)) = call.args.first()
        {
            let path = &path.path;
            let private = &self.private;
            let value = parse_quote_spanned!(path.span()=> #path { wired: #private::Wired });
            call.args = [Expr::Struct(value)].into_iter().collect();
        }
    }

    fn visit_macro_mut(&mut self, mac: &mut Macro) {
        macros::rewrite(mac, &mut |pattern, expression| {
            self.scope(|rewriter| {
                pattern
                    .into_iter()
                    .for_each(|pattern| rewriter.bind(pattern));
                rewriter.visit_expr_mut(expression);
            });
        });
        claim(mac);
        if !self.shadowed && matches!(macros::read(mac), Reading::Opaque | Reading::Broken) {
            let private = &self.private;
            let key = quote!(#private::InvalidKey);
            mac.tokens = refuse::without_names(mac.tokens.clone(), self.context, &key);
        }
    }
}

impl Rewriter<'_> {
    /// Rewrites what has locals of its own.
    fn scope(&mut self, rewrite: impl FnOnce(&mut Self)) {
        let shadowed = self.shadowed;
        rewrite(self);
        self.shadowed = shadowed;
    }

    fn bind(&mut self, pattern: &Pat) {
        self.shadowed |= binds(pattern, self.context);
    }

    /// The key of a name. A name that was found wanting becomes a key that fits everywhere, so that
    /// the mistake is reported once; so does a scope that is not handed to a fragment.
    fn key(&self, kind: Kind, name: &Expr) -> Expr {
        let Self { private, .. } = self;
        match literal(name) {
            Some(name) if kind != Kind::Scope => {
                associated(self.owner_at(name), variant_ident(name))
            }
            // There may be no such variant, which was said of the name already.
            _ if self.is_variant(name) => {
                parse_quote!(#private::InvalidKey::of(::core::stringify!(#name)))
            }
            _ => parse_quote!(#private::InvalidKey::of(&(#name))),
        }
    }

    fn is_variant(&self, name: &Expr) -> bool {
        matches!(name, Expr::Path(path) if path.path.segments.first()
            .is_some_and(|first| path.path.segments.len() > 1 && first.ident == *self.owner))
    }

    fn owner_at(&self, name: &LitStr) -> Ident {
        let mut owner = self.owner.clone();
        owner.set_span(name.span());
        owner
    }
}

/// `owner::item`, put together and not parsed: every operation has one.
fn associated(owner: Ident, item: Ident) -> Expr {
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

/// Marks what only our combinators take. A race without arms is told to be one: the compiler would try to
/// read its first branch as the pattern of an arm. Written without its crate, the macro of another crate
/// that has the same name does not compile then.
fn claim(mac: &mut Macro) {
    let Some(name) = mac.path.segments.last().map(|last| &last.ident) else {
        return;
    };
    let tokens = &mac.tokens;
    let span = name.span();
    let marked = match macros::read(mac) {
        Reading::Combinator {
            kind: "race",
            parts,
        } if !parts.iter().any(|part| matches!(part, Part::Pattern(_))) => {
            quote_spanned!(span=> @branches #tokens)
        }
        Reading::Combinator { .. } | Reading::Broken => tokens.clone(),
        _ => return,
    };
    let claims = ["join", "try_join", "race"].iter().any(|ours| name == ours);
    mac.tokens = if claims && mac.path.get_ident().is_some() {
        quote_spanned!(span=> @durable #marked)
    } else {
        marked
    };
}

/// The literal that names an operation, if it is well formed.
fn literal(name: &Expr) -> Option<&LitStr> {
    match name {
        Expr::Lit(ExprLit {
            lit: Lit::Str(name),
            ..
        }) if flaw(&name.value()).is_none() => Some(name),
        _ => None,
    }
}
