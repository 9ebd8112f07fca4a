//! The graph as a constant.

use proc_macro2::{Ident, Literal, Span, TokenStream};
use quote::{ToTokens, quote};

use crate::{
    graph::{Arm, Body, Choice, Kind, Node, Operation},
    parse::signature::line,
    paths::Paths,
    text::text,
};

/// The nodes of a body: `&[..]`.
pub(crate) fn nodes(body: &Body, paths: &Paths) -> TokenStream {
    let writer = Writer {
        body,
        private: paths.private(),
    };
    writer.nodes(&body.nodes)
}

struct Writer<'a> {
    body: &'a Body,
    private: TokenStream,
}

impl Writer<'_> {
    fn nodes(&self, nodes: &[Node]) -> TokenStream {
        let nodes = nodes.iter().filter_map(|node| self.node(node));
        quote!(&[#(#nodes),*])
    }

    /// A node, if it holds an operation.
    fn node(&self, node: &Node) -> Option<TokenStream> {
        if !node.holds_operation() {
            return None;
        }
        let private = &self.private;
        Some(match node {
            Node::Exit => return None,
            Node::Operation(index) => self.operation(self.body.operations.get(*index)?)?,
            Node::Branch {
                condition,
                span,
                arms,
            } => {
                let line = number(*span);
                let arms = arms.iter().map(|arm| self.arm(arm));
                quote!(#private::Node::Branch { condition: #condition, line: #line, arms: &[#(#arms),*] })
            }
            Node::Loop {
                header, span, body, ..
            } => {
                let line = number(*span);
                let body = self.nodes(body);
                quote!(#private::Node::Loop { header: #header, line: #line, body: #body })
            }
            Node::Parallel {
                kind,
                span,
                branches,
            } => {
                let line = number(*span);
                let kind = Ident::new(kind, Span::call_site());
                let branches = branches.iter().map(|branch| self.nodes(branch));
                quote! {
                    #private::Node::Parallel {
                        kind: #private::ParallelKind::#kind,
                        line: #line,
                        branches: &[#(#branches),*],
                    }
                }
            }
        })
    }

    fn arm(&self, arm: &Arm) -> TokenStream {
        let private = &self.private;
        let label = &arm.label;
        let body = self.nodes(&arm.body);
        quote!(#private::Arm { label: #label, body: #body })
    }

    fn operation(&self, operation: &Operation) -> Option<TokenStream> {
        let private = &self.private;
        let name = operation.literal()?;
        let line = number(name.span());
        let cfgs = &operation.cfgs;
        if let Some(fragment) = &operation.fragment {
            let fragment = quote!(<#fragment as #private::Fragment>);
            return Some(quote! {
                #(#cfgs)*
                #private::Node::Scope {
                    name: #name,
                    line: #line,
                    fragment: #fragment::NAME,
                    file: #fragment::FILE,
                    body: #fragment::BODY,
                }
            });
        }
        let kind = self.kind(operation)?;
        let options = operation.options.iter().filter_map(option);
        let compensation = match operation.compensation() {
            Some(path) => {
                let name = path.segments.last()?.ident.to_string();
                quote!(::core::option::Option::Some(#name))
            }
            None => quote!(::core::option::Option::None),
        };
        let was = operation.choices("was").filter_map(Choice::literal);
        Some(quote! {
            #(#cfgs)*
            #private::Node::Operation(#private::Operation {
                name: #name,
                kind: #kind,
                line: #line,
                options: &[#(#options),*],
                compensation: #compensation,
                was: &[#(#was),*],
            })
        })
    }

    fn kind(&self, operation: &Operation) -> Option<TokenStream> {
        let private = &self.private;
        let generic = operation.generic.as_ref().map_or("_".to_owned(), text);
        Some(match operation.kind {
            Kind::Step => quote!(#private::OperationKind::Step),
            Kind::Sleep => quote!(#private::OperationKind::Sleep),
            Kind::Signal => quote!(#private::OperationKind::Signal { payload: #generic }),
            Kind::Child => quote!(#private::OperationKind::Child { workflow: #generic }),
            Kind::Scope => return None,
        })
    }
}

/// Options as written; compensation and earlier names have fields of their own.
fn option(choice: &Choice) -> Option<TokenStream> {
    let name = choice.name.to_string();
    if name == "compensate" || name == "was" {
        return None;
    }
    let args = choice.args.iter().map(text).collect::<Vec<_>>().join(", ");
    Some(quote!((#name, #args)))
}

fn number(span: Span) -> TokenStream {
    Literal::u32_unsuffixed(line(span)).to_token_stream()
}
