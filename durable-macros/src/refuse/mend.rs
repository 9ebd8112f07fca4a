//! A refused body as it was meant. The compiler reads the body too, and what it would say of a mistake
//! that was reported already would be noise; nothing is mended in a body that was not refused.

use proc_macro2::{Ident, TokenStream};
use quote::quote;
use syn::{
    Block, Expr, ExprAwait, ExprCall, ExprLit, ExprMethodCall, ExprReturn, ExprTry, Item, Lit,
    LitStr, Macro, Stmt, parse_quote,
    visit_mut::{self, VisitMut},
};

use crate::{
    facts::{Body, Kind},
    paths::Paths,
    read::{body::turbofish, call_sites::is_constructor},
    rules::{options, signature::Borrow},
    syntax::{
        macros::{self, Reading},
        operation_call::{
            Chain, FragmentCall, context_ident, is_context, is_of_result, kind_of, peel,
        },
    },
};

/// Mends a body in place.
pub(crate) fn mend(block: &mut Block, owner: &Ident, context: &Ident, body: &Body, paths: &Paths) {
    let mut mender = Mender {
        owner,
        context,
        body,
        private: paths.private(),
    };
    mender.visit_block_mut(block);
    if let Some(Stmt::Expr(tail, None)) = block.stmts.last_mut() {
        mender.returned(tail);
    }
}

struct Mender<'a> {
    owner: &'a Ident,
    context: &'a Ident,
    body: &'a Body,
    private: TokenStream,
}

impl VisitMut for Mender<'_> {
    fn visit_item_mut(&mut self, _: &mut Item) {}

    fn visit_expr_try_mut(&mut self, tried: &mut ExprTry) {
        if self.kind(&tried.expr).is_some() {
            await_it(&mut tried.expr);
        }
        visit_mut::visit_expr_try_mut(self, tried);
    }

    fn visit_expr_return_mut(&mut self, returned: &mut ExprReturn) {
        visit_mut::visit_expr_return_mut(self, returned);
        if let Some(value) = &mut returned.expr {
            self.returned(value);
        }
    }

    fn visit_expr_call_mut(&mut self, call: &mut ExprCall) {
        visit_mut::visit_expr_call_mut(self, call);
        self.recursion(call);
        let method = match peel(&call.func) {
            Expr::Path(path) => path.path.segments.last().map(|last| &last.ident),
            _ => None,
        };
        let first = call.args.first();
        if method.is_some_and(|method| kind_of(method).is_some())
            && first.is_some_and(|first| is_context(first, self.context))
        {
            self.rename(call.args.iter_mut().nth(1));
        }
    }

    fn visit_expr_method_call_mut(&mut self, call: &mut ExprMethodCall) {
        visit_mut::visit_expr_method_call_mut(self, call);
        self.named_elsewhere(call);
        self.name_left_out(call);
        if is_of_result(&call.method) && self.kind(&call.receiver).is_some() {
            await_it(&mut call.receiver);
        }
    }

    fn visit_expr_mut(&mut self, expression: &mut Expr) {
        visit_mut::visit_expr_mut(self, expression);
        if let Expr::Lit(ExprLit {
            lit: Lit::Str(text),
            ..
        }) = expression
            && self.is_borrowed(text)
        {
            *expression = parse_quote!(::std::string::String::from(#text));
        }
        if let Expr::Await(awaited) = expression
            && let Expr::MethodCall(call) = &*awaited.base
            && is_of_result(&call.method)
            && matches!(&*call.receiver, Expr::Await(_))
        {
            *expression = (*awaited.base).clone();
        }
        if let Expr::MethodCall(call) = expression
            && let Some(wait) = self.refused_signal(call)
        {
            *expression = wait;
        }
        if let Expr::MethodCall(call) = expression
            && call.method == "compensate"
            && self.is_late(&call.method)
        {
            *expression = (*call.receiver).clone();
        }
        if let Expr::MethodCall(call) = expression
            && let Some(kind) = self.kind(&call.receiver)
            && options::is_refused(kind, call)
        {
            *expression = (*call.receiver).clone();
        }
    }

    fn visit_macro_mut(&mut self, mac: &mut Macro) {
        // What `nondeterministic!` cannot do without is its value.
        if let Reading::Escape(parts) = macros::read(mac)
            && let [value] = &*macros::expressions(&parts)
        {
            mac.tokens = quote!("", #value);
        }
        macros::rewrite(mac, &mut |_, expression| self.visit_expr_mut(expression));
    }
}

impl Mender<'_> {
    /// What an expression makes, if that is an operation.
    fn kind(&self, expression: &Expr) -> Option<Kind> {
        let chain = Chain::of(expression, self.context)?;
        kind_of(&chain.call.method)
    }

    /// An operation of the context under another name.
    fn named_elsewhere(&self, call: &mut ExprMethodCall) {
        let is_alias = context_ident(&call.receiver)
            .is_some_and(|receiver| self.body.aliases.contains(receiver));
        if is_alias && kind_of(&call.method).is_some() {
            self.rename(call.args.first_mut());
        }
    }

    /// An operation that has everything but a name: `ctx.sleep(pause)`.
    fn name_left_out(&self, call: &mut ExprMethodCall) {
        let arity = kind_of(&call.method).map(Kind::arity);
        let named = matches!(call.args.first(), Some(Expr::Lit(_)) | None);
        if is_context(&call.receiver, self.context) && !named && arity == Some(call.args.len() + 1)
        {
            call.args.insert(0, parse_quote!(""));
        }
    }

    /// A fragment's call of itself: there is no constant for its scope.
    fn recursion(&self, call: &mut ExprCall) {
        let calls_itself = FragmentCall::of(call, self.context)
            .is_some_and(|call| call.fragment.is_ident(self.owner));
        if let (true, Some(Expr::MethodCall(scope))) = (calls_itself, call.args.first_mut())
            && let Some(name) = scope.args.first_mut()
        {
            *name = parse_quote!("");
        }
    }

    /// A wait for a signal whose value cannot be one.
    fn refused_signal(&self, call: &ExprMethodCall) -> Option<Expr> {
        let payload = turbofish(call.turbofish.as_ref());
        let is_refused = payload
            .as_ref()
            .is_none_or(|payload| Borrow::find(payload).is_some());
        if !is_refused || call.method != "signal" || !is_context(&call.receiver, self.context) {
            return None;
        }
        let Self { private, .. } = self;
        let payload = payload.unwrap_or_else(|| parse_quote!(_));
        let (context, name) = (&call.receiver, &call.args);
        Some(parse_quote!(#private::refused_signal::<#payload, _>(&#context, (#name))))
    }

    /// The name of an operation that is built in another way than on the context.
    fn rename(&self, name: Option<&mut Expr>) {
        if let Some(name @ Expr::Lit(_)) = name {
            let private = &self.private;
            *name = parse_quote!(#private::InvalidKey::of(&#name));
        }
    }

    /// Whether this was reported as text that a step gives.
    fn is_borrowed(&self, text: &LitStr) -> bool {
        let same = |given: &LitStr| {
            given.span().start() == text.span().start() && given.value() == text.value()
        };
        self.body.literals.iter().any(same)
    }

    /// Whether an option was reported as one that is set too late.
    fn is_late(&self, option: &Ident) -> bool {
        let same = |late: &Ident| late == option && late.span().start() == option.span().start();
        self.body.late_options.iter().any(same)
    }

    /// An operation that is returned in place of what it comes to.
    fn returned(&self, value: &mut Expr) {
        if let Expr::Call(call) = value
            && is_constructor(&call.func)
            && let Some(operation) = call.args.first_mut()
            && self.kind(operation).is_some()
        {
            *operation = parse_quote!(#operation.await?);
        }
        if self.kind(value).is_some() {
            let operation = peel(value);
            *value = parse_quote!(::core::result::Result::Ok(#operation.await?));
        }
    }
}

fn await_it(operation: &mut Box<Expr>) {
    let base = operation.clone();
    **operation = Expr::Await(ExprAwait {
        attrs: Vec::new(),
        base,
        dot_token: parse_quote!(.),
        await_token: parse_quote!(await),
    });
}
