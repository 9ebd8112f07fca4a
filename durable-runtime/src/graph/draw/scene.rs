//! A drawing as shapes with places. All lengths are in pixels.

use super::look::Symbol;

/// A place.
pub(super) type Point = (i32, i32);

/// Where a shape is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Rect {
    pub(super) x: i32,
    pub(super) y: i32,
    pub(super) width: i32,
    pub(super) height: i32,
}

impl Rect {
    /// A rectangle of this size whose upper edge has its middle here.
    pub(super) fn hanging((x, y): Point, (width, height): (i32, i32)) -> Self {
        Self {
            x: x - width / 2,
            y,
            width,
            height,
        }
    }

    pub(super) fn right(&self) -> i32 {
        self.x + self.width
    }

    pub(super) fn bottom(&self) -> i32 {
        self.y + self.height
    }

    pub(super) fn middle(&self) -> Point {
        (self.x + self.width / 2, self.y + self.height / 2)
    }
}

/// A whole drawing. Frames come before what is in them, lines before what they lead to.
#[derive(Debug, Default)]
pub(super) struct Scene {
    pub(super) title: String,
    pub(super) width: i32,
    pub(super) height: i32,
    pub(super) frames: Vec<DrawnFrame>,
    pub(super) lines: Vec<DrawnLine>,
    pub(super) labels: Vec<Label>,
    pub(super) shapes: Vec<DrawnShape>,
}

/// What surrounds a loop, a scope or a fan-out.
#[derive(Debug)]
pub(super) struct DrawnFrame {
    pub(super) rect: Rect,
    /// Whether it stands for several of its kind.
    pub(super) stacked: bool,
}

/// A shape with text in it.
#[derive(Debug)]
pub(super) struct DrawnShape {
    pub(super) rect: Rect,
    pub(super) symbol: Symbol,
    pub(super) text: ShapeText,
}

/// What is written into a shape.
#[derive(Debug, Default, Clone)]
pub(super) struct ShapeText {
    pub(super) title: Vec<String>,
    pub(super) detail: String,
    /// What is shown to those who point at it.
    pub(super) tip: String,
    /// The operation that it is, with the names of its scopes.
    pub(super) operation: String,
}

/// A text beside a line; it begins at its point.
#[derive(Debug)]
pub(super) struct Label {
    pub(super) at: Point,
    pub(super) text: String,
}

/// A line of straight pieces.
#[derive(Debug)]
pub(super) struct DrawnLine {
    pub(super) points: Vec<Point>,
    pub(super) undo: bool,
    pub(super) arrow: bool,
}
