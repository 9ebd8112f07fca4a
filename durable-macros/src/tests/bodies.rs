//! Bodies that need no type check to be judged.

use proc_macro2::{Ident, Span, TokenStream};
use quote::quote;

use super::errors;
use crate::pipeline;

/// The first line of each mistake that is found in the body of a workflow.
fn mistakes(body: &str) -> Vec<String> {
    let first_line = |message: String| message.lines().next().unwrap_or_default().to_owned();
    messages("ctx", body).into_iter().map(first_line).collect()
}

/// What is said of the body of a workflow whose context has this name.
fn messages(context: &str, body: &str) -> Vec<String> {
    let body: TokenStream = body.parse().unwrap();
    let context = Ident::new(context, Span::call_site());
    let item = quote! {
        async fn order(#context: &Ctx, input: Order) -> durable::Result<()> { #body }
    };
    let expansion = pipeline::workflow(TokenStream::new(), item);
    syn::parse2::<syn::File>(expansion.clone()).unwrap();
    let errors = errors(expansion).into_iter();
    errors.map(|(_, message)| message).collect()
}

#[track_caller]
fn assert_mistakes(body: &str, expected: &[&str]) {
    assert_eq!(mistakes(body), expected, "{body}");
}

#[test]
fn the_escape_hatch_takes_a_reason_and_no_operation() {
    assert_mistakes(
        r#"let home = durable::nondeterministic!("set once per machine", std::env::var("HOME"));"#,
        &[],
    );
    let needs_words =
        "the reason of `nondeterministic!` must be a string literal that is not empty";
    assert_mistakes(r#"nondeterministic!("", f());"#, &[needs_words]);
    assert_mistakes("nondeterministic!(REASON, f());", &[needs_words]);
    assert_mistakes(
        "nondeterministic!();",
        &["`nondeterministic!` needs a reason"],
    );
    let one_value = "`nondeterministic!` takes a reason and one value";
    assert_mistakes(r#"nondeterministic!("reason");"#, &[one_value]);
    assert_mistakes(r#"nondeterministic!("reason", a, b);"#, &[one_value]);
    assert_mistakes(
        r#"nondeterministic!("reason", ctx.sleep("pause", PAUSE).await?);"#,
        &["a sleep inside `nondeterministic!`"],
    );
}

#[test]
fn a_scope_is_handed_to_a_fragment_at_once() {
    assert_mistakes(r#"bill(ctx.scope("billing"), 3).await?;"#, &[]);
    assert_mistakes(
        r#"let scope = ctx.scope("billing"); bill(scope, 3).await?;"#,
        &["`ctx.scope(..)` can only be handed to a fragment, at once"],
    );
    assert_mistakes(
        r#"bill(ctx.scope("billing")).await?; ship(ctx.scope("billing")).await?;"#,
        &[r#"the name "billing" is used twice in `order`, first in line 1"#],
    );
    assert_mistakes(
        r#"bill(ctx.scope("Billing")).await?;"#,
        &[r#"the scope name "Billing" is not in snake_case"#],
    );
}

/// Bodies split at lines of `---`.
fn cases(text: &'static str) -> impl Iterator<Item = &'static str> {
    text.split("\n---\n")
}

#[test]
fn lawful_bodies_pass() {
    let refused: Vec<_> = cases(include_str!("lawful.txt"))
        .map(|body| (body, mistakes(body)))
        .filter(|(_, mistakes)| !mistakes.is_empty())
        .collect();
    assert!(refused.is_empty(), "{refused:#?}");
}

/// Each body has lines with `//!`: the mistakes in it.
#[test]
fn unlawful_bodies_are_reported() {
    let mut wrong = Vec::new();
    for case in cases(include_str!("unlawful.txt")) {
        let (told, body): (Vec<&str>, Vec<&str>) =
            case.lines().partition(|line| line.starts_with("//!"));
        let expected: Vec<&str> = told
            .iter()
            .map(|line| line.trim_start_matches("//!").trim())
            .collect();
        let found = mistakes(&body.join("\n"));
        if found != expected {
            wrong.push((case, found));
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}

#[test]
fn messages_call_the_context_by_its_name() {
    let mut judged = 0;
    for case in cases(include_str!("unlawful.txt")) {
        let body: Vec<&str> = case
            .lines()
            .filter(|line| !line.starts_with("//!"))
            .collect();
        let renamed = body.join("\n").replace("ctx", "run");
        for message in messages("run", &renamed) {
            assert!(!message.contains("ctx"), "{message}\n{renamed}");
            judged += usize::from(message.contains("run."));
        }
    }
    assert!(judged > 20, "{judged} messages show a call on the context");
}

#[test]
fn a_step_body_in_a_local_is_free_in_branches_too() {
    let with = |use_: &str| {
        format!("let slow = async |_| {{ tokio::time::sleep(PAUSE).await; Ok(7) }}; {use_}")
    };
    for lawful in [
        r#"ctx.step("one", slow).await?;"#,
        r#"durable::try_join!(ctx.step("one", slow), ctx.step("two", slow))?;"#,
        r#"durable::race! { one = ctx.step("one", slow) => one?, _ = ctx.sleep("two", PAUSE) => 1 };"#,
        r#"durable::join_all(vec![ctx.step("one", slow), ctx.step("two", slow)]).await;"#,
    ] {
        assert_mistakes(&with(lawful), &[]);
    }
    let timer = "`tokio::time::sleep` is a timer in memory";
    let run_by_the_body = r#"durable::join!(ctx.step("one", slow), slow(1));"#;
    let found = mistakes(&with(run_by_the_body));
    assert!(found.contains(&timer.to_owned()), "{found:?}");
}

#[test]
fn a_fn_that_an_attribute_has_rewritten_is_told_once() {
    let instrumented = r#"
        let __tracing_attr_span = tracing::span!(Level::INFO, "order");
        let __tracing_instrument_future = async move { ctx.step("one", work).await };
        if false { loop {} }
        Instrument::instrument(__tracing_instrument_future, __tracing_attr_span).await
    "#;
    assert_mistakes(
        instrumented,
        &["`#[tracing::instrument]` stands above `#[durable::workflow]`"],
    );
}

#[test]
fn a_combinator_in_the_body_of_a_step_is_anybodys() {
    let expand = |body: &str| {
        let item = format!("async fn order(ctx: &Ctx) -> durable::Result<()> {{ {body} }}");
        pipeline::workflow(TokenStream::new(), item.parse().unwrap()).to_string()
    };
    let polls = "join!(one(), two()); join_all(many()).await;";
    let marks = ["@ durable", "__private :: branches"];
    let free = expand(&format!(
        "ctx.step(\"poll\", |_| async {{ {polls} Ok(1) }}).await?;"
    ));
    let ours = expand(&format!("ctx.sleep(\"rest\", PAUSE).await?; {polls}"));
    for mark in marks {
        assert!(!free.contains(mark), "{free}");
        assert!(ours.contains(mark), "{ours}");
    }
}
