//! What `#[durable::steps]` puts beside the fn.

use proc_macro2::TokenStream;
use quote::quote;

use super::{Emitter, graph_text::graph_text};

impl Emitter<'_> {
    /// The step enum and its part of the graphs of the workflows that call the fn.
    pub(crate) fn fragment(&self) -> TokenStream {
        let keys = self.step_enum();
        let (ident, name) = (self.function.ident(), self.function.name());
        let (cfgs, private) = (&self.cfgs, &self.private);
        let text = graph_text(&name, self.function.line(), self.body);
        let none = || quote!(#private::Wiring::NONE);
        let wiring = self.wiring().unwrap_or_else(none);
        quote! {
            #keys
            #cfgs
            impl #private::Fragment for #ident {
                const __PART: #private::Part = #private::Part {
                    name: #name,
                    file: ::core::file!(),
                    text: #text,
                    wiring: #wiring,
                };
            }
        }
    }
}
