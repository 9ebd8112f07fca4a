//! The fn's attributes, visibility and signature, with its body left as tokens: a body that is being
//! typed must not take the fn away from the editor.

use proc_macro2::{Group, Ident, Span, TokenStream, TokenTree};
use quote::{ToTokens, quote};
use syn::{
    Attribute, FnArg, GenericArgument, Pat, PatType, Path, PathArguments, ReturnType, Signature,
    Type, Visibility,
    ext::IdentExt,
    parse::{Parse, ParseStream, Parser},
};

/// A fn whose body has not been read.
pub(crate) struct Function {
    pub(crate) attributes: Vec<Attribute>,
    pub(crate) visibility: Visibility,
    pub(crate) signature: Signature,
    pub(crate) body: Group,
}

impl Parse for Function {
    fn parse(input: ParseStream<'_>) -> syn::Result<Self> {
        let (attributes, visibility, signature) = head(input)?;
        let body: Group = input.parse()?;
        Ok(Self {
            attributes,
            visibility,
            signature,
            body,
        })
    }
}

/// What stands before the body.
fn head(input: ParseStream<'_>) -> syn::Result<(Vec<Attribute>, Visibility, Signature)> {
    Ok((
        input.call(Attribute::parse_outer)?,
        input.parse()?,
        input.parse()?,
    ))
}

impl Function {
    /// Reads a fn without a look into its body, which a parser would take apart to its last token.
    pub(crate) fn read(item: &TokenStream) -> syn::Result<Self> {
        let mut before: Vec<TokenTree> = item.clone().into_iter().collect();
        if let Some(TokenTree::Group(body)) = before.pop()
            && let Ok((attributes, visibility, signature)) =
                head.parse2(before.into_iter().collect())
        {
            return Ok(Self {
                attributes,
                visibility,
                signature,
                body,
            });
        }
        // What is wrong with it is said of the whole.
        syn::parse2(item.clone())
    }

    /// The fn's name, which is the enum's too.
    pub(crate) fn ident(&self) -> &Ident {
        &self.signature.ident
    }

    /// The fn's name as text, without `r#`.
    pub(crate) fn name(&self) -> String {
        self.signature.ident.unraw().to_string()
    }

    /// Takes away every other attribute that is one of ours.
    pub(crate) fn take_own_attributes(&mut self) -> Vec<Attribute> {
        let is_ours = |attribute: &mut Attribute| {
            let path = attribute.path();
            let first = path.segments.first().map(|first| &first.ident);
            path.segments.len() == 2
                && first.is_some_and(|first| first == "durable")
                && path.segments.last().is_some_and(|last| {
                    ["workflow", "steps", "compensate"]
                        .iter()
                        .any(|ours| last.ident == ours)
                })
        };
        self.attributes.extract_if(.., is_ours).collect()
    }

    /// Whether it is a method.
    pub(crate) fn has_receiver(&self) -> bool {
        matches!(self.signature.inputs.first(), Some(FnArg::Receiver(_)))
    }

    /// The parameter that is meant to be the context: its name, if it has one, and its type. In its place,
    /// which is the first, its type may have any name.
    pub(crate) fn context(&self) -> Option<(Option<&Ident>, &Type)> {
        let first = self.signature.inputs.first().and_then(typed);
        let parameter = first
            .filter(|parameter| names_context(&parameter.ty))
            .or_else(|| {
                self.inputs()
                    .find(|parameter| is_named_context(&parameter.ty))
            })?;
        let name = match &*parameter.pat {
            Pat::Ident(name) if name.subpat.is_none() => Some(&name.ident),
            _ => None,
        };
        Some((name, &parameter.ty))
    }

    /// Every parameter but the first.
    pub(crate) fn inputs(&self) -> impl Iterator<Item = &PatType> {
        let parameters = self.signature.inputs.iter().skip(1);
        parameters.filter_map(typed)
    }

    /// The type of the second parameter.
    pub(crate) fn input(&self) -> Option<&Type> {
        match self.signature.inputs.iter().nth(1)? {
            FnArg::Typed(parameter) => Some(&parameter.ty),
            FnArg::Receiver(_) => None,
        }
    }

    /// The return type.
    pub(crate) fn output(&self) -> Option<&Type> {
        match &self.signature.output {
            ReturnType::Type(_, output) => Some(output),
            ReturnType::Default => None,
        }
    }

    /// The type of the value in the return type, as far as that shows it: the `T` of `Result<T>`.
    pub(crate) fn value(&self) -> Option<&Type> {
        let Type::Path(output) = self.output()? else {
            return None;
        };
        match &output.path.segments.last()?.arguments {
            PathArguments::AngleBracketed(arguments) => match arguments.args.first()? {
                GenericArgument::Type(value) => Some(value),
                _ => None,
            },
            _ => None,
        }
    }

    /// `cfg` attributes, which must hold for everything that is generated beside the fn.
    pub(crate) fn cfgs(&self) -> TokenStream {
        self.attributes
            .iter()
            .filter(|attribute| attribute.path().is_ident("cfg"))
            .map(ToTokens::to_token_stream)
            .collect()
    }

    /// The fn with this body. It is async in any case: the body is, and a mistake is reported once.
    pub(crate) fn with_body(&self, body: impl ToTokens) -> TokenStream {
        let Self {
            attributes,
            visibility,
            signature,
            ..
        } = self;
        let mut signature = signature.clone();
        signature.asyncness.get_or_insert_default();
        quote!(#(#attributes)* #visibility #signature #body)
    }

    /// The source line of the fn's name.
    pub(crate) fn line(&self) -> u32 {
        line(self.ident().span())
    }
}

fn typed(parameter: &FnArg) -> Option<&PatType> {
    match parameter {
        FnArg::Typed(parameter) => Some(parameter),
        FnArg::Receiver(_) => None,
    }
}

/// Whether a type has the name of a context's: `Ctx`, `&durable::Ctx`.
pub(crate) fn is_named_context(ty: &Type) -> bool {
    match ty {
        Type::Reference(reference) => is_named_context(&reference.elem),
        Type::Group(group) => is_named_context(&group.elem),
        Type::Path(path) => path
            .path
            .segments
            .last()
            .is_some_and(|last| last.ident.to_string().ends_with("Ctx")),
        _ => false,
    }
}

/// Whether a type is meant to be a context's: `Ctx`, `&mut Ctx`, `&Context`.
fn names_context(ty: &Type) -> bool {
    match ty {
        Type::Reference(reference) => match &*reference.elem {
            Type::Path(path) => !is_data(&path.path),
            _ => false,
        },
        Type::Group(group) => names_context(&group.elem),
        other => is_named_context(other),
    }
}

/// Whether a type is one that everybody knows, and so no context: `str`, `u32`, `Vec<..>`.
pub(crate) fn is_data(path: &Path) -> bool {
    const KNOWN: [&str; 5] = ["Box", "Option", "Self", "String", "Vec"];
    path.segments.last().is_some_and(|last| {
        let name = last.ident.to_string();
        name.starts_with(char::is_lowercase) || KNOWN.contains(&&*name)
    })
}

/// The source line a span starts in.
pub(crate) fn line(span: Span) -> u32 {
    u32::try_from(span.start().line).unwrap_or(0)
}
