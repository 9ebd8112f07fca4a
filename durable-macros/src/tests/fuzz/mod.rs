//! The pipeline on bodies that nobody wrote: mutants of the fixtures, and generated ones.

mod generate;
mod graphs;
mod mutate;

use std::path::{Path, PathBuf};

use proc_macro2::{LineColumn, TokenStream};
use quote::ToTokens;
use syn::{
    Expr, ExprMethodCall, Item, ItemFn, parse_quote,
    visit::Visit,
    visit_mut::{self, VisitMut},
};

use super::errors;
use crate::{
    pipeline,
    syntax::macros::{MacroArgs, MacroKind},
};

/// SplitMix64: the same sequence for the same seed.
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    fn below(&mut self, bound: usize) -> usize {
        usize::try_from(self.next() % bound.max(1) as u64).unwrap()
    }
}

fn rust_files(folder: &Path) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(folder).unwrap();
    let mut files: Vec<PathBuf> = entries
        .map(|entry| entry.unwrap().path())
        .flat_map(|path| {
            if path.is_dir() {
                rust_files(&path)
            } else {
                vec![path]
            }
        })
        .filter(|path| path.extension().is_some_and(|extension| extension == "rs"))
        .collect();
    files.sort();
    files
}

/// Every annotated fn of the fixtures, and the bodies of the rules' own tests.
fn corpus() -> Vec<TokenStream> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../ui-tests/tests/ui");
    let mut corpus = Vec::new();
    for file in rust_files(&folder) {
        let source = std::fs::read_to_string(&file).unwrap();
        let Ok(file) = syn::parse_file(&source) else {
            continue;
        };
        for item in file.items {
            if let Item::Fn(mut function) = item
                && !function.attrs.is_empty()
            {
                function.attrs.clear();
                corpus.push(function.into_token_stream());
            }
        }
    }
    let bodies = [
        include_str!("../lawful.txt"),
        include_str!("../unlawful.txt"),
    ];
    for body in bodies.iter().flat_map(|bodies| bodies.split("\n---\n")) {
        let body = body.lines().filter(|line| !line.starts_with("//!"));
        corpus.push(workflow(&body.collect::<Vec<_>>().join("\n")));
    }
    corpus
}

fn workflow(body: &str) -> TokenStream {
    format!("async fn order(ctx: &Ctx, input: Order) -> durable::Result<()> {{ {body} }}")
        .parse()
        .unwrap()
}

#[test]
fn mutants_neither_panic_nor_break_what_can_be_parsed() {
    const MUTANTS: usize = 10_000;
    let corpus = corpus();
    assert!(corpus.len() > 150, "{}", corpus.len());
    let mut random = Random(7);
    let mut whole = 0;
    for round in 0..MUTANTS {
        let mut item = corpus[round % corpus.len()].clone();
        for _ in 0..=random.below(3) {
            item = mutate::mutate(item, &mut random);
        }
        let parses = syn::parse2::<ItemFn>(item.clone()).is_ok();
        let source = item.to_string();
        let expansion = if random.below(8) == 0 {
            pipeline::compensate(TokenStream::new(), item)
        } else {
            pipeline::workflow(TokenStream::new(), item)
        };
        if parses {
            whole += 1;
            let parsed = syn::parse2::<syn::File>(expansion.clone());
            assert!(parsed.is_ok(), "{source}\n\nbecame\n\n{expansion}");
        }
    }
    assert!(whole > MUTANTS / 20, "only {whole} mutants could be parsed");
}

/// Makes every body of a step one that is parsed, by a macro in it.
struct Telling;

impl VisitMut for Telling {
    fn visit_expr_method_call_mut(&mut self, call: &mut ExprMethodCall) {
        visit_mut::visit_expr_method_call_mut(self, call);
        if let (true, Some(Expr::Closure(closure))) = (call.method == "step", call.args.last_mut())
        {
            let body = &closure.body;
            *closure.body = parse_quote!({ stringify!(); #body });
        }
    }
}

/// The variants of the step enum, and where something was refused.
fn judgement(item: TokenStream) -> (String, Vec<LineColumn>) {
    let expansion = pipeline::workflow(TokenStream::new(), item);
    let places = errors(expansion.clone()).into_iter();
    let places = places.map(|(place, _)| place).collect();
    let tokens = expansion.into_iter();
    let mut variants = tokens.skip_while(|token| token.to_string() != "enum");
    let variants = variants.nth(2).map(|variants| variants.to_string());
    (variants.unwrap_or_default(), places)
}

#[test]
fn a_step_body_that_stays_tokens_is_judged_as_one_that_is_parsed() {
    let corpus = corpus();
    let mut random = Random(11);
    let mut judged = 0;
    let generated = (0..500).map(|seed| workflow(&generate::body(seed).source));
    let mutants = (0..4_000).map(|round| {
        let item = corpus[round % corpus.len()].clone();
        mutate::mutate(item, &mut random)
    });
    for item in corpus.iter().cloned().chain(generated).chain(mutants) {
        if let Ok(mut telling) = syn::parse2::<ItemFn>(item.clone()) {
            Telling.visit_item_fn_mut(&mut telling);
            let telling = judgement(telling.into_token_stream());
            assert_eq!(judgement(item.clone()), telling, "{item}");
            judged += 1;
        }
    }
    assert!(judged > 2_000, "{judged}");
}

#[test]
fn generated_bodies_are_lawful_and_expand_to_rust() {
    for seed in 0..2_000 {
        let body = generate::body(seed);
        let expansion = pipeline::workflow(TokenStream::new(), workflow(&body.source));
        let file = syn::parse2::<syn::File>(expansion.clone());
        let file = file.unwrap_or_else(|error| panic!("{error}\n{}\n{expansion}", body.source));
        MacrosCanBeRead.visit_file(&file);
        assert_eq!(errors(expansion), [], "{}", body.source);
        let variants = file.items.iter().find_map(|item| match item {
            Item::Enum(item) if item.ident == "order" => Some(item.variants.len()),
            _ => None,
        });
        assert_eq!(variants, Some(body.operations), "{}", body.source);
    }
}

/// What was read into a macro's arguments and written again can be read again.
struct MacrosCanBeRead;

impl<'ast> Visit<'ast> for MacrosCanBeRead {
    fn visit_macro(&mut self, mac: &'ast syn::Macro) {
        let generated = mac.path.leading_colon.is_some();
        let opaque = {
            let args = MacroArgs::parse(mac);
            args.kind != MacroKind::Inert && args.pieces.is_none()
        };
        assert!(generated || !opaque, "{}", mac.to_token_stream());
    }
}
