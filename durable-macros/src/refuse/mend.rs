//! A refused body as it was meant. The compiler reads the body too, and what it would say of a mistake
//! that was reported already would be noise; nothing is mended in a body that was not refused.

use proc_macro2::{Ident, Span, TokenStream};
use quote::quote;
use syn::{
    Block, Expr, ExprCall, ExprMethodCall, ExprReturn, ExprTry, ExprTuple, Item, LitStr, Macro,
    Stmt, parse_quote,
    visit_mut::{self, VisitMut},
};

use crate::{
    facts::{BodyFacts, Fact},
    operations::{Carries, OperationKind, is_of_result, made_by},
    paths::Paths,
    rules::options::is_refused,
    syntax::{
        borrows::first_borrow,
        construct,
        expressions::{is_constructor, last_name, peel, referenced_name, string, turbofish},
        macros::MacroArgs,
        operation_call::{FragmentCall, OperationCall},
        step_bodies,
    },
};

/// Mends a body in place, of which this was read.
pub(crate) fn mend(
    block: &mut Block,
    owner: &Ident,
    context: &Ident,
    body: &BodyFacts,
    paths: &Paths,
) {
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
    body: &'a BodyFacts,
    private: TokenStream,
}

impl VisitMut for Mender<'_> {
    fn visit_item_mut(&mut self, _: &mut Item) {}

    fn visit_expr_try_mut(&mut self, tried: &mut ExprTry) {
        if self.operation(&tried.expr).is_some() {
            *tried.expr = construct::awaited((*tried.expr).clone());
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
        let makes = last_name(&call.func).and_then(made_by).is_some();
        if makes
            && call
                .args
                .first()
                .is_some_and(|first| self.is_context(first))
        {
            self.rename(call.args.iter_mut().nth(1));
        }
    }

    fn visit_expr_method_call_mut(&mut self, call: &mut ExprMethodCall) {
        visit_mut::visit_expr_method_call_mut(self, call);
        self.named_elsewhere(call);
        self.name_left_out(call);
        if is_of_result(&call.method) && self.operation(&call.receiver).is_some() {
            *call.receiver = construct::awaited((*call.receiver).clone());
        }
    }

    fn visit_expr_mut(&mut self, expression: &mut Expr) {
        if let Expr::Verbatim(body) = expression
            && let Some(body) = step_bodies::parse(body)
        {
            *expression = body;
        }
        visit_mut::visit_expr_mut(self, expression);
        if let Some(mended) = self.mended(expression) {
            *expression = mended;
        }
    }

    fn visit_macro_mut(&mut self, mac: &mut Macro) {
        let args = MacroArgs::parse(mac);
        // What `nondeterministic!` cannot do without is its value.
        if let (MacroArgs::Hatch(_), [value]) = (&args, &*args.values()) {
            mac.tokens = quote!("", #value);
        }
        MacroArgs::parse(mac).rewrite(mac, &mut |expression| self.visit_expr_mut(expression));
    }
}

impl Mender<'_> {
    fn is_context(&self, expression: &Expr) -> bool {
        referenced_name(expression).is_some_and(|name| name == self.context)
    }

    /// What an expression makes, if that is an operation.
    fn operation(&self, expression: &Expr) -> Option<&'static OperationKind> {
        Some(OperationCall::find(expression, &|name| name == self.context)?.kind)
    }

    /// What an expression was meant to be, whose parts are mended.
    fn mended(&self, expression: &Expr) -> Option<Expr> {
        match expression {
            Expr::Lit(_) => {
                let text = string(expression).filter(|text| self.is_borrowed(text))?;
                Some(parse_quote!(::std::string::String::from(#text)))
            }
            // Of what was awaited for the sake of its result.
            Expr::Await(awaited) => match &*awaited.base {
                Expr::MethodCall(call)
                    if is_of_result(&call.method) && matches!(&*call.receiver, Expr::Await(_)) =>
                {
                    Some((*awaited.base).clone())
                }
                _ => None,
            },
            Expr::MethodCall(call) => {
                let is_late = call.method == "compensate" && self.is_late(&call.method);
                let is_refused = || {
                    self.operation(&call.receiver)
                        .is_some_and(|kind| is_refused(kind, call))
                };
                let without = || (is_late || is_refused()).then(|| (*call.receiver).clone());
                self.refused_payload(call).or_else(without)
            }
            _ => None,
        }
    }

    /// An operation of the context under another name.
    fn named_elsewhere(&self, call: &mut ExprMethodCall) {
        let is_alias = referenced_name(&call.receiver).is_some_and(|receiver| {
            let mut facts = self.body.facts.iter();
            facts.any(|fact| matches!(fact, Fact::Alias(alias) if alias == receiver))
        });
        if is_alias && made_by(&call.method).is_some() {
            self.rename(call.args.first_mut());
        }
    }

    /// An operation that has everything but a name: `ctx.sleep(pause)`.
    fn name_left_out(&self, call: &mut ExprMethodCall) {
        let arity = made_by(&call.method).map(|kind| kind.arity);
        let is_named = matches!(call.args.first(), Some(Expr::Lit(_)) | None);
        if !is_named && arity == Some(call.args.len() + 1) && self.is_context(&call.receiver) {
            call.args.insert(0, parse_quote!(""));
        }
    }

    /// A fragment's call of itself: there is no constant for its scope.
    fn recursion(&self, call: &mut ExprCall) {
        let is_itself = FragmentCall::find(call, &|name| name == self.context)
            .is_some_and(|call| call.fragment.is_ident(self.owner));
        if let (true, Some(Expr::MethodCall(scope))) = (is_itself, call.args.first_mut())
            && let Some(name) = scope.args.first_mut()
        {
            *name = parse_quote!("");
        }
    }

    /// A wait for a value whose type cannot be one.
    fn refused_payload(&self, call: &ExprMethodCall) -> Option<Expr> {
        let is_wait = made_by(&call.method).is_some_and(|kind| kind.carries == Carries::Payload);
        let payload = turbofish(call.turbofish.as_ref());
        let is_payload = payload.is_some_and(|payload| first_borrow(payload).is_none());
        if !is_wait || is_payload || !self.is_context(&call.receiver) {
            return None;
        }
        let (private, context) = (&self.private, &call.receiver);
        let payload = payload.map_or_else(|| quote!(_), |payload| quote!(#payload));
        let path = quote!(#private::refused_signal::<#payload, _>);
        let context = parse_quote!(&#context);
        let names = Expr::Tuple(ExprTuple {
            attrs: Vec::new(),
            paren_token: call.paren_token,
            elems: call.args.clone(),
        });
        Some(construct::call(&path, [context, names], Span::call_site()))
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
        self.body.facts.iter().any(|fact| {
            matches!(fact, Fact::BorrowedOutput(given)
                if given.span().start() == text.span().start() && given.value() == text.value())
        })
    }

    /// Whether an option was reported as one that is set too late.
    fn is_late(&self, option: &Ident) -> bool {
        self.body.facts.iter().any(|fact| {
            matches!(fact, Fact::LateOption(late)
                if late == option && late.span().start() == option.span().start())
        })
    }

    /// An operation that is returned in place of what it comes to.
    fn returned(&self, value: &mut Expr) {
        if let Expr::Call(call) = value
            && is_constructor(&call.func)
            && let Some(operation) = call.args.first_mut()
            && self.operation(operation).is_some()
        {
            *operation = construct::tried(construct::awaited(operation.clone()));
        }
        if self.operation(value).is_some() {
            let output = construct::tried(construct::awaited(peel(value).clone()));
            let path = quote!(::core::result::Result::Ok);
            *value = construct::call(&path, [output], Span::call_site());
        }
    }
}
