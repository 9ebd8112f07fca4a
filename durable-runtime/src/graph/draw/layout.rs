//! Where each part of a graph is, from the outside in.

use super::{
    super::Graph,
    look::Symbol,
    measure::{
        GAP, LABEL, MEET, MeasuredKind, MeasuredPart, PADDING, RAIL, SPREAD, STACK, UNDO_HEIGHT,
        body, size, undo_text,
    },
    scene::{DrawnFrame, DrawnLine, DrawnShape, Label, Point, Rect, Scene, ShapeText},
    words,
};

const MARGIN: i32 = 24;
/// The least room for the ends of the way back.
const ENDS: i32 = 168;

/// A part that has been placed.
struct Placed {
    /// Where the flow enters and leaves it, on its axis.
    enter: i32,
    leave: i32,
    /// Where the way back leaves it; to the right of there its row is free.
    exit: Option<Point>,
    /// Where the way back begins, if that is in a sequence: how low, and whether at a compensation.
    begin: Option<(i32, bool)>,
}

/// Lays a graph out.
pub(super) fn draw(graph: &Graph) -> Scene {
    let mut block = body(graph);
    let start = named(words::cut(graph.workflow));
    let half = size(Symbol::Start, &start).0 / 2;
    if let MeasuredKind::Sequence { column, .. } = &mut block.kind
        && block.undo
    {
        column.0 = column.0.max(half + GAP);
        column.1 = column.1.max(ENDS);
        block.right = column.0 + column.1;
    }
    let axis = MARGIN + block.left.max(half);
    let mut scene = Scene {
        title: graph.workflow.to_owned(),
        width: axis + block.right.max(half) + MARGIN,
        ..Scene::default()
    };
    let start = scene.hang(Symbol::Start, start, (axis, MARGIN));
    let placed = scene.place(&block, (axis, start.bottom() + GAP));
    let bottom = start.bottom() + GAP + block.height;
    let end = scene.hang(Symbol::End, ShapeText::default(), (axis, bottom + GAP));
    let into = vec![(axis, start.bottom()), (axis, placed.enter)];
    scene.line(into, false, block.height > 0);
    scene.flow(vec![(axis, placed.leave), (axis, end.y)]);
    if let (Some((x, y)), Some((lowest, arrow))) = (placed.exit, placed.begin) {
        let undone = named("undone".to_owned());
        let failed = named("failed or canceled".to_owned());
        let undone = scene.hang(Symbol::UndoEnd, undone, (x, start.middle().1 - 15));
        let failed = scene.hang(Symbol::UndoEnd, failed, (x, end.middle().1 - 15));
        scene.undo(vec![(x, y), (x, undone.bottom())], true);
        scene.undo(vec![(x, failed.y), (x, lowest)], arrow);
    }
    scene.height = end.bottom() + MARGIN;
    scene
}

fn named(name: String) -> ShapeText {
    ShapeText {
        title: vec![name],
        ..ShapeText::default()
    }
}

impl Scene {
    fn hang(&mut self, symbol: Symbol, text: ShapeText, top: Point) -> Rect {
        let rect = Rect::hanging(top, size(symbol, &text));
        self.shapes.push(DrawnShape { rect, symbol, text });
        rect
    }

    fn flow(&mut self, points: Vec<Point>) {
        self.line(points, false, true);
    }

    fn undo(&mut self, points: Vec<Point>, arrow: bool) {
        self.line(points, true, arrow);
    }

    /// Adds a line, unless it has no length.
    fn line(&mut self, mut points: Vec<Point>, undo: bool, arrow: bool) {
        points.dedup();
        if points.len() > 1 {
            self.lines.push(DrawnLine {
                points,
                undo,
                arrow,
            });
        }
    }

    /// Places a part whose axis meets its upper edge here.
    fn place(&mut self, block: &MeasuredPart<'_>, (x, y): Point) -> Placed {
        match &block.kind {
            MeasuredKind::Shape { symbol, text, .. } => {
                self.hang(*symbol, text.clone(), (x, y));
                Placed {
                    enter: y,
                    leave: y + block.height,
                    exit: None,
                    begin: None,
                }
            }
            MeasuredKind::Sequence { rows, column } => self.sequence(rows, *column, (x, y)),
            MeasuredKind::Fan { .. } => self.fan(block, (x, y)),
            MeasuredKind::Frame { .. } => self.frame(block, (x, y)),
        }
    }

    fn sequence(
        &mut self,
        rows: &[MeasuredPart<'_>],
        column: (i32, i32),
        (x, top): Point,
    ) -> Placed {
        let (mut enter, mut leave) = (top, top);
        let mut stations = Vec::new();
        let mut y = top;
        for (index, row) in rows.iter().enumerate() {
            let placed = self.place(row, (x, y));
            if index == 0 {
                enter = placed.enter;
            } else {
                self.flow(vec![(x, leave), (x, placed.enter)]);
            }
            leave = placed.leave;
            if let MeasuredKind::Shape {
                compensation: Some(name),
                ..
            } = row.kind
            {
                let from = (x + row.right, y + row.height / 2);
                stations.push(Station::Compensation(name, from));
            }
            stations.extend(placed.exit.map(Station::Joint));
            y += row.height + GAP;
        }
        let rail = x + column.0 + column.1 / 2;
        let begin = self.way_back(&stations, (rail, top));
        Placed {
            enter,
            leave,
            exit: begin.map(|_| (rail, top)),
            begin,
        }
    }

    /// Draws the way back along the compensations of a sequence, from the lowest up to its exit.
    fn way_back(&mut self, stations: &[Station<'_>], exit: Point) -> Option<(i32, bool)> {
        let rail = exit.0;
        let mut begin = None;
        let mut path = Vec::new();
        for station in stations.iter().rev() {
            match station {
                Station::Compensation(name, (x, y)) => {
                    let top = (rail, y - UNDO_HEIGHT / 2);
                    let rect = self.hang(Symbol::Compensation, undo_text(name), top);
                    self.undo(vec![(*x, *y), (rect.x, *y)], false);
                    if !path.is_empty() {
                        path.push((rail, rect.bottom()));
                        self.undo(std::mem::take(&mut path), true);
                    }
                    path.push(top);
                    begin.get_or_insert((rect.bottom(), true));
                }
                Station::Joint((x, y)) => {
                    if path.is_empty() {
                        path.extend([(*x, *y), (rail, *y)]);
                    } else {
                        self.undo(vec![(*x, *y), (rail, *y)], false);
                    }
                    begin.get_or_insert((*y, false));
                }
            }
        }
        path.push(exit);
        self.undo(path, false);
        begin
    }

    fn fan(&mut self, block: &MeasuredPart<'_>, (x, y): Point) -> Placed {
        let MeasuredKind::Fan {
            head,
            lanes,
            labeled,
            meet,
        } = &block.kind
        else {
            return self.place(block, (x, y));
        };
        self.place(head, (x, y));
        let split = y + head.height + SPREAD;
        let row = split + if *labeled { LABEL } else { 0 } + RAIL / 2 - 2;
        let top = split + if *labeled { LABEL } else { 0 } + RAIL;
        let tallest = lanes
            .iter()
            .map(|(.., lane)| lane.height)
            .max()
            .unwrap_or(0);
        let join = top + tallest + MEET / 2;
        let meeting = self.hang(*meet, ShapeText::default(), (x, top + tallest + MEET));
        let mut exits = Vec::new();
        for (label, offset, lane) in lanes {
            let axis = x + offset;
            let placed = self.place(lane, (axis, top));
            let from = [(x, y + head.height), (x, split), (axis, split)];
            let to = [(axis, join), (x, join), (x, meeting.y)];
            if lane.height == 0 {
                self.line([&from[..], &to[..]].concat(), false, false);
            } else {
                self.flow([&from[..], &[(axis, placed.enter)]].concat());
                self.line([&[(axis, placed.leave)], &to[..]].concat(), false, false);
            }
            if !label.is_empty() {
                self.labels.push(Label {
                    at: (axis + 8, split + LABEL - 2),
                    text: label.clone(),
                });
            }
            exits.extend(placed.exit);
        }
        let edge = (x + block.right, row);
        for exit in &exits {
            self.undo(vec![*exit, (exit.0, row)], false);
        }
        let first = exits.iter().map(|exit| exit.0).min();
        if let Some(first) = first {
            self.undo(vec![(first, row), edge], false);
        }
        Placed {
            enter: y,
            leave: meeting.bottom(),
            exit: first.map(|_| edge),
            begin: None,
        }
    }

    fn frame(&mut self, block: &MeasuredPart<'_>, (x, y): Point) -> Placed {
        let MeasuredKind::Frame {
            head,
            body,
            repeats,
            stacked,
        } = &block.kind
        else {
            return self.place(block, (x, y));
        };
        let stack = if *stacked { STACK } else { 0 };
        let rect = Rect {
            x: x - block.left,
            y: y + stack,
            width: block.left + block.right - stack,
            height: block.height - stack,
        };
        self.frames.push(DrawnFrame {
            rect,
            stacked: *stacked,
        });
        let top = rect.y + PADDING;
        self.place(head, (x, top));
        let placed = self.place(body, (x, top + head.height + GAP));
        let arrow = body.height > 0;
        self.line(
            vec![(x, top + head.height), (x, placed.enter)],
            false,
            arrow,
        );
        if *repeats {
            let (left, low) = (rect.x + PADDING, rect.bottom() - PADDING / 2 - 4);
            let middle = top + head.height / 2;
            self.flow(vec![
                (x, low),
                (left, low),
                (left, middle),
                (x - head.left, middle),
            ]);
        }
        Placed {
            enter: top,
            leave: placed.leave,
            exit: placed.exit.map(|(rail, row)| {
                self.undo(vec![(rail, row), (x + block.right, row)], false);
                (x + block.right, row)
            }),
            begin: None,
        }
    }
}

/// Where the way back passes in a sequence.
enum Station<'g> {
    /// A compensation, and where the line to it begins.
    Compensation(&'g str, Point),
    /// The exit of a part.
    Joint(Point),
}
