//! Draws the workflows of the examples.
//!
//! `cargo run --example graph` lists them;
//! `cargo run --example graph -- --format svg|mermaid|dot WORKFLOW` writes a drawing to the standard
//! output.
//!
//! Exit codes: 0 done, 1 no such workflow, 2 wrong arguments.

#![expect(
    unreachable_pub,
    reason = "in a program, `pub` says what other modules use"
)]

use std::{
    io::{self, Write},
    process::ExitCode,
};

use durable::graph::{Graph, Registry};

#[path = "../order"]
#[expect(dead_code, reason = "only the workflows are used")]
mod order {
    mod shop;
    mod workflows;
}

#[path = "../backup"]
mod backup {
    mod blob;
    mod fault;
    mod files;
    mod inventory;
    mod manifest;
    mod workflows;
}

const USAGE: &str = "usage: graph [--format svg|mermaid|dot] [WORKFLOW]";

/// How a graph is written.
type Format = fn(&Graph) -> String;

/// What the program was asked for.
struct Args {
    format: Format,
    workflow: Option<String>,
}

impl Args {
    fn parse(mut args: impl Iterator<Item = String>) -> Result<Self, String> {
        let mut parsed = Self {
            format: Graph::to_svg,
            workflow: None,
        };
        while let Some(arg) = args.next() {
            match arg.as_str() {
                "--format" => parsed.format = format(args.next())?,
                _ if arg.starts_with('-') => return Err(format!("there is no option `{arg}`")),
                _ if parsed.workflow.is_some() => return Err("one workflow at a time".to_owned()),
                _ => parsed.workflow = Some(arg),
            }
        }
        Ok(parsed)
    }
}

fn format(name: Option<String>) -> Result<Format, String> {
    match name.as_deref() {
        Some("svg") => Ok(Graph::to_svg),
        Some("mermaid") => Ok(Graph::to_mermaid),
        Some("dot") => Ok(Graph::to_dot),
        Some(name) => Err(format!("there is no format `{name}`")),
        None => Err("`--format` needs a format".to_owned()),
    }
}

fn main() -> ExitCode {
    let args = match Args::parse(std::env::args().skip(1)) {
        Ok(args) => args,
        Err(error) => {
            eprintln!("error: {error}\n\n{USAGE}");
            return ExitCode::from(2);
        }
    };
    match run(&args) {
        Ok(()) => ExitCode::SUCCESS,
        // Whoever reads may stop reading: `graph | head`.
        Err(error) if is_broken_pipe(error.as_ref()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error}");
            ExitCode::FAILURE
        }
    }
}

fn run(args: &Args) -> durable::Result<()> {
    let registry = Registry::linked()?;
    let text = match &args.workflow {
        None => list(&registry),
        Some(name) => draw(&registry, name, args.format)?,
    };
    io::stdout().write_all(text.as_bytes())?;
    Ok(())
}

fn draw(registry: &Registry, name: &str, format: Format) -> Result<String, String> {
    let known = || registry.names().collect::<Vec<_>>().join("`, `");
    match registry.find(name) {
        Some(definition) => Ok(format(definition.graph())),
        None => Err(format!(
            "there is no workflow `{name}`; there are `{}`",
            known()
        )),
    }
}

/// One line for each workflow: its name, its fingerprint and where it is.
fn list(registry: &Registry) -> String {
    let lines = registry.iter().map(|definition| {
        let fingerprint = definition.graph().fingerprint();
        let (name, file, line) = (definition.name, definition.file, definition.line);
        format!("{name:<10}{fingerprint}  {file}:{line}\n")
    });
    lines.collect()
}

fn is_broken_pipe(error: &(dyn std::error::Error + 'static)) -> bool {
    let error = error.downcast_ref::<io::Error>();
    error.is_some_and(|error| error.kind() == io::ErrorKind::BrokenPipe)
}
