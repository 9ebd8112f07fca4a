//! How much room each part of a graph takes, from the inside out.

use super::{
    super::{Arm, Graph, Node, Operation, ParallelKind},
    look::Symbol,
    scene::ShapeText,
    words,
};

/// Between two parts of a sequence.
pub(super) const GAP: i32 = 28;
/// Between two lanes.
pub(super) const LANE_GAP: i32 = 32;
/// From a head to the line that spreads its lanes.
pub(super) const SPREAD: i32 = 16;
/// The row of labels over lanes.
pub(super) const LABEL: i32 = 18;
/// The row over lanes that the way back runs along.
pub(super) const RAIL: i32 = 22;
/// From the lanes to where they meet.
pub(super) const MEET: i32 = 26;
/// Around what is in a frame.
pub(super) const PADDING: i32 = 18;
/// The room for the line back to a loop's head.
pub(super) const BACK: i32 = 24;
/// How far the copies behind a stacked frame stick out.
pub(super) const STACK: i32 = 6;
/// From a sequence to its compensations.
pub(super) const UNDO_GAP: i32 = 30;
/// The height of a compensation.
pub(super) const UNDO_HEIGHT: i32 = 30;

/// A measured part. The flow enters and leaves it on an axis.
#[derive(Debug)]
pub(super) struct MeasuredPart<'g> {
    /// From the axis to the left edge, and to the right edge.
    pub(super) left: i32,
    pub(super) right: i32,
    pub(super) height: i32,
    /// Whether the way back leads through it.
    pub(super) undo: bool,
    pub(super) kind: MeasuredKind<'g>,
}

#[derive(Debug)]
pub(super) enum MeasuredKind<'g> {
    Shape {
        symbol: Symbol,
        text: ShapeText,
        compensation: Option<&'g str>,
    },
    Sequence {
        rows: Vec<MeasuredPart<'g>>,
        /// From the axis to where the compensations begin, and how wide they are.
        column: (i32, i32),
    },
    Fan {
        head: Box<MeasuredPart<'g>>,
        /// Each with the text beside its line and the distance of its axis from the fan's.
        lanes: Vec<(String, i32, MeasuredPart<'g>)>,
        labeled: bool,
        meet: Symbol,
    },
    Frame {
        head: Box<MeasuredPart<'g>>,
        body: Box<MeasuredPart<'g>>,
        /// Whether a line leads back to the head.
        repeats: bool,
        stacked: bool,
    },
}

/// The size of a shape with this text.
pub(super) fn size(symbol: Symbol, text: &ShapeText) -> (i32, i32) {
    let wide = |texts: &[String], tenths: i32| {
        let columns = texts.iter().map(|text| words::width(text)).max();
        let columns = i32::try_from(columns.unwrap_or(0)).unwrap_or(i32::MAX / 100);
        (columns * tenths + 9) / 10
    };
    let lines = i32::try_from(text.title.len()).unwrap_or(1);
    let detail = wide(std::slice::from_ref(&text.detail), 68);
    let (width, height) = match symbol {
        Symbol::Operation(_) => ((wide(&text.title, 80).max(detail) + 54).max(156), 46),
        Symbol::Condition => (wide(&text.title, 74) + 48, 18 + 16 * lines),
        Symbol::Title if text.detail.is_empty() => (wide(&text.title, 74) + 32, 28),
        Symbol::Title => (wide(&text.title, 74).max(detail) + 36, 42),
        Symbol::Start => (wide(&text.title, 80) + 40, 36),
        Symbol::Compensation => (wide(&text.title, 74) + 28, UNDO_HEIGHT),
        Symbol::UndoEnd => (wide(&text.title, 74) + 32, 30),
        Symbol::End => (20, 20),
        Symbol::ArmsMeet => (8, 8),
        Symbol::LanesMeet => (56, 5),
    };
    // Even, so that the middle is a whole number.
    (width + width % 2, height)
}

/// The whole body.
pub(super) fn body(graph: &Graph) -> MeasuredPart<'_> {
    sequence(&graph.body, "")
}

fn sequence<'g>(nodes: &'g [Node], scope: &str) -> MeasuredPart<'g> {
    let rows: Vec<_> = nodes.iter().map(|node| part(node, scope)).collect();
    let gaps = i32::try_from(rows.len().saturating_sub(1)).unwrap_or(0) * GAP;
    let compensations = rows.iter().filter_map(|row| match row.kind {
        MeasuredKind::Shape { compensation, .. } => compensation,
        _ => None,
    });
    let widths = compensations.map(|name| size(Symbol::Compensation, &undo_text(name)).0);
    let width = widths.max().unwrap_or(0);
    let undo = rows.iter().any(|row| row.undo);
    let right = rows.iter().map(|row| row.right).max().unwrap_or(0);
    let begin = right + UNDO_GAP;
    MeasuredPart {
        left: rows.iter().map(|row| row.left).max().unwrap_or(0),
        right: if undo { begin + width } else { right },
        height: rows.iter().map(|row| row.height).sum::<i32>() + gaps,
        undo,
        kind: MeasuredKind::Sequence {
            rows,
            column: (begin, width),
        },
    }
}

pub(super) fn undo_text(name: &str) -> ShapeText {
    ShapeText {
        title: vec![words::cut(name)],
        ..ShapeText::default()
    }
}

fn part<'g>(node: &'g Node, scope: &str) -> MeasuredPart<'g> {
    match node {
        Node::Operation(operation) => self::operation(operation, scope),
        Node::Branch {
            condition, arms, ..
        } => branch(condition, arms, scope),
        Node::Loop { header, body, .. } => {
            let head = condition_head(header);
            frame(head, sequence(body, scope), true, false)
        }
        Node::Parallel { kind, branches, .. } => parallel(*kind, branches, scope),
        Node::Scope { name, body, .. } => {
            let head = shape(
                Symbol::Title,
                ShapeText {
                    title: vec![words::cut(&format!("scope {name}"))],
                    ..ShapeText::default()
                },
            );
            let body = sequence(body, &format!("{scope}{name}/"));
            frame(head, body, false, false)
        }
    }
}

fn shape<'g>(symbol: Symbol, text: ShapeText) -> MeasuredPart<'g> {
    let (width, height) = size(symbol, &text);
    MeasuredPart {
        left: width / 2,
        right: width / 2,
        height,
        undo: false,
        kind: MeasuredKind::Shape {
            symbol,
            text,
            compensation: None,
        },
    }
}

fn operation<'g>(operation: &'g Operation, scope: &str) -> MeasuredPart<'g> {
    let text = ShapeText {
        title: vec![words::cut(operation.name)],
        detail: words::cut(&words::detail(operation)),
        tip: words::tip(operation),
        operation: format!("{scope}{}", operation.name),
    };
    let mut block = shape(Symbol::Operation(operation.kind), text);
    block.undo = operation.compensation.is_some();
    if let MeasuredKind::Shape { compensation, .. } = &mut block.kind {
        *compensation = operation.compensation;
    }
    block
}

fn condition_head<'g>(condition: &str) -> MeasuredPart<'g> {
    let text = ShapeText {
        title: words::lines(condition),
        tip: condition.to_owned(),
        ..ShapeText::default()
    };
    shape(Symbol::Condition, text)
}

fn branch<'g>(condition: &'g str, arms: &'g [Arm], scope: &str) -> MeasuredPart<'g> {
    let mut lanes: Vec<_> = arms
        .iter()
        .map(|arm| (words::label(arm), sequence(arm.body, scope)))
        .collect();
    // An `if` without `else` goes on.
    if let [Arm { label: "then", .. }] = arms {
        lanes.push(("else".to_owned(), sequence(&[], scope)));
    }
    fan(condition_head(condition), lanes, Symbol::ArmsMeet)
}

fn parallel<'g>(kind: ParallelKind, branches: &'g [&'g [Node]], scope: &str) -> MeasuredPart<'g> {
    let text = ShapeText {
        title: vec![kind.noun().to_owned()],
        detail: words::parallel(kind).to_owned(),
        ..ShapeText::default()
    };
    let head = shape(Symbol::Title, text);
    match (kind, branches) {
        (ParallelKind::JoinAll | ParallelKind::TryJoinAll, [body]) => {
            frame(head, sequence(body, scope), false, true)
        }
        _ => {
            let lanes = branches.iter();
            let lanes = lanes.map(|lane| (String::new(), sequence(lane, scope)));
            fan(head, lanes.collect(), Symbol::LanesMeet)
        }
    }
}

fn fan<'g>(
    head: MeasuredPart<'g>,
    lanes: Vec<(String, MeasuredPart<'g>)>,
    meet: Symbol,
) -> MeasuredPart<'g> {
    let labeled = lanes.iter().any(|(label, _)| !label.is_empty());
    let undo = lanes.iter().any(|(_, lane)| lane.undo);
    let tallest = lanes.iter().map(|(_, lane)| lane.height).max().unwrap_or(0);
    let mut edge = 0;
    let mut placed = Vec::new();
    for (label, lane) in lanes {
        let text = i32::try_from(words::width(&label) * 7).unwrap_or(0);
        let axis = edge + lane.left.max(12);
        edge = axis + lane.right.max(12).max(8 + text);
        placed.push((label, axis, lane));
        edge += LANE_GAP;
    }
    let width = edge - LANE_GAP;
    // The middle lane goes straight on, if there is one.
    let axis_of = |index: usize| placed.get(index).map_or(0, |lane| lane.1);
    let last = placed.len().saturating_sub(1);
    let axis = (axis_of(last / 2) + axis_of(last.div_ceil(2))) / 2;
    placed.iter_mut().for_each(|lane| lane.1 -= axis);
    let rows = SPREAD + if labeled { LABEL } else { 0 } + RAIL + MEET;
    MeasuredPart {
        left: axis.max(head.left),
        right: (width - axis).max(head.right) + if undo { 10 } else { 0 },
        height: head.height + rows + tallest + size(meet, &ShapeText::default()).1,
        undo,
        kind: MeasuredKind::Fan {
            head: Box::new(head),
            lanes: placed,
            labeled,
            meet,
        },
    }
}

fn frame<'g>(
    head: MeasuredPart<'g>,
    body: MeasuredPart<'g>,
    repeats: bool,
    stacked: bool,
) -> MeasuredPart<'g> {
    let stack = if stacked { STACK } else { 0 };
    let back = if repeats { BACK } else { 0 };
    MeasuredPart {
        left: head.left.max(body.left) + PADDING + back,
        right: head.right.max(body.right) + PADDING + stack,
        height: stack + PADDING + head.height + GAP + body.height + PADDING + back / 2,
        undo: body.undo,
        kind: MeasuredKind::Frame {
            head: Box::new(head),
            body: Box::new(body),
            repeats,
            stacked,
        },
    }
}
