//! The step enum: one variant for each operation's name.

use std::collections::BTreeMap;

use proc_macro2::{Ident, TokenStream};
use quote::{ToTokens, quote};
use syn::LitStr;

use crate::{
    facts::{Body, Kind, Operation},
    names::{flaw, variant},
    paths::Paths,
    syntax::{function::Function, text::text},
};

/// An operation whose name is well formed.
pub(crate) struct Named<'b> {
    pub(crate) name: &'b LitStr,
    text: String,
    variant: Ident,
    pub(crate) operation: &'b Operation,
}

/// The operations whose names are well formed, each name once in what is compiled.
pub(crate) fn named(body: &Body) -> Vec<Named<'_>> {
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
        let variant = variant(&text);
        let ident = Ident::new(&variant, name.span());
        let before = seen.entry(variant).or_default();
        if before.iter().all(|before| before.excludes(operation)) {
            named.push(Named {
                name,
                text,
                variant: ident,
                operation,
            });
        }
        before.push(operation);
    }
    named
}

/// The variant of a name, spanned at the name.
pub(crate) fn variant_ident(name: &LitStr) -> Ident {
    Ident::new(&variant(&name.value()), name.span())
}

/// The enum, its `StepKey` and the constants of its signals.
pub(crate) fn step_enum(function: &Function, named: &[Named<'_>], paths: &Paths) -> TokenStream {
    let ident = function.ident();
    let visibility = &function.visibility;
    let cfgs = function.cfgs();
    let private = paths.private();
    // A fragment stands in parentheses: there it is a type and nothing else, also when there is none,
    // and what the compiler says of that it says once.
    let variants = named.iter().map(|named| {
        let variant = &named.variant;
        let fragment = named.operation.fragment.as_ref();
        let nested = fragment.map(|fragment| quote!(((#fragment))));
        let doc = named.describe();
        let cfgs = &named.operation.cfgs;
        quote!(#(#cfgs)* #[doc = #doc] #variant #nested)
    });
    let names = named.iter().map(|named| {
        let (name, variant) = (named.name, &named.variant);
        let nested = named.operation.fragment.as_ref().map(|_| quote!((..)));
        let cfgs = &named.operation.cfgs;
        quote!(#(#cfgs)* Self::#variant #nested => #name)
    });
    let name = function.name();
    let doc = format!("The operations of [`{name}`](fn@{name}).");
    let path = path(named, paths);
    let constants = constants(function, named, paths);
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

impl Named<'_> {
    fn describe(&self) -> String {
        let noun = self.operation.kind.noun();
        let name = &self.text;
        match &self.operation.fragment {
            Some(fragment) => format!("The operations of [`{0}`] as `{name}`.", text(fragment)),
            None => format!("The {noun} `{name}`."),
        }
    }
}

/// The paths of the operations of fragments; other operations have their names as paths.
fn path(named: &[Named<'_>], paths: &Paths) -> TokenStream {
    let private = paths.private();
    let (scopes, others): (Vec<_>, Vec<_>) = named
        .iter()
        .partition(|named| named.operation.fragment.is_some());
    if scopes.is_empty() {
        return TokenStream::new();
    }
    let scopes = scopes.into_iter().map(|named| {
        let (name, variant) = (named.name, &named.variant);
        let cfgs = &named.operation.cfgs;
        quote!(#(#cfgs)* Self::#variant(step) => #private::scoped(#name, step))
    });
    let others = (!others.is_empty())
        .then(|| quote!(other => ::std::borrow::ToOwned::to_owned(#private::StepKey::name(other))));
    quote! {
        fn path(&self) -> ::std::string::String {
            match self { #(#scopes,)* #others }
        }
    }
}

/// The constants of signals and scopes.
fn constants(function: &Function, named: &[Named<'_>], paths: &Paths) -> TokenStream {
    let ident = function.ident();
    let visibility = &function.visibility;
    let cfgs = function.cfgs();
    let private = paths.private();
    let constants: TokenStream = named
        .iter()
        .filter_map(|named| {
            let (name, operation) = (named.name, named.operation);
            let (constructor, argument, doc) =
                match (operation.kind, &operation.generic, &operation.fragment) {
                    (Kind::Signal, Some(payload), _) => {
                        let doc = format!("carries a `{}`", text(payload));
                        (quote!(Signal), payload.to_token_stream(), doc)
                    }
                    (Kind::Scope, _, Some(fragment)) => {
                        let doc = format!("a call of [`{}`]", text(fragment));
                        (quote!(Scope), quote!((#fragment)), doc)
                    }
                    _ => return None,
                };
            let constant = constant(name);
            let doc = format!("The {} `{}`: {doc}.", operation.kind.noun(), named.text);
            let cfgs = &operation.cfgs;
            Some(quote! {
                #(#cfgs)*
                #[doc = #doc]
                #visibility const #constant: #private::#constructor<Self, #argument> =
                    #private::#constructor::new(#name);
            })
        })
        .collect();
    if constants.is_empty() {
        return TokenStream::new();
    }
    quote! {
        #cfgs
        #[allow(dead_code, non_upper_case_globals, private_interfaces, unused_parens)]
        impl #ident { #constants }
    }
}

/// The constant of a signal or a scope: its name, raw if that is a keyword.
pub(crate) fn constant(name: &LitStr) -> TokenStream {
    match syn::parse_str::<Ident>(&name.value()) {
        Ok(_) => Ident::new(&name.value(), name.span()).to_token_stream(),
        Err(_) => Ident::new_raw(&name.value(), name.span()).to_token_stream(),
    }
}
