//! The step enum: one variant for each operation's name.

use proc_macro2::{Ident, TokenStream};
use quote::{ToTokens, quote};
use syn::LitStr;

use super::Emitter;
use crate::{facts::NamedOperation, names::variant, operations::Carries, syntax::text::text};

/// The variant of a name, spanned at the name.
pub(super) fn variant_ident(name: &LitStr) -> Ident {
    Ident::new(&variant(&name.value()), name.span())
}

/// The constant of a signal or a scope: its name, raw if that is a keyword.
pub(super) fn constant_ident(name: &LitStr) -> Ident {
    match syn::parse_str::<Ident>(&name.value()) {
        Ok(_) => Ident::new(&name.value(), name.span()),
        Err(_) => Ident::new_raw(&name.value(), name.span()),
    }
}

impl Emitter<'_> {
    /// The enum, its `StepKey` and the constants of its signals and scopes.
    pub(super) fn step_enum(&self) -> TokenStream {
        let (ident, visibility) = (self.function.ident(), &self.function.visibility);
        let (cfgs, private) = (&self.cfgs, &self.private);
        let variants = self.named.iter().map(named_variant);
        let names = self.named.iter().map(name_arm);
        let path = self.path();
        let name = self.function.name();
        let doc = format!("The operations of [`{name}`](fn@{name}).");
        let constants = self.named.iter().filter_map(|named| self.constant(named));
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
    fn path(&self) -> Option<TokenStream> {
        let private = &self.private;
        let is_scope = |named: &&NamedOperation<'_>| named.operation.fragment.is_some();
        let scopes = self.named.iter().filter(is_scope).map(|named| {
            let (cfgs, name, variant) = (named.cfgs(), named.name, variant_ident(named.name));
            quote!(#cfgs Self::#variant(step) => #private::scoped(#name, step))
        });
        let scopes: Vec<TokenStream> = scopes.collect();
        let others = (scopes.len() < self.named.len()).then(
            || quote!(other => ::std::borrow::ToOwned::to_owned(#private::StepKey::name(other))),
        );
        (!scopes.is_empty()).then(|| {
            quote! {
                fn path(&self) -> ::std::string::String {
                    match self { #(#scopes,)* #others }
                }
            }
        })
    }

    /// The constant of a signal or a scope.
    fn constant(&self, named: &NamedOperation<'_>) -> Option<TokenStream> {
        let (operation, name) = (named.operation, named.name);
        let kind = operation.kind;
        let (constructor, argument, doc) =
            match (kind.carries, &operation.generic, &operation.fragment) {
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
        let (cfgs, constant, private) = (named.cfgs(), constant_ident(name), &self.private);
        let visibility = &self.function.visibility;
        let doc = format!("The {} `{}`: {doc}.", kind.noun, name.value());
        Some(quote! {
            #cfgs
            #[doc = #doc]
            #visibility const #constant: #private::#constructor<Self, #argument> =
                #private::#constructor::new(#name);
        })
    }
}

/// The variant of an operation. A fragment stands in parentheses: there it is a type and nothing else, also
/// when there is none, and what the compiler says of that it says once.
fn named_variant(named: &NamedOperation<'_>) -> TokenStream {
    let (cfgs, name, variant) = (named.cfgs(), named.name.value(), variant_ident(named.name));
    let fragment = named.operation.fragment.as_ref();
    let doc = match fragment {
        Some(fragment) => format!("The operations of [`{}`] as `{name}`.", text(fragment)),
        None => format!("The {} `{name}`.", named.operation.kind.noun),
    };
    let nested = fragment.map(|fragment| quote!(((#fragment))));
    quote!(#cfgs #[doc = #doc] #variant #nested)
}

fn name_arm(named: &NamedOperation<'_>) -> TokenStream {
    let (cfgs, name, variant) = (named.cfgs(), named.name, variant_ident(named.name));
    let nested = named.operation.fragment.as_ref().map(|_| quote!((..)));
    quote!(#cfgs Self::#variant #nested => #name)
}
