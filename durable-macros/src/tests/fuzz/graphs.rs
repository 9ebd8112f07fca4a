//! What is written of any graph is read back as it was.

use durable_runtime::graph as read;
use proc_macro2::{Ident, Span};
use syn::{Expr, ExprLit, Lit, LitStr, Type, parse_quote};

use super::Random;
use crate::{
    emit::graph_text,
    facts::{Arm, BodyFacts, Fate, Node, Operation, OperationName, OptionCall, Place},
    operations::made_by,
    syntax::{function::line, text::text},
};

#[test]
fn what_is_written_of_any_graph_is_read_back() {
    let mut operations = 0;
    for seed in 0..2_000 {
        let mut random = Random(seed);
        let mut body = BodyFacts::default();
        body.nodes = nodes(&mut random, &mut body.operations, 5);
        let name = random.text();
        let written = graph_text(&name, 7, &body).to_string();
        let pieces: syn::ExprReference = syn::parse_str(&written).unwrap();
        let Expr::Array(pieces) = *pieces.expr else {
            panic!("not a list of pieces: {written}");
        };
        let pieces: Vec<&'static str> = pieces.elems.iter().map(literal).collect();
        let expected = expected(&body, &body.nodes);
        let graph = read::Body::written(pieces.leak(), &());
        assert_eq!(graph.read(), Ok(expected), "{written}");
        operations += body.operations.len();
    }
    assert!(operations > 8_000, "{operations}");
}

fn literal(piece: &Expr) -> &'static str {
    match piece {
        Expr::Lit(ExprLit {
            lit: Lit::Str(piece),
            ..
        }) => piece.value().leak(),
        _ => panic!("not a literal"),
    }
}

impl Random {
    fn text(&mut self) -> String {
        const PARTS: [&str; 14] = [
            "a",
            "charge",
            " ",
            "  ",
            ";",
            "{",
            "} ",
            ":",
            "12:",
            "\"",
            "\\n",
            "\n",
            "ß",
            "𝄞\u{0}",
        ];
        (0..self.below(6))
            .map(|_| PARTS[self.below(PARTS.len())])
            .collect()
    }
}

fn nodes(random: &mut Random, operations: &mut Vec<Operation>, depth: usize) -> Vec<Node> {
    (0..random.below(4))
        .map(|_| node(random, operations, depth))
        .collect()
}

fn node(random: &mut Random, operations: &mut Vec<Operation>, depth: usize) -> Node {
    let span = Span::call_site();
    let inner = |random: &mut Random, operations: &mut Vec<_>| nodes(random, operations, depth - 1);
    match random.below(if depth == 0 { 4 } else { 8 }) {
        4 | 5 => Node::Branch {
            condition: random.text(),
            span,
            arms: (0..random.below(4))
                .map(|_| Arm {
                    label: random.text(),
                    body: inner(random, operations),
                })
                .collect(),
        },
        6 => Node::Loop {
            header: random.text(),
            span,
            body: inner(random, operations),
        },
        7 => Node::Parallel {
            kind: ["join", "try_join", "race", "join_all", "try_join_all"][random.below(5)],
            span,
            branches: (0..random.below(4))
                .map(|_| inner(random, operations))
                .collect(),
        },
        3 => Node::Exit,
        _ => {
            operations.push(operation(random));
            Node::Operation(operations.len() - 1)
        }
    }
}

fn operation(random: &mut Random) -> Operation {
    let span = Span::call_site();
    let generics: [Type; 3] = [
        parse_quote!(u32),
        parse_quote!(Vec<(String, &'static str)>),
        parse_quote!([u8; { "a" }.len()]),
    ];
    let generic = Some(generics[random.below(3)].clone());
    let (word, generic) = [
        ("step", None),
        ("sleep", None),
        ("signal", generic.clone()),
        ("child", generic),
    ][random.below(4)]
    .clone();
    let options = (0..random.below(4)).map(|_| {
        let text = random.text();
        let (name, args): (&str, Vec<Expr>) = match random.below(4) {
            0 => ("was", vec![parse_quote!(#text)]),
            1 => ("retry", vec![parse_quote!(Retry::of(#text))]),
            2 => (
                "timeout",
                vec![parse_quote!(1), parse_quote!(|x: &u8| { x })],
            ),
            _ => ("at_most_once", vec![]),
        };
        OptionCall {
            name: Ident::new(name, span),
            args,
        }
    });
    let mut options: Vec<OptionCall> = options.collect();
    if random.below(3) == 0 {
        options.push(OptionCall {
            name: Ident::new("compensate", span),
            args: vec![parse_quote!(shop::refund)],
        });
    }
    Operation {
        kind: made_by(&Ident::new(word, span)).unwrap(),
        method: Ident::new(word, span),
        name: OperationName::Literal(LitStr::new(&random.text(), span)),
        is_short: false,
        generic,
        fragment: None,
        cfgs: match random.below(5) {
            0 => vec![
                parse_quote!(#[cfg(all())]),
                parse_quote!(#[cfg(not(any()))]),
            ],
            _ => Vec::new(),
        },
        options,
        place: Place::Body,
        fate: Fate::Awaited,
    }
}

fn expected(body: &BodyFacts, nodes: &[Node]) -> &'static [read::Node] {
    let nodes = nodes.iter().filter(|node| node.holds_operation());
    let nodes: Vec<_> = nodes.filter_map(|node| expected_node(body, node)).collect();
    nodes.leak()
}

fn expected_node(body: &BodyFacts, node: &Node) -> Option<read::Node> {
    let own = |text: &str| -> &'static str { text.to_owned().leak() };
    Some(match node {
        Node::Exit => return None,
        Node::Operation(index) => expected_operation(&body.operations[*index]),
        Node::Branch {
            condition,
            span,
            arms,
        } => {
            let arms = arms.iter().map(|arm| read::Arm {
                label: own(&arm.label),
                body: expected(body, &arm.body),
            });
            read::Node::Branch {
                condition: own(condition),
                line: line(*span),
                arms: arms.collect::<Vec<_>>().leak(),
            }
        }
        Node::Loop {
            header,
            span,
            body: inner,
            ..
        } => read::Node::Loop {
            header: own(header),
            line: line(*span),
            body: expected(body, inner),
        },
        Node::Parallel {
            kind,
            span,
            branches,
        } => {
            let branches = branches.iter().map(|branch| expected(body, branch));
            read::Node::Parallel {
                kind: match *kind {
                    "join" => read::ParallelKind::Join,
                    "try_join" => read::ParallelKind::TryJoin,
                    "race" => read::ParallelKind::Race,
                    "join_all" => read::ParallelKind::JoinAll,
                    _ => read::ParallelKind::TryJoinAll,
                },
                line: line(*span),
                branches: branches.collect::<Vec<_>>().leak(),
            }
        }
    })
}

fn expected_operation(operation: &Operation) -> read::Node {
    let own = |text: String| -> &'static str { text.leak() };
    let of = || own(text(&operation.generic));
    let name = operation.literal().unwrap();
    let options = operation.options.iter().filter_map(|choice| {
        let name = choice.name.to_string();
        let args: Vec<_> = choice.args.iter().map(text).collect();
        let is_option = name != "was" && name != "compensate";
        is_option.then(|| (own(name), own(args.join(", "))))
    });
    let was = operation
        .options_named("was")
        .filter_map(OptionCall::literal);
    read::Node::Operation(read::Operation {
        name: own(name.value()),
        kind: match operation.kind.word {
            "step" => read::OperationKind::Step,
            "sleep" => read::OperationKind::Sleep,
            "signal" => read::OperationKind::Signal { payload: of() },
            _ => read::OperationKind::Child { workflow: of() },
        },
        line: line(name.span()),
        options: options.collect::<Vec<_>>().leak(),
        compensation: operation.compensation().map(|_| "refund"),
        was: was.map(|was| own(was.value())).collect::<Vec<_>>().leak(),
    })
}
