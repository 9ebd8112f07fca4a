//! What each attribute and form expands to, as files for people to read: `golden/<form>.rs` expands to
//! `golden/<form>.expanded.rs`. `DURABLE_BLESS=1 cargo test -p durable-macros golden` rewrites them.

use std::{fs, path::PathBuf};

use proc_macro2::TokenStream;
use quote::{ToTokens, quote};
use syn::{File, Item, ItemFn, Meta};

use crate::pipeline;

const FORMS: [&str; 10] = [
    "compensation",
    "compensation_options",
    "fragment",
    "named",
    "no_operations",
    "one_step",
    "options",
    "refused_names",
    "renamed_crate",
    "whole_graph",
];

/// The most lines that a workflow of ten steps may cost beside the user's fn.
const LINES_MAX: usize = 60;

#[test]
fn each_form_expands_as_recorded() {
    let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("src/tests/golden");
    let bless = std::env::var_os("DURABLE_BLESS").is_some();
    let mut changed = Vec::new();
    for form in FORMS {
        let source = fs::read_to_string(folder.join(format!("{form}.rs"))).unwrap();
        let expanded = prettyplease::unparse(&expand_file(&source));
        let recorded = folder.join(format!("{form}.expanded.rs"));
        if bless {
            fs::write(&recorded, &expanded).unwrap();
        } else if fs::read_to_string(&recorded).unwrap_or_default() != expanded {
            changed.push((form, expanded));
        }
    }
    for (form, expanded) in &changed {
        eprintln!("{form} expands to\n\n{expanded}");
    }
    let forms: Vec<_> = changed.iter().map(|(form, _)| form).collect();
    assert!(
        forms.is_empty(),
        "expansions differ from golden/: {forms:?}; read them, then bless"
    );
}

#[test]
fn a_renamed_dependency_is_named_by_its_new_name_alone() {
    let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("src/tests/golden");
    let source = fs::read_to_string(folder.join("renamed_crate.rs")).unwrap();
    let expanded = expand_file(&source).into_token_stream().to_string();
    assert!(
        expanded.contains("crate :: engine :: __private"),
        "{expanded}"
    );
    assert!(!expanded.contains("durable"), "{expanded}");
}

#[test]
fn ten_steps_cost_few_lines() {
    let steps = (0..10).map(|step| {
        let name = format!("step_{step}");
        quote!(ctx.step(#name, |_| work()).await?;)
    });
    let workflow = quote! {
        async fn order(ctx: &Ctx, input: Order) -> durable::Result<()> {
            #(#steps)*
            Ok(())
        }
    };
    let mut file: File = syn::parse2(pipeline::workflow(TokenStream::new(), workflow)).unwrap();
    file.items.retain(|item| !matches!(item, Item::Fn(_)));
    let printed = prettyplease::unparse(&file);
    let lines = printed.lines().count();
    assert!(lines < LINES_MAX, "{lines} lines:\n{printed}");
}

/// The file with each attribute of ours expanded.
fn expand_file(source: &str) -> File {
    let file = syn::parse_file(source).unwrap();
    let items = file.items.into_iter().map(|item| match item {
        Item::Fn(function) => expand(function),
        item => item.into_token_stream(),
    });
    syn::parse2(items.collect()).unwrap()
}

fn expand(mut function: ItemFn) -> TokenStream {
    let ours = function.attrs.iter().position(|attribute| {
        attribute
            .path()
            .segments
            .first()
            .is_some_and(|first| first.ident == "durable")
    });
    let Some(ours) = ours else {
        return function.into_token_stream();
    };
    let attribute = function.attrs.remove(ours);
    let args = match &attribute.meta {
        Meta::List(list) => list.tokens.clone(),
        _ => TokenStream::new(),
    };
    let item = function.into_token_stream();
    let name = &attribute.path().segments[1].ident;
    match name.to_string().as_str() {
        "workflow" => pipeline::workflow(args, item),
        "steps" => pipeline::steps(args, item),
        "compensate" => pipeline::compensate(args, item),
        other => panic!("no attribute `{other}`"),
    }
}
