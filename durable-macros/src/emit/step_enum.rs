//! The step enum: one variant for each operation's name.

use std::collections::BTreeMap;

use proc_macro2::{Ident, TokenStream};
use quote::{ToTokens, quote};
use syn::LitStr;

use crate::{
    facts::{BodyFacts, Operation},
    names::{flaw, variant},
    operations::Carries,
    paths::Paths,
    syntax::{function::Function, text::text},
};

/// An operation whose name is well formed.
pub(super) struct NamedOperation<'b> {
    pub(super) operation: &'b Operation,
    pub(super) name: &'b LitStr,
    /// The `cfg`s that it is under.
    pub(super) cfgs: TokenStream,
    text: String,
    variant: Ident,
}

/// The operations whose names are well formed, each name once in what is compiled.
pub(super) fn named_operations(body: &BodyFacts) -> Vec<NamedOperation<'_>> {
    let mut seen: BTreeMap<String, Vec<&Operation>> = BTreeMap::new();
    let mut named = Vec::new();
    for operation in &body.operations {
        let Some(name) = operation.literal() else {
            continue;
        };
        let text = name.value();
        if flaw(&text).is_some() {
            continue;
        }
        let before = seen.entry(variant(&text)).or_default();
        if before.iter().all(|before| before.excludes(operation)) {
            let cfgs = &operation.cfgs;
            named.push(NamedOperation {
                operation,
                name,
                cfgs: quote!(#(#cfgs)*),
                text,
                variant: variant_ident(name),
            });
        }
        before.push(operation);
    }
    named
}

/// The variant of a name, spanned at the name.
pub(super) fn variant_ident(name: &LitStr) -> Ident {
    Ident::new(&variant(&name.value()), name.span())
}

/// The constant of a signal or a scope: its name, raw if that is a keyword.
pub(super) fn constant(name: &LitStr) -> Ident {
    match syn::parse_str::<Ident>(&name.value()) {
        Ok(_) => Ident::new(&name.value(), name.span()),
        Err(_) => Ident::new_raw(&name.value(), name.span()),
    }
}

/// The enum, its `StepKey` and the constants of its signals and scopes.
pub(super) fn step_enum(
    function: &Function,
    named: &[NamedOperation<'_>],
    paths: &Paths,
) -> TokenStream {
    let (ident, visibility) = (function.ident(), &function.visibility);
    let (cfgs, private) = (function.cfgs(), paths.private());
    let variants = named.iter().map(NamedOperation::variant);
    let names = named.iter().map(NamedOperation::name_arm);
    let path = path(named, &private);
    let name = function.name();
    let doc = format!("The operations of [`{name}`](fn@{name}).");
    let constants = named
        .iter()
        .filter_map(|named| named.constant(function, &private));
    let constants: TokenStream = constants.collect();
    let constants = (!constants.is_empty()).then(|| {
        quote! {
            #cfgs
            #[allow(dead_code, non_upper_case_globals, private_interfaces, unused_parens)]
            impl #ident { #constants }
        }
    });
    quote! {
        #cfgs
        #[doc = #doc]
        #[allow(dead_code, non_camel_case_types, private_interfaces, unused_parens)]
        #[allow(missing_copy_implementations, missing_debug_implementations)]
        #visibility enum #ident { #(#variants),* }
        #cfgs
        impl #private::StepKey for #ident {
            fn name(&self) -> &'static str {
                match *self { #(#names),* }
            }
            #path
        }
        #constants
    }
}

/// The paths of the operations of fragments; other operations have their names as paths.
fn path(named: &[NamedOperation<'_>], private: &TokenStream) -> Option<TokenStream> {
    let scopes = named
        .iter()
        .filter(|named| named.operation.fragment.is_some());
    let scopes = scopes.map(|named| {
        let NamedOperation {
            name,
            variant,
            cfgs,
            ..
        } = named;
        quote!(#cfgs Self::#variant(step) => #private::scoped(#name, step))
    });
    let scopes: Vec<TokenStream> = scopes.collect();
    let others = (scopes.len() < named.len())
        .then(|| quote!(other => ::std::borrow::ToOwned::to_owned(#private::StepKey::name(other))));
    (!scopes.is_empty()).then(|| {
        quote! {
            fn path(&self) -> ::std::string::String {
                match self { #(#scopes,)* #others }
            }
        }
    })
}

impl NamedOperation<'_> {
    /// Its variant. A fragment stands in parentheses: there it is a type and nothing else, also when there is
    /// none, and what the compiler says of that it says once.
    fn variant(&self) -> TokenStream {
        let Self {
            operation,
            cfgs,
            text: name,
            variant,
            ..
        } = self;
        let noun = operation.kind.noun;
        let doc = match &operation.fragment {
            Some(fragment) => format!("The operations of [`{}`] as `{name}`.", text(fragment)),
            None => format!("The {noun} `{name}`."),
        };
        let nested = operation
            .fragment
            .as_ref()
            .map(|fragment| quote!(((#fragment))));
        quote!(#cfgs #[doc = #doc] #variant #nested)
    }

    fn name_arm(&self) -> TokenStream {
        let Self {
            name,
            cfgs,
            variant,
            ..
        } = self;
        let nested = self.operation.fragment.as_ref().map(|_| quote!((..)));
        quote!(#cfgs Self::#variant #nested => #name)
    }

    /// The constant of a signal or a scope.
    fn constant(&self, function: &Function, private: &TokenStream) -> Option<TokenStream> {
        let Self {
            operation,
            name,
            cfgs,
            ..
        } = self;
        let visibility = &function.visibility;
        let (constructor, argument, doc) = match (
            operation.kind.carries,
            &operation.generic,
            &operation.fragment,
        ) {
            (Carries::Payload, Some(payload), _) => {
                let doc = format!("carries a `{}`", text(payload));
                (quote!(Signal), payload.to_token_stream(), doc)
            }
            (Carries::Fragment, _, Some(fragment)) => {
                let doc = format!("a call of [`{}`]", text(fragment));
                (quote!(Scope), quote!((#fragment)), doc)
            }
            _ => return None,
        };
        let constant = constant(name);
        let doc = format!("The {} `{}`: {doc}.", operation.kind.noun, self.text);
        Some(quote! {
            #cfgs
            #[doc = #doc]
            #visibility const #constant: #private::#constructor<Self, #argument> =
                #private::#constructor::new(#name);
        })
    }
}
