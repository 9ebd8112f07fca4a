//! What an editor works on is the expansion: while a fn is being typed it must be there, with its own
//! tokens, or completion and hover go away.

use proc_macro2::{LineColumn, TokenStream, TokenTree};

use crate::{names, pipeline};

const SIGNATURE: &str =
    "/// Takes an order.\npub async fn order(ctx: &Ctx, input: Order) -> durable::Result<u32>";

const HALF_TYPED_BODIES: [&str; 34] = [
    "ctx.",
    "ctx.step(\"charge\", |step| step.)",
    "ctx.step(\"charge\", |_|).await?",
    "ctx.step(\"charge\", |_| charge()).retry(Retry::).await?;",
    "ctx.step(\"charge\", |_| charge()).await? ctx.",
    "let payment = ;",
    "let payment = ctx.step(",
    "if ctx.",
    "for line in { ctx.step(\"charge\", |_| charge()).await?; }",
    "match input. { _ => 1 }",
    "input.total +",
    "let",
    "@ Ok(1)",
    "Ok(1) }}",
    "ctx.step(\"charge\", |_| charge()).",
    "ctx.step(\"charge\", |_| charge()).retry(",
    "ctx.step(\"charge\", |_| charge()).retry(Retry::exponential().",
    "ctx.step(\"charge\", |_| charge()).compensate(",
    "ctx.step(\"charge\", |_| charge()).compensate(re",
    "ctx.step(\"charge\", |_| charge()).await?.",
    "ctx.step(\"charge\", async |step| { let key = step.",
    "ctx.step(\"\")",
    "ctx.step(order::",
    "ctx.step(order::Ch, |_| charge()).await?;",
    "ctx.signal::<",
    "ctx.child::<ship>(\"parcel\", ship::",
    "let op = ctx.step(\"charge\", |_| charge()); op.",
    "let op = ctx.step(\"charge\", |_| charge()); op.re().await?;",
    "durable::join!(ctx.step(\"charge\", |_| charge()), ctx.",
    "join!(async { ctx.sl }, ctx.sleep(\"pause\", PAUSE))",
    "durable::race! { paid = ctx.",
    "if let Some(card) = input.",
    "match ctx.signal::<Decision>(\"decision\").await? { Decision:: }",
    "durable::join_all(input.lines.iter().map(|line| ctx.step(\"line\", |_| line.)))",
];

const HALF_TYPED_OPTIONS: [&str; 16] = [
    "n",
    "name",
    "name =",
    "name = order",
    "name = \"a\" was",
    "name = \"a\", name",
    "was =",
    "crate",
    "crate =",
    "crate = ::",
    "= \"a\"",
    "name = \"a\" wa",
    "name = \"a\", crate = crate::",
    "was = \"a\", was",
    "name(",
    "name = \"a\", \"b\"",
];

const HALF_TYPED_SIGNATURES: [&str; 9] = [
    "async fn",
    "async fn order",
    "async fn order()",
    "async fn order(ctx) -> u32 {}",
    "async fn order(ctx: ) {}",
    "async fn order(ctx: &Ctx) -> {}",
    "pub async fn order(ctx: &Ctx, input: ) -> durable::Result<()> {}",
    "/// Takes an order.\npub(crate) async fn order(ctx: &",
    "async fn order(ctx: &Ctx) -> durable::Result<()>",
];

/// Tokens of text in which brackets may not match; the compiler closes them before a macro sees them.
fn tokens(source: &str) -> TokenStream {
    let mut open = Vec::new();
    let mut balanced = String::new();
    for c in source.chars() {
        match c {
            '(' => open.push(')'),
            '{' => open.push('}'),
            ')' | '}' if open.last() != Some(&c) => continue,
            ')' | '}' => drop(open.pop()),
            _ => {}
        }
        balanced.push(c);
    }
    balanced.extend(open.into_iter().rev());
    balanced.parse().unwrap()
}

fn expand(args: &str, item: TokenStream) -> [(&'static str, TokenStream); 3] {
    let args = || tokens(args);
    [
        ("workflow", pipeline::workflow(args(), item.clone())),
        ("steps", pipeline::steps(args(), item.clone())),
        ("compensate", pipeline::compensate(args(), item)),
    ]
}

#[test]
fn a_body_that_is_being_typed_keeps_its_tokens() {
    for body in HALF_TYPED_BODIES {
        let item = tokens(&format!("{SIGNATURE} {{ {body} }}"));
        for (attribute, expanded) in expand("", item.clone()) {
            assert_eq!(lost(&item, expanded), [], "{attribute}: {body}");
        }
        let expanded = pipeline::workflow(TokenStream::new(), item).to_string();
        for beside in ["enum order", "Workflow for order"] {
            assert!(expanded.contains(beside), "{body}\n{expanded}");
        }
    }
}

#[test]
fn a_step_body_that_is_being_typed_takes_nothing_else_away() {
    for body in [
        "ctx.",
        "let a = ",
        "stringify!(",
        "Ok(ctx.now(",
        "match step {",
    ] {
        let steps =
            format!("ctx.step(\"a\", |step| {{ {body} }}).await?; ctx.step(\"b\", |_| work());");
        let item = tokens(&format!("{SIGNATURE} {{ {steps} }}"));
        let expanded = pipeline::workflow(TokenStream::new(), item.clone());
        assert_eq!(lost(&item, expanded.clone()), [], "{body}");
        let expanded = expanded.to_string();
        for kept in ["order :: A", "this step is not awaited"] {
            assert!(expanded.contains(kept), "{body}\n{expanded}");
        }
    }
}

#[test]
fn an_option_that_is_being_typed_takes_nothing_away() {
    for options in HALF_TYPED_OPTIONS {
        let item = tokens(&format!("{SIGNATURE} {{ Ok(input.total) }}"));
        for (attribute, expanded) in expand(options, item.clone()) {
            let expanded = expanded.to_string();
            assert!(
                expanded.starts_with(&item.to_string()),
                "{attribute}({options})\n{expanded}"
            );
            assert!(
                expanded.contains("compile_error !"),
                "{attribute}({options})\n{expanded}"
            );
        }
    }
}

#[test]
fn a_signature_that_is_being_typed_is_given_back_as_it_is() {
    for signature in HALF_TYPED_SIGNATURES {
        let item = tokens(signature);
        for (attribute, expanded) in expand("", item.clone()) {
            let expanded = expanded.to_string();
            assert!(
                expanded.starts_with(&item.to_string()),
                "{attribute}: {signature}\n{expanded}"
            );
            assert!(
                expanded.contains("compile_error !"),
                "{attribute}: {signature}\n{expanded}"
            );
        }
    }
}

/// Lints and hover go by where a token is: all of the user's are where they were, but for the names,
/// which have become variants in the same place.
#[test]
fn the_tokens_of_the_fn_are_the_users_own() {
    let body = "let unused = 3;\n let paid = ctx.step(\"charge\", |_| charge(&input)).compensate(refund)\
                .await?;\n tracing::info!(total = input.total, \"paid {paid}\");\n Ok(paid)";
    let item = tokens(&format!("{SIGNATURE} {{ {body} }}"));
    let expanded = pipeline::workflow(TokenStream::new(), item.clone());
    assert_eq!(lost(&item, expanded.clone()), []);
    let (mut theirs, mut ours) = (Vec::new(), Vec::new());
    flatten(item, &mut theirs);
    flatten(expanded, &mut ours);
    let name = theirs
        .iter()
        .find(|(text, _)| text == "\"charge\"")
        .unwrap();
    assert!(ours.contains(&("Charge".to_owned(), name.1)), "{ours:?}");
}

/// The names and literals of an item that are not in its expansion, where they were. The name of an
/// operation has become a variant there.
fn lost(item: &TokenStream, expanded: TokenStream) -> Vec<(String, LineColumn)> {
    let (mut theirs, mut ours) = (Vec::new(), Vec::new());
    flatten(item.clone(), &mut theirs);
    flatten(expanded, &mut ours);
    let variant = |text: &str| names::variant(text.trim_matches('"'));
    theirs.retain(|token| {
        let named = token.0.starts_with('"') && ours.contains(&(variant(&token.0), token.1));
        !named && !ours.contains(token)
    });
    theirs
}

fn flatten(tokens: TokenStream, into: &mut Vec<(String, LineColumn)>) {
    for token in tokens {
        match token {
            TokenTree::Group(group) => flatten(group.stream(), into),
            TokenTree::Punct(_) => {}
            token => into.push((token.to_string(), token.span().start())),
        }
    }
}
