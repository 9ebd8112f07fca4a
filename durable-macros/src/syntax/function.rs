//! The fn's attributes, visibility and signature, with its body left as tokens: a body that is being
//! typed must not take the fn away from the editor.

use proc_macro2::{Group, Ident, Span, TokenStream, TokenTree};
use quote::{ToTokens, quote};
use syn::{
    Attribute, FnArg, GenericArgument, Pat, PatType, Path, PathArguments, ReturnType, Signature,
    Type, TypeReference, Visibility,
    ext::IdentExt,
    parse::{ParseStream, Parser},
};

use super::{cfgs::cfgs_of, expressions::last_names};
use crate::attributes::NAMES;

/// A fn whose body has not been parsed.
pub(crate) struct Function {
    pub(crate) attributes: Vec<Attribute>,
    pub(crate) visibility: Visibility,
    pub(crate) signature: Signature,
    pub(crate) body: Group,
}

impl Function {
    /// Parses a fn without a look into its body, which a parser would take apart to its last token.
    pub(crate) fn parse(item: &TokenStream) -> syn::Result<Self> {
        let head = |input: ParseStream<'_>, body: Option<Group>| {
            Ok(Self {
                attributes: input.call(Attribute::parse_outer)?,
                visibility: input.parse()?,
                signature: input.parse()?,
                body: match body {
                    Some(body) => body,
                    None => input.parse()?,
                },
            })
        };
        let mut before: Vec<TokenTree> = item.clone().into_iter().collect();
        if let Some(TokenTree::Group(body)) = before.pop() {
            let before = before.into_iter().collect();
            let parsed = Parser::parse2(|input: ParseStream<'_>| head(input, Some(body)), before);
            if parsed.is_ok() {
                return parsed;
            }
        }
        // What is wrong with it is said of the whole.
        Parser::parse2(|input: ParseStream<'_>| head(input, None), item.clone())
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
            let (owner, name) = last_names(path);
            path.segments.len() == 2 && owner == "durable" && NAMES.contains(&&*name)
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
        let first = first.filter(|parameter| names_context(&parameter.ty));
        let mut others = self.inputs();
        let other = || others.find(|parameter| is_named_context(&parameter.ty));
        let parameter = first.or_else(other)?;
        let name = match &*parameter.pat {
            Pat::Ident(name) if name.subpat.is_none() => Some(&name.ident),
            _ => None,
        };
        Some((name, &parameter.ty))
    }

    /// The context's name.
    pub(crate) fn context_name(&self) -> Option<&Ident> {
        self.context()?.0
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
        let PathArguments::AngleBracketed(arguments) = &output.path.segments.last()?.arguments
        else {
            return None;
        };
        match arguments.args.first()? {
            GenericArgument::Type(value) => Some(value),
            _ => None,
        }
    }

    /// `cfg` attributes, which must hold for everything that is generated beside the fn.
    pub(crate) fn cfgs(&self) -> TokenStream {
        let cfgs = cfgs_of(&self.attributes);
        quote!(#(#cfgs)*)
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

/// The path that a type is, and the reference that stands before it, if one does.
pub(crate) fn path_of(ty: &Type) -> Option<(Option<&TypeReference>, &Path)> {
    match ty {
        Type::Path(path) => Some((None, &path.path)),
        Type::Reference(reference) => match path_of(&reference.elem)? {
            (None, path) => Some((Some(reference), path)),
            (Some(_), _) => None,
        },
        Type::Group(group) => path_of(&group.elem),
        _ => None,
    }
}

/// Whether a type has the name of a context's: `Ctx`, `&durable::Ctx`.
pub(crate) fn is_named_context(ty: &Type) -> bool {
    path_of(ty).is_some_and(|(_, path)| last_names(path).1.ends_with("Ctx"))
}

/// Whether a type is meant to be a context's: `Ctx`, `&mut Ctx`, `&Context`.
fn names_context(ty: &Type) -> bool {
    match path_of(ty) {
        Some((Some(_), path)) => !is_data(path),
        _ => is_named_context(ty),
    }
}

/// Whether a type is one that everybody knows, and so no context: `str`, `u32`, `Vec<..>`.
pub(crate) fn is_data(path: &Path) -> bool {
    const KNOWN: [&str; 5] = ["Box", "Option", "Self", "String", "Vec"];
    let (_, name) = last_names(path);
    name.starts_with(char::is_lowercase) || KNOWN.contains(&&*name)
}

/// The source line a span starts in.
pub(crate) fn line(span: Span) -> u32 {
    u32::try_from(span.start().line).unwrap_or(0)
}
