//! The name of the context may mean something else where that is plain to see.
use durable::prelude::*;

struct Page {
    name: String,
}

impl Page {
    fn step(&self, name: &str) -> String {
        format!("{}{name}", self.name)
    }
}

#[durable::workflow]
async fn render(ctx: &Ctx, names: Vec<String>) -> durable::Result<String> {
    fn helper(ctx: &Page) -> String {
        ctx.step("helper")
    }
    let pages: Vec<Page> = names.into_iter().map(|name| Page { name }).collect();
    let all: String = pages.iter().map(|ctx| ctx.step("closure")).collect();
    let rendered = ctx
        .step("render", |ctx| async move {
            let attempt = ctx.attempt();
            let ctx = Page { name: attempt.to_string() };
            Ok::<_, String>(helper(&ctx) + &ctx.step("inner"))
        })
        .await?;
    let mut text = String::new();
    for ctx in &pages {
        text += &ctx.step("loop");
    }
    if let Some(ctx) = pages.first() {
        text += &helper(ctx);
    }
    match pages.last() {
        Some(ctx) => text += &ctx.step("match"),
        None => {}
    }
    {
        let ctx = Page { name: text.clone() };
        text += &ctx.step("block");
    }
    let long = matches!(pages.first(), Some(ctx) if ctx.step("guard").len() > 3);
    let pause = ctx.sleep("pause", std::time::Duration::from_secs(1));
    durable::race! {
        ctx = async { ctx.sleep("before", std::time::Duration::from_secs(2)).await.map(|()| Page { name: text.clone() }) } => {
            text += &ctx?.step("race");
        },
        pause = pause => pause?,
    }
    let done = ctx.step("done", |_| async { Ok::<_, String>(1) }).await?;
    Ok(format!("{all}{rendered}{text}{done}{long}"))
}

fn main() {
    let names: Vec<_> = render::GRAPH.operations().iter().map(|operation| operation.name).collect();
    assert_eq!(names, ["render", "pause", "before", "done"]);
}
