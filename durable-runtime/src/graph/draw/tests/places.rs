//! What holds for every layout and every format: checked on random graphs.

use std::collections::BTreeSet;

use super::super::{
    super::{Arm, Body, Graph, Node, Operation, OperationKind, ParallelKind, sample::EVERYTHING},
    layout,
    look::Symbol,
    scene::{DrawnShape, Point, Rect, Scene},
    words,
};

#[test]
fn nothing_overlaps_and_every_text_is_in_its_shape() {
    check(&EVERYTHING);
    let mut shapes = 0;
    for seed in 1..400 {
        shapes += check(Random(seed).graph());
    }
    assert!(shapes > 8_000, "the graphs are too small: {shapes}");
}

#[test]
fn every_format_of_a_random_graph_is_well_formed() {
    for seed in 1..400 {
        let graph = Random(seed).graph();
        let svg = graph.to_svg();
        well_formed(&svg).unwrap_or_else(|error| panic!("seed {seed}: {error}\n{svg}"));
        for (path, _) in graph.paths() {
            assert!(
                svg.contains(&format!("data-operation=\"{path}\"")),
                "seed {seed}: {path}"
            );
        }
        let dot = graph.to_dot();
        let balance = balance_outside_quotes(&dot);
        assert_eq!(balance, Some(0), "seed {seed}: {dot}");
        for line in graph.to_mermaid().lines() {
            // Two for each text, and none in it.
            let quotes = line.matches('"').count();
            assert!(quotes == 0 || quotes == 2, "seed {seed}: {line}");
        }
    }
}

/// Checks a layout; gives the number of its shapes.
fn check(graph: &'static Graph) -> usize {
    let scene = layout::draw(graph);
    let told = || graph.to_svg();
    let whole = Rect {
        x: 0,
        y: 0,
        width: scene.width,
        height: scene.height,
    };
    for (index, shape) in scene.shapes.iter().enumerate() {
        let rect = shape.rect;
        assert!(contains(whole, rect), "{shape:?} is outside: {}", told());
        for other in &scene.shapes[..index] {
            assert!(
                apart(rect, other.rect),
                "{shape:?} is on {other:?}: {}",
                told()
            );
        }
        for frame in &scene.frames {
            let clear = contains(frame.rect, rect) || apart(frame.rect, rect);
            assert!(clear, "{shape:?} is on the edge of {frame:?}: {}", told());
        }
        check_text(shape);
    }
    for (index, frame) in scene.frames.iter().enumerate() {
        assert!(
            contains(whole, frame.rect),
            "{frame:?} is outside: {}",
            told()
        );
        for other in scene.frames[..index].iter().map(|other| other.rect) {
            let nested = contains(other, frame.rect) || apart(other, frame.rect);
            assert!(nested, "{frame:?} crosses {other:?}: {}", told());
        }
    }
    check_lines(&scene);
    check_labels(&scene, whole);
    scene.shapes.len()
}

/// Checks that a text ends before its shape does, in a font whose characters are 0.61 of its size wide.
fn check_text(shape: &DrawnShape) {
    let operation = !shape.text.operation.is_empty();
    let wide = |text: &str, size: usize| words::width(text) * size * 61 / 100;
    let titles = shape.text.title.iter();
    let font = if operation || shape.symbol == Symbol::Start {
        13
    } else {
        12
    };
    let texts = titles.map(|line| wide(line, font));
    let widest = texts.chain([wide(&shape.text.detail, 11)]).max();
    let free = shape.rect.width - if operation { 40 + 8 } else { 16 };
    assert!(
        i32::try_from(widest.unwrap()).unwrap() <= free.max(0),
        "{shape:?} is too narrow"
    );
    let rows = shape.text.title.len() + usize::from(!shape.text.detail.is_empty());
    assert!(
        rows == 0 || shape.rect.height >= i32::try_from(rows * 16).unwrap(),
        "{shape:?}"
    );
}

fn check_lines(scene: &Scene) {
    for line in &scene.lines {
        for ends in line.points.windows(2) {
            let (from, to) = (ends[0], ends[1]);
            assert!(from.0 == to.0 || from.1 == to.1, "{line:?} is slanted");
            for shape in &scene.shapes {
                assert!(!crosses(from, to, shape.rect), "{line:?} crosses {shape:?}");
            }
        }
        if line.arrow {
            let tip = line.points[line.points.len() - 1];
            let led_to = scene.shapes.iter().any(|shape| touches(tip, shape.rect));
            assert!(led_to, "{line:?} leads to nothing");
        }
    }
}

fn check_labels(scene: &Scene, whole: Rect) {
    for label in &scene.labels {
        let rect = Rect {
            x: label.at.0,
            y: label.at.1 - 11,
            width: i32::try_from(words::width(&label.text) * 66 / 10).unwrap(),
            height: 13,
        };
        assert!(contains(whole, rect), "{label:?} is outside");
        for shape in &scene.shapes {
            assert!(apart(rect, shape.rect), "{label:?} is on {shape:?}");
        }
        for line in &scene.lines {
            for ends in line.points.windows(2) {
                assert!(!crosses(ends[0], ends[1], rect), "{label:?} is on {line:?}");
            }
        }
    }
}

fn contains(outer: Rect, inner: Rect) -> bool {
    outer.x <= inner.x
        && outer.y <= inner.y
        && outer.right() >= inner.right()
        && outer.bottom() >= inner.bottom()
}

fn apart(one: Rect, other: Rect) -> bool {
    one.right() <= other.x
        || other.right() <= one.x
        || one.bottom() <= other.y
        || other.bottom() <= one.y
}

/// Whether a straight line has a point inside a rectangle.
fn crosses(from: Point, to: Point, rect: Rect) -> bool {
    let within =
        |from: i32, to: i32, low: i32, high: i32| from.max(to) > low && from.min(to) < high;
    within(from.0, to.0, rect.x, rect.right()) && within(from.1, to.1, rect.y, rect.bottom())
}

fn touches((x, y): Point, rect: Rect) -> bool {
    let grown = Rect {
        x: rect.x - 1,
        y: rect.y - 1,
        width: rect.width + 2,
        height: rect.height + 2,
    };
    x >= grown.x && x <= grown.right() && y >= grown.y && y <= grown.bottom()
}

/// Checks that XML is well formed, as far as we write it: elements, quoted attributes, five entities.
fn well_formed(xml: &str) -> Result<(), String> {
    let mut open = Vec::new();
    let mut rest = xml;
    while let Some(start) = rest.find('<') {
        text(&rest[..start])?;
        let end = rest.find('>').ok_or("a tag does not end")?;
        let tag = &rest[start + 1..end];
        rest = &rest[end + 1..];
        if let Some(name) = tag.strip_prefix('/') {
            let expected = open.pop().ok_or("an element ends that has not begun")?;
            if name != expected {
                return Err(format!("`{expected}` is ended by `{name}`"));
            }
            continue;
        }
        let (tag, closed) = match tag.strip_suffix('/') {
            Some(tag) => (tag, true),
            None => (tag, false),
        };
        let (name, attributes) = tag.split_once(' ').unwrap_or((tag, ""));
        attribute(attributes)?;
        if !closed {
            open.push(name);
        }
    }
    text(rest)?;
    match (open.pop(), rest.trim()) {
        (None, "") => Ok(()),
        (left, rest) => Err(format!("left over: {left:?} {rest}")),
    }
}

fn attribute(mut rest: &str) -> Result<(), String> {
    let mut seen = BTreeSet::new();
    while !rest.is_empty() {
        let (name, after) = rest.split_once("=\"").ok_or(format!("no value: {rest}"))?;
        let (value, after) = after.split_once('"').ok_or(format!("no end: {rest}"))?;
        let name = name.trim();
        if !seen.insert(name) || !name.chars().all(|c| c.is_alphanumeric() || c == '-') {
            return Err(format!("attribute `{name}`"));
        }
        text(value)?;
        rest = after;
    }
    Ok(())
}

fn text(text: &str) -> Result<(), String> {
    let known = ["&amp;", "&lt;", "&gt;", "&quot;", "&#39;"];
    let bare = text
        .match_indices('&')
        .find(|(at, _)| !known.iter().any(|entity| text[*at..].starts_with(entity)));
    let control = text
        .chars()
        .find(|c| c.is_control() && *c != '\n' && *c != '\t');
    match (bare, control, text.contains(['<', '>'])) {
        (None, None, false) => Ok(()),
        _ => Err(format!("text {text:?}")),
    }
}

/// How many braces are open at the end; `None` when a quote is.
fn balance_outside_quotes(dot: &str) -> Option<i32> {
    let (mut depth, mut quoted, mut escaped) = (0, false, false);
    for c in dot.chars() {
        match c {
            _ if escaped => escaped = false,
            '\\' if quoted => escaped = true,
            '"' => quoted = !quoted,
            '{' if !quoted => depth += 1,
            '}' if !quoted => depth -= 1,
            _ => {}
        }
    }
    (!quoted).then_some(depth)
}

/// Random graphs with texts that no format likes (xorshift64*). They are leaked: graphs are constants.
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        self.0.wrapping_mul(0x2545_f491_4f6c_dd1d)
    }

    fn below(&mut self, end: usize) -> usize {
        usize::try_from((self.next() >> 8) % end as u64).unwrap()
    }

    fn graph(mut self) -> &'static Graph {
        Box::leak(Box::new(Graph {
            workflow: "random",
            was: &[],
            body: Body::of(self.sequence(3)),
        }))
    }

    fn sequence(&mut self, depth: usize) -> &'static [Node] {
        let nodes: Vec<_> = (0..self.below(5)).map(|_| self.node(depth)).collect();
        nodes.leak()
    }

    fn name(&mut self) -> &'static str {
        let len = 1 + self.below(24);
        let name: String = (0..len)
            .map(|_| char::from(b'a' + self.below(26) as u8))
            .collect();
        name.leak()
    }

    fn text(&mut self) -> &'static str {
        const PIECES: [&str; 12] = [
            "x",
            " ",
            "\"",
            "<b>",
            "&",
            "]]>",
            "\\",
            "\n",
            "|",
            "'",
            "\u{5bff}\u{53f8}",
            "order.total > limit ",
        ];
        let text: String = (0..self.below(30))
            .map(|_| PIECES[self.below(12)])
            .collect();
        text.leak()
    }

    fn node(&mut self, depth: usize) -> Node {
        let line = 1;
        match if depth == 0 { 0 } else { self.below(7) } {
            1 => Node::Branch {
                condition: self.text(),
                line,
                arms: {
                    let arms = (0..=self.below(3)).map(|_| Arm {
                        label: if self.below(2) == 0 {
                            "then"
                        } else {
                            self.text()
                        },
                        body: self.sequence(depth - 1),
                    });
                    arms.collect::<Vec<_>>().leak()
                },
            },
            2 => Node::Loop {
                header: self.text(),
                line,
                body: self.sequence(depth - 1),
            },
            3 => {
                const KINDS: [ParallelKind; 5] = [
                    ParallelKind::Join,
                    ParallelKind::TryJoin,
                    ParallelKind::Race,
                    ParallelKind::JoinAll,
                    ParallelKind::TryJoinAll,
                ];
                let kind = self.below(5);
                let lanes = if kind > 2 { 1 } else { 1 + self.below(4) };
                let branches: Vec<_> = (0..lanes).map(|_| self.sequence(depth - 1)).collect();
                Node::Parallel {
                    kind: KINDS[kind],
                    line,
                    branches: branches.leak(),
                }
            }
            4 => Node::Scope {
                name: self.name(),
                line,
                fragment: "fragment",
                file: "src/fragment.rs",
                body: self.sequence(depth - 1),
            },
            _ => Node::Operation(self.operation()),
        }
    }

    fn operation(&mut self) -> Operation {
        let kinds = OperationKind::ALL;
        let kind = kinds.get(self.below(kinds.len() * 2));
        let kind = kind.map_or(OperationKind::Step, |kind| kind.with(self.text()));
        Operation {
            name: self.name(),
            kind,
            line: 1,
            options: &[("retry", "Retry::none()")],
            compensation: (self.below(3) == 0).then(|| self.name()),
            was: &[],
        }
    }
}

#[test]
fn the_checks_themselves_find_what_is_wrong() {
    for wrong in [
        "<a>",
        "<a></b>",
        "<a b=\"c\" b=\"d\"/>",
        "<a>&x</a>",
        "<a b=\"<\"/>",
        "</a>",
    ] {
        assert!(well_formed(wrong).is_err(), "{wrong}");
    }
    assert_eq!(well_formed("<a b=\"c\"><d/>&amp;</a>"), Ok(()));
    let rect = |x, y| Rect {
        x,
        y,
        width: 10,
        height: 10,
    };
    assert!(apart(rect(0, 0), rect(10, 0)) && !apart(rect(0, 0), rect(9, 9)));
    assert!(crosses((5, -5), (5, 20), rect(0, 0)) && !crosses((10, -5), (10, 20), rect(0, 0)));
}
