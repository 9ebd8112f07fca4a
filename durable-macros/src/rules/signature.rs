//! Signatures.

use quote::ToTokens;
use syn::{FnArg, GenericParam, Pat, Path, ReturnType, Safety, Type, visit::Visit};

use crate::{
    diagnostics::Diagnostics,
    syntax::function::{Function, is_data, is_named_context},
};

/// What an attribute asks of a signature.
pub(crate) struct Shape {
    /// What a message calls the fn: `workflow`.
    pub(crate) noun: &'static str,
    /// The first parameter: `ctx: &Ctx`.
    pub(crate) context: &'static str,
    /// How many parameters may follow it.
    pub(crate) inputs: std::ops::RangeInclusive<usize>,
    /// Whether it is called by the engine, with values from the journal, and not by user code.
    pub(crate) by_engine: bool,
    /// Why no more of them.
    pub(crate) why_one: &'static str,
    /// What a whole signature looks like.
    pub(crate) example: &'static str,
}

pub(crate) const WORKFLOW: Shape = Shape {
    noun: "workflow",
    context: "ctx: &Ctx",
    inputs: 0..=1,
    by_engine: true,
    why_one: "one value is recorded with the run; put several into a struct or a tuple",
    example: "async fn order(ctx: &Ctx, input: Order) -> durable::Result<Receipt>",
};

pub(crate) const COMPENSATION: Shape = Shape {
    noun: "compensation",
    context: "step: &StepCtx",
    inputs: 1..=1,
    by_engine: true,
    why_one: "a rollback has what the step recorded, and nothing else",
    example: "async fn refund(step: &StepCtx, payment: Payment) -> durable::Result<()>",
};

pub(crate) const FRAGMENT: Shape = Shape {
    noun: "fragment",
    context: "ctx: Ctx",
    inputs: 0..=usize::MAX,
    by_engine: false,
    why_one: "",
    example: "async fn bill(ctx: Ctx, order: &Order) -> durable::Result<Payment>",
};

/// Judges a signature against a shape.
pub(crate) fn check(function: &Function, shape: &Shape, diagnostics: &mut Diagnostics) {
    let judge = Judge { function, shape };
    judge.qualifiers(diagnostics);
    judge.generics(diagnostics);
    judge.context(diagnostics);
    if !function.has_receiver() {
        judge.inputs(diagnostics);
    }
    judge.output(diagnostics);
}

struct Judge<'a> {
    function: &'a Function,
    shape: &'a Shape,
}

impl Judge<'_> {
    fn subject(&self) -> String {
        format!("{} `{}`", self.shape.noun, self.function.ident())
    }

    fn push(&self, diagnostics: &mut Diagnostics, at: impl ToTokens, what: &str, why: &str) {
        let what = format!("{} {what}", self.subject());
        diagnostics.push(at, what, why, format_args!("`{}`", self.shape.example));
    }

    fn qualifiers(&self, diagnostics: &mut Diagnostics) {
        let signature = &self.function.signature;
        if signature.asyncness.is_none() {
            self.push(
                diagnostics,
                signature.fn_token,
                "must be `async`",
                "the engine drives it as a future, and puts it aside while it waits",
            );
        }
        if let Some(token) = &signature.constness {
            self.push(
                diagnostics,
                token,
                "cannot be `const`",
                "it runs in the engine",
            );
        }
        if let Safety::Unsafe(token) = &signature.safety {
            self.push(
                diagnostics,
                token,
                "cannot be `unsafe`",
                "the engine calls it, and cannot keep a contract that it does not know",
            );
        }
        if let Some(abi) = &signature.abi {
            self.push(
                diagnostics,
                abi,
                "cannot have a foreign ABI",
                "the engine calls it as a Rust fn",
            );
        }
        if let Some(variadic) = &signature.variadic {
            self.push(
                diagnostics,
                variadic,
                "cannot be variadic",
                "its input is one value, which is recorded",
            );
        }
    }

    fn generics(&self, diagnostics: &mut Diagnostics) {
        let generics = &self.function.signature.generics;
        for parameter in &generics.params {
            let what = match parameter {
                GenericParam::Lifetime(_) if !self.shape.by_engine => continue,
                GenericParam::Lifetime(_) => "cannot have lifetime parameters",
                GenericParam::Type(_) => "cannot be generic",
                GenericParam::Const(_) => "cannot have const parameters",
            };
            let why = if self.shape.by_engine {
                "it is registered once, under one name, with types that are known to a process which \
                 finds a recorded run"
            } else {
                "its operations are part of a constant graph, one for all calls"
            };
            self.push(diagnostics, parameter, what, why);
        }
        if let (true, Some(clause)) = (generics.params.is_empty(), &generics.where_clause) {
            self.push(
                diagnostics,
                clause,
                "cannot have a `where` clause",
                "it has no parameters that one could restrict",
            );
        }
    }

    fn context(&self, diagnostics: &mut Diagnostics) {
        let what = format!("must take `{}` first", self.shape.context);
        let why = "everything durable goes through it";
        let signature = &self.function.signature;
        match signature.inputs.first() {
            None => self.push(diagnostics, self.function.ident(), &what, why),
            Some(FnArg::Receiver(receiver)) => self.push(
                diagnostics,
                receiver,
                "cannot be a method",
                "a recorded run has no `self` that it could be called on after a restart",
            ),
            Some(FnArg::Typed(parameter)) => {
                if !self.is_context(&parameter.ty) {
                    self.push(diagnostics, &parameter.ty, &what, why);
                } else if !matches!(&*parameter.pat, Pat::Ident(_) | Pat::Wild(_)) {
                    self.push(diagnostics, &parameter.pat, &what, why);
                }
            }
        }
    }

    /// Whether a type can be the context's: a path, or a shared reference to one, as the compiler
    /// checks the rest.
    fn is_context(&self, ty: &Type) -> bool {
        let borrowed = self.shape.context.contains('&');
        match ty {
            Type::Path(path) => !borrowed && self.may_be_context(&path.path),
            Type::Reference(reference) => match &*reference.elem {
                Type::Path(path) => {
                    borrowed && reference.mutability.is_none() && self.may_be_context(&path.path)
                }
                _ => false,
            },
            Type::Group(group) => self.is_context(&group.elem),
            _ => false,
        }
    }

    /// Whether a path may stand for the context's type: under an alias it may have any name, but not
    /// that of another context.
    fn may_be_context(&self, path: &Path) -> bool {
        let expected = self.shape.context.rsplit([' ', '&']).next();
        let name = path.segments.last().map(|last| last.ident.to_string());
        let another = name
            .filter(|name| name.ends_with("Ctx"))
            .is_some_and(|name| Some(&*name) != expected);
        !another && !is_data(path)
    }

    fn inputs(&self, diagnostics: &mut Diagnostics) {
        let inputs = self.function.signature.inputs.iter().skip(1);
        let count = inputs.clone().count();
        let has_context = match self.function.signature.inputs.first() {
            Some(FnArg::Typed(parameter)) => self.is_context(&parameter.ty),
            _ => false,
        };
        // Without a context, what there is may be the input.
        if has_context && count < *self.shape.inputs.start() {
            self.push(
                diagnostics,
                self.function.ident(),
                "must take the output of the step that it undoes",
                "a rollback calls it with what the step recorded",
            );
        }
        for (index, input) in inputs.enumerate() {
            if index >= *self.shape.inputs.end() {
                self.push(
                    diagnostics,
                    input,
                    "takes one input at most",
                    self.shape.why_one,
                );
            } else if let FnArg::Typed(parameter) = input
                && (has_context || !is_named_context(&parameter.ty))
            {
                self.input(&parameter.ty, diagnostics);
            }
        }
    }

    fn input(&self, ty: &Type, diagnostics: &mut Diagnostics) {
        if !self.shape.by_engine {
            return;
        }
        if let Some(borrow) = Borrow::find(ty) {
            self.push(
                diagnostics,
                borrow,
                "cannot take a borrowed input",
                "the input is read from the journal after a restart, when nobody is there to lend it",
            );
        } else if let Type::ImplTrait(opaque) = ty {
            self.push(
                diagnostics,
                opaque,
                "cannot take an `impl Trait` input",
                "the input is read from the journal, so its type must be known",
            );
        }
    }

    fn output(&self, diagnostics: &mut Diagnostics) {
        if !self.shape.by_engine {
            return;
        }
        let why = "a run ends with a value that is recorded, or with a failure";
        match &self.function.signature.output {
            ReturnType::Default => {
                let at = self.function.ident();
                self.push(diagnostics, at, "must return a `Result`", why);
            }
            ReturnType::Type(_, ty) => match &**ty {
                Type::Path(path) if is_data(&path.path) => {
                    self.push(diagnostics, ty, "must return a `Result`", why);
                }
                Type::Path(_) | Type::Group(_) | Type::Macro(_) | Type::Paren(_) => {}
                other => self.push(diagnostics, other, "must return a `Result`", why),
            },
        }
        let value = self.function.value().and_then(Borrow::find);
        let borrow = value.or_else(|| self.function.output().and_then(Borrow::find_short));
        if let Some(borrow) = borrow {
            self.push(
                diagnostics,
                borrow,
                "cannot return a borrowed value",
                "what it returns is recorded, and read again by whoever asks for the result",
            );
        }
    }
}

/// A search for references in a type.
pub(crate) struct Borrow<'ast> {
    /// Whether one that is `'static` counts. Also such a value cannot be read from the journal.
    statics: bool,
    first: Option<&'ast Type>,
}

impl<'ast> Borrow<'ast> {
    /// The first reference in the type of a value that is recorded.
    pub(crate) fn find(ty: &'ast Type) -> Option<&'ast Type> {
        Self::search(ty, true)
    }

    /// The first reference that does not live for ever.
    fn find_short(ty: &'ast Type) -> Option<&'ast Type> {
        Self::search(ty, false)
    }

    fn search(ty: &'ast Type, statics: bool) -> Option<&'ast Type> {
        let mut search = Self {
            statics,
            first: None,
        };
        search.visit_type(ty);
        search.first
    }
}

impl<'ast> Visit<'ast> for Borrow<'ast> {
    fn visit_type(&mut self, ty: &'ast Type) {
        match ty {
            Type::Reference(reference) => {
                let owned = reference
                    .lifetime
                    .as_ref()
                    .is_some_and(|lifetime| lifetime.ident == "static");
                if (self.statics || !owned) && self.first.is_none() {
                    self.first = Some(ty);
                }
            }
            // What a fn pointer borrows is its caller's.
            Type::FnPtr(_) => {}
            _ => syn::visit::visit_type(self, ty),
        }
    }
}
