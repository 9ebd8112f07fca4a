//! Random bodies that break no rule.

use super::Random;

/// A body and how many operations it makes.
pub(super) struct Body {
    pub(super) source: String,
    pub(super) operations: usize,
}

pub(super) fn body(seed: u64) -> Body {
    let mut writer = Writer {
        random: Random(seed),
        source: String::new(),
        operations: 0,
        locals: 0,
    };
    let count = 1 + writer.random.below(5);
    writer.statements(count, 3);
    writer.source.push_str("Ok(())");
    Body {
        source: writer.source,
        operations: writer.operations,
    }
}

struct Writer {
    random: Random,
    source: String,
    operations: usize,
    locals: usize,
}

impl Writer {
    fn statements(&mut self, count: usize, depth: usize) {
        for _ in 0..count {
            self.statement(depth);
            self.source.push('\n');
        }
    }

    fn statement(&mut self, depth: usize) {
        let kinds = if depth == 0 { 8 } else { 18 };
        let statement = match self.random.below(kinds) {
            0 => format!("{}.await?;", self.operation()),
            1 => format!("let {} = {}.await?;", self.local(), self.operation()),
            2 => format!("let _ = {}.await;", self.operation()),
            3 => format!(
                "let {} = input.lines.iter().map(|line| line.price * 2).sum::<u32>();",
                self.local()
            ),
            4 => format!(
                "tracing::info!(run = %ctx.run_id(), paid = {}.await?, \"paid {{}}\", 1);",
                self.operation()
            ),
            5 => format!(
                "let Ok(value) = {}.await else {{ return Ok(()) }};",
                self.operation()
            ),
            6 => self.waiting(),
            7 => format!(
                "assert!(matches!({}.await?, Some(paid) if paid > 3), \"no\");",
                self.operation()
            ),
            8 => format!("if input.total > 3 {}", self.block(depth)),
            9 => format!(
                "if let Some(line) = input.lines.first() && line.price > 1 {} else {}",
                self.block(depth),
                self.block(depth)
            ),
            10 => format!(
                "match {}.await? {{ Kind::A {{ .. }} => {}, Kind::B(b) if b > 2 => {}, _ => {{}} }}",
                self.operation(),
                self.block(depth),
                self.block(depth)
            ),
            11 => format!("for line in &input.lines {}", self.block(depth)),
            12 => format!("while {}.await? {}", self.operation(), self.block(depth)),
            13 => format!(
                "'outer: loop {{ {} if done {{ break 'outer; }} }}",
                self.block(depth)
            ),
            14 => format!(
                "let (a, b) = durable::join!({}, async {}); drop(a); b.ok();",
                self.operation(),
                self.branch(depth)
            ),
            15 => format!(
                "durable::race! {{ x = {} => {}, _ = {} => {} }};",
                self.operation(),
                self.block(depth),
                self.operation(),
                self.block(depth)
            ),
            16 => format!(
                "durable::try_join_all(input.lines.iter().map(|line| {})).await?;",
                self.operation()
            ),
            _ => self.block(depth),
        };
        self.source.push_str(&statement);
    }

    /// An operation that waits in a local for a while.
    fn waiting(&mut self) -> String {
        let (local, operation) = (self.local(), self.operation());
        format!("let {local} = {operation}; let between = input.total + 1; {local}.await?;")
    }

    fn block(&mut self, depth: usize) -> String {
        let outer = std::mem::take(&mut self.source);
        let count = self.random.below(3);
        self.statements(count, depth.saturating_sub(1));
        let inner = std::mem::replace(&mut self.source, outer);
        format!("{{ {inner} }}")
    }

    fn branch(&mut self, depth: usize) -> String {
        let block = self.block(depth);
        format!("{{ {block} Ok::<_, Failure>(()) }}")
    }

    fn local(&mut self) -> String {
        self.locals += 1;
        format!("local_{}", self.locals)
    }

    fn operation(&mut self) -> String {
        self.operations += 1;
        let name = format!("op_{}", self.operations);
        match self.random.below(8) {
            0 => format!("ctx.sleep(\"{name}\", PAUSE)"),
            1 => format!("ctx.sleep_until(\"{name}\", ctx.now() + PAUSE)"),
            2 => format!("ctx.signal::<Option<Vec<u8>>>(\"{name}\").timeout(PAUSE)"),
            3 => format!("ctx.child::<ship>(\"{name}\", input.clone()).compensate(recall)"),
            4 => format!(
                "ctx.step(\"{name}\", |step| async move {{ tokio::time::sleep(PAUSE).await; work(&step).await }})"
            ),
            5 => format!(
                "ctx.step(\"{name}\", payments::charge).retry(Retry::linear().max_attempts(3)).timeout(PAUSE)"
            ),
            6 => format!("bill(ctx.scope(\"{name}\"), &input)"),
            _ => format!(
                "ctx.step(\"{name}\", |_| work(&input)).compensate(undo).was(\"old_{name}\")"
            ),
        }
    }
}
