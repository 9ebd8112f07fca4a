//! Signatures.

use quote::ToTokens;
use syn::{FnArg, GenericParam, Pat, Path, ReturnType, Safety, Type};

use crate::{
    attributes::AttributeKind,
    diagnostics::{Diagnostics, report},
    syntax::{
        expressions::last_names,
        function::{Function, is_data, is_named_context, path_of},
        types::{find_borrow, first_borrow},
    },
};

/// Judges a signature by what its attribute asks of it.
pub(crate) fn review_signature(function: &Function, attribute: &AttributeKind) -> Diagnostics {
    let mut review = SignatureReview {
        function,
        attribute,
        found: Diagnostics::default(),
    };
    review.qualifiers();
    review.generics();
    review.context();
    review.inputs();
    review.output();
    review.found
}

struct SignatureReview<'a> {
    function: &'a Function,
    attribute: &'a AttributeKind,
    found: Diagnostics,
}

impl SignatureReview<'_> {
    fn refuse(&mut self, at: impl ToTokens, what: &str, why: &str) {
        let (noun, ident) = (self.attribute.noun, self.function.ident());
        let example = self.attribute.example;
        report!(
            self.found,
            at,
            "{noun} `{ident}` {what}",
            "{why}",
            "`{example}`"
        );
    }

    fn qualifiers(&mut self) {
        let signature = &self.function.signature;
        if signature.asyncness.is_none() {
            let why = "the engine drives it as a future, and puts it aside while it waits";
            self.refuse(signature.fn_token, "must be `async`", why);
        }
        if let Some(token) = &signature.constness {
            self.refuse(token, "cannot be `const`", "it runs in the engine");
        }
        if let Safety::Unsafe(token) = &signature.safety {
            let why = "the engine calls it, and cannot keep a contract that it does not know";
            self.refuse(token, "cannot be `unsafe`", why);
        }
        if let Some(abi) = &signature.abi {
            let why = "the engine calls it as a Rust fn";
            self.refuse(abi, "cannot have a foreign ABI", why);
        }
        if let Some(variadic) = &signature.variadic {
            let why = "its input is one value, which is recorded";
            self.refuse(variadic, "cannot be variadic", why);
        }
    }

    fn generics(&mut self) {
        let generics = &self.function.signature.generics;
        let by_engine = self.attribute.by_engine;
        for parameter in &generics.params {
            let what = match parameter {
                GenericParam::Lifetime(_) if !by_engine => continue,
                GenericParam::Lifetime(_) => "cannot have lifetime parameters",
                GenericParam::Type(_) => "cannot be generic",
                GenericParam::Const(_) => "cannot have const parameters",
            };
            let why = if by_engine {
                "it is registered once, under one name, with types that are known to a process which \
                 finds a recorded run"
            } else {
                "its operations are part of a constant graph, one for all calls"
            };
            self.refuse(parameter, what, why);
        }
        if let (true, Some(clause)) = (generics.params.is_empty(), &generics.where_clause) {
            let why = "it has no parameters that one could restrict";
            self.refuse(clause, "cannot have a `where` clause", why);
        }
    }

    fn context(&mut self) {
        let what = format!("must take `{}` first", self.attribute.context);
        let why = "everything durable goes through it";
        match self.function.signature.inputs.first() {
            None => self.refuse(self.function.ident(), &what, why),
            Some(FnArg::Receiver(receiver)) => {
                let why = "a recorded run has no `self` that it could be called on after a restart";
                self.refuse(receiver, "cannot be a method", why);
            }
            Some(FnArg::Typed(parameter)) => {
                if !self.is_context(&parameter.ty) {
                    self.refuse(&parameter.ty, &what, why);
                } else if !matches!(&*parameter.pat, Pat::Ident(_) | Pat::Wild(_)) {
                    self.refuse(&parameter.pat, &what, why);
                }
            }
        }
    }

    /// Whether a type can be the context's: a path, or a shared reference to one, as the compiler
    /// checks the rest.
    fn is_context(&self, ty: &Type) -> bool {
        let is_borrowed = self.attribute.context.contains('&');
        path_of(ty).is_some_and(|(reference, path)| {
            let is_shared = reference.is_none_or(|reference| reference.mutability.is_none());
            is_shared && reference.is_some() == is_borrowed && self.may_be_context(path)
        })
    }

    /// Whether a path may stand for the context's type: under an alias it may have any name, but not
    /// that of another context.
    fn may_be_context(&self, path: &Path) -> bool {
        let expected = self.attribute.context.rsplit([' ', '&']).next();
        let (_, name) = last_names(path);
        !is_data(path) && (!name.ends_with("Ctx") || Some(&*name) == expected)
    }

    fn inputs(&mut self) {
        let parameters = &self.function.signature.inputs;
        let has_context = match parameters.first() {
            Some(FnArg::Receiver(_)) => return,
            Some(FnArg::Typed(parameter)) => self.is_context(&parameter.ty),
            None => false,
        };
        let (least, most) = (*self.attribute.inputs.start(), *self.attribute.inputs.end());
        // Without a context, what there is may be the input.
        if has_context && parameters.len() <= least {
            let what = "must take the output of the step that it undoes";
            let why = "a rollback calls it with what the step recorded";
            self.refuse(self.function.ident(), what, why);
        }
        for (index, input) in parameters.iter().skip(1).enumerate() {
            if index >= most {
                self.refuse(input, "takes one input at most", self.attribute.why_one);
            } else if let FnArg::Typed(parameter) = input
                && (has_context || !is_named_context(&parameter.ty))
            {
                self.input(&parameter.ty);
            }
        }
    }

    fn input(&mut self, ty: &Type) {
        if !self.attribute.by_engine {
            return;
        }
        if let Some(borrow) = first_borrow(ty) {
            let why = "the input is read from the journal after a restart, when nobody is there to lend it";
            self.refuse(borrow, "cannot take a borrowed input", why);
        } else if let Type::ImplTrait(opaque) = ty {
            let why = "the input is read from the journal, so its type must be known";
            self.refuse(opaque, "cannot take an `impl Trait` input", why);
        }
    }

    fn output(&mut self) {
        if !self.attribute.by_engine {
            return;
        }
        let what = "must return a `Result`";
        let why = "a run ends with a value that is recorded, or with a failure";
        match &self.function.signature.output {
            ReturnType::Default => self.refuse(self.function.ident(), what, why),
            ReturnType::Type(_, ty) => match &**ty {
                Type::Path(path) if is_data(&path.path) => self.refuse(ty, what, why),
                Type::Path(_) | Type::Group(_) | Type::Macro(_) | Type::Paren(_) => {}
                other => self.refuse(other, what, why),
            },
        }
        let value = self.function.value().and_then(first_borrow);
        let whole = || find_borrow(self.function.output()?, false);
        if let Some(borrow) = value.or_else(whole) {
            let why = "what it returns is recorded, and read again by whoever asks for the result";
            self.refuse(borrow, "cannot return a borrowed value", why);
        }
    }
}
