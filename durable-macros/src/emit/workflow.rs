//! What `#[durable::workflow]` puts beside the fn.

use proc_macro2::{Ident, Span, TokenStream};
use quote::{quote, quote_spanned};
use syn::{LitStr, spanned::Spanned};

use super::{Emitter, graph_text::graph_text};
use crate::paths::generated_at;

impl Emitter<'_> {
    /// The step enum and, if the signature is in order, the workflow's impl and its registration.
    pub(crate) fn workflow(&self, is_in_order: bool) -> TokenStream {
        let keys = self.step_enum();
        if !is_in_order {
            return keys;
        }
        let implementation = self.implementation();
        let (ident, cfgs, private) = (self.function.ident(), &self.cfgs, &self.private);
        quote! {
            #keys
            #implementation
            #cfgs
            #private::inventory::submit! {
                #private::Registered(#private::define::<#ident>, ::core::file!())
            }
        }
    }

    fn implementation(&self) -> Option<TokenStream> {
        let (function, args) = (self.function, self.args);
        let (_, context) = function.context()?;
        let output = function.output()?;
        let (ident, cfgs, private) = (function.ident(), &self.cfgs, &self.private);
        // What runs are recorded under.
        let name = args
            .name
            .as_ref()
            .map_or_else(|| function.name(), LitStr::value);
        let text = graph_text(&name, function.line(), self.body);
        let was = &args.was;
        let was =
            (!was.is_empty()).then(|| quote!(const __WAS: &'static [&'static str] = &[#(#was),*];));
        let wiring = self
            .wiring()
            .map(|wiring| quote!(const __WIRING: #private::Wiring = #wiring;));
        let ctx = local("ctx", context.span());
        let (input, parameter, arguments) = match function.input() {
            Some(input) => {
                let value = local("input", input.span());
                (quote!(#input), quote!(#value), quote!(#ctx, #value))
            }
            None => (quote!(()), quote!(()), quote!(#ctx)),
        };
        let at = generated_at(output.span());
        let called = called_at(ident, at);
        let value_at = function.value().unwrap_or(output).span();
        let fallible = args.paths.private_at("Fallible", value_at);
        let value_type =
            quote_spanned!(generated_at(value_at)=> type Output = <#output as #fallible>::Ok;);
        let checked_body = args.paths.private_at("body", output.span());
        let call = quote_spanned!(at=> #checked_body(#called(#arguments)));
        let running = args.paths.private_at("Running", output.span());
        let run = quote_spanned! {at=>
            fn __run(#ctx: &#private::Ctx, #parameter: #input) -> #running<'_, Self::Output> {
                #call
            }
        };
        Some(quote! {
            #cfgs
            impl #private::Workflow for #ident {
                type Input = #input;
                #value_type
                const __TEXT: &'static [&'static str] = #text;
                #was
                #wiring
                #run
            }
        })
    }
}

/// The fn's name as generated code calls it: what the compiler says about the call is said there.
pub(super) fn called_at(ident: &Ident, at: Span) -> Ident {
    let mut called = ident.clone();
    called.set_span(ident.span().located_at(at));
    called
}

/// A local of generated code, seen at the type it has.
fn local(name: &str, ty: Span) -> Ident {
    Ident::new(name, generated_at(ty))
}
