//! A scene as SVG.

use std::fmt::{self, Write};

use super::{
    look::{OperationLook, Symbol},
    scene::{DrawnFrame, DrawnLine, DrawnShape, Point, Rect, Scene},
};

/// Shapes have light grounds, or dark ones where the viewer asks for them; lines and labels are of a
/// tone that reads on both. The rules for the kinds of operations follow each of these two.
const STYLE: &str = "\
text{font-family:ui-monospace,SFMono-Regular,Menlo,Consolas,'DejaVu Sans Mono',monospace;font-size:13px;fill:#0f172a;text-anchor:middle}
.small{font-size:11px;fill:#526077}.head text{font-size:12px}.head .small{font-size:11px}
.label{font-size:11px;fill:#6b7a90;text-anchor:start}
.frame{fill:#94a3b8;fill-opacity:.09;stroke:#94a3b8;stroke-dasharray:5 4}.copy{fill:none;stroke-dasharray:none}
.flow,.undo{fill:none;stroke:#7d8ba1;stroke-width:1.5}.undo{stroke:#dc4444;stroke-dasharray:4 3}
.flow-tip{fill:#7d8ba1}.undo-tip{fill:#dc4444}
.start rect,.end circle{fill:#334155;stroke:#64748b}.start text{fill:#f8fafc;font-weight:600}
.end circle+circle{fill:#f8fafc;stroke:none}
.op rect{stroke-width:1.25}.op text{text-anchor:start}.op text:not(.small){font-weight:600}
.icon{fill:none;stroke-width:1.5;stroke-linecap:round;stroke-linejoin:round}
";
const DARK_STYLE: &str = "\
.head rect,.head path,.meet{fill:#f1f5f9;stroke:#7d8ba1;stroke-width:1.25}.meet{fill:#7d8ba1}
.back rect{fill:#fef2f2;stroke:#dc4444}.back text{font-size:12px;fill:#991b1b}
@media (prefers-color-scheme:dark){text{fill:#e2e8f0}.small{fill:#a3b1c6}.label{fill:#8b9ab0}
.start rect,.end circle{fill:#475569;stroke:#94a3b8}
";
const DARK_STYLE_END: &str = "\
.head rect,.head path{fill:#243044}.back rect{fill:#3b1518}.back text{fill:#fecaca}}
";

/// How far corners of lines are rounded.
const ROUND: i32 = 8;
/// How far the slanted ends of a choice reach in.
const SLANT: i32 = 14;

pub(super) fn write(scene: &Scene) -> String {
    let mut svg = String::new();
    // Writing to a string cannot fail.
    let _ = write_to(scene, &mut svg);
    svg
}

fn write_to(scene: &Scene, svg: &mut String) -> fmt::Result {
    let Scene { width, height, .. } = scene;
    let title = escape(&scene.title);
    writeln!(
        svg,
        "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"{width}\" height=\"{height}\" \
         viewBox=\"0 0 {width} {height}\" role=\"img\" aria-label=\"workflow {title}\">"
    )?;
    writeln!(svg, "<title>workflow {title}</title>\n<style>")?;
    write_style(svg)?;
    writeln!(svg, "</style>")?;
    scene
        .frames
        .iter()
        .try_for_each(|frame| write_frame(frame, svg))?;
    scene
        .lines
        .iter()
        .try_for_each(|line| write_line(line, svg))?;
    for label in &scene.labels {
        let ((x, y), text) = (label.at, escape(&label.text));
        writeln!(
            svg,
            "<text class=\"label\" x=\"{x}\" y=\"{y}\">{text}</text>"
        )?;
    }
    scene
        .shapes
        .iter()
        .try_for_each(|shape| write_shape(shape, svg))?;
    writeln!(svg, "</svg>")
}

fn write_style(svg: &mut String) -> fmt::Result {
    svg.push_str(STYLE);
    for look in OperationLook::all() {
        let OperationLook {
            class,
            ground,
            edge,
            icon_color,
            ..
        } = look;
        writeln!(
            svg,
            ".{class} rect{{fill:{ground};stroke:{edge}}}.{class} .icon{{stroke:{icon_color}}}"
        )?;
    }
    svg.push_str(DARK_STYLE);
    for OperationLook {
        class, dark_ground, ..
    } in OperationLook::all()
    {
        write!(svg, ".{class} rect{{fill:{dark_ground}}}")?;
    }
    svg.push('\n');
    for look in OperationLook::all() {
        let OperationLook {
            class,
            dark_icon_color,
            ..
        } = look;
        write!(svg, ".{class} .icon{{stroke:{dark_icon_color}}}")?;
    }
    svg.push('\n');
    svg.push_str(DARK_STYLE_END);
    Ok(())
}

fn write_frame(frame: &DrawnFrame, svg: &mut String) -> fmt::Result {
    if frame.stacked {
        // The edges of two copies behind it.
        let (x, y) = (frame.rect.x, frame.rect.y);
        for offset in [6, 3] {
            writeln!(
                svg,
                "<path class=\"frame copy\" d=\"M{} {}H{}q12 0 12 12V{}\"/>",
                x + offset + 8,
                y - offset,
                frame.rect.right() + offset - 12,
                frame.rect.bottom() - offset - 8,
            )?;
        }
    }
    write!(svg, "<rect class=\"frame\" rx=\"12\" ")?;
    write_rect(frame.rect, svg)?;
    writeln!(svg, "/>")
}

fn write_rect(rect: Rect, svg: &mut String) -> fmt::Result {
    let Rect {
        x,
        y,
        width,
        height,
    } = rect;
    write!(
        svg,
        "x=\"{x}\" y=\"{y}\" width=\"{width}\" height=\"{height}\""
    )
}

fn write_line(line: &DrawnLine, svg: &mut String) -> fmt::Result {
    let class = if line.undo { "undo" } else { "flow" };
    let path = rounded(&line.points);
    writeln!(svg, "<path class=\"{class}\" d=\"{path}\"/>")?;
    let [.., before, (x, y)] = line.points[..] else {
        return Ok(());
    };
    if line.arrow {
        let (dx, dy) = ((x - before.0).signum(), (y - before.1).signum());
        // Back along the line, and to both sides of it.
        let (bx, by) = (x - 7 * dx, y - 7 * dy);
        let (sx, sy) = (4 * dy, 4 * dx);
        writeln!(
            svg,
            "<path class=\"{class}-tip\" d=\"M{x} {y}L{} {}L{} {}Z\"/>",
            bx + sx,
            by + sy,
            bx - sx,
            by - sy,
        )?;
    }
    Ok(())
}

/// A path with round corners.
fn rounded(points: &[Point]) -> String {
    let mut path = String::new();
    for (index, (x, y)) in points.iter().enumerate() {
        let around = index.checked_sub(1).and_then(|before| points.get(before));
        match (around, points.get(index + 1)) {
            (None, _) => path.push_str(&format!("M{x} {y}")),
            (Some(_), None) => path.push_str(&format!("L{x} {y}")),
            (Some(before), Some(after)) => {
                let (enter, leave) = (toward((*x, *y), *before), toward((*x, *y), *after));
                path.push_str(&format!(
                    "L{} {}Q{x} {y} {} {}",
                    enter.0, enter.1, leave.0, leave.1
                ));
            }
        }
    }
    path
}

/// The point a little way from a corner to the next one.
fn toward((x, y): Point, (to_x, to_y): Point) -> Point {
    let step = |from: i32, to: i32| {
        (to - from)
            .clamp(-ROUND, ROUND)
            .min((to - from).abs() / 2)
            .max(-(to - from).abs() / 2)
    };
    (x + step(x, to_x), y + step(y, to_y))
}

fn write_shape(shape: &DrawnShape, svg: &mut String) -> fmt::Result {
    let class = match shape.symbol {
        Symbol::Start => "start",
        Symbol::End => return write_end(shape.rect, svg),
        Symbol::Operation(kind) => &format!("op {}", OperationLook::of(kind).class),
        Symbol::Condition | Symbol::Title => "head",
        Symbol::ArmsMeet | Symbol::LanesMeet => {
            write!(
                svg,
                "<rect class=\"meet\" rx=\"{}\" ",
                shape.rect.height / 2
            )?;
            write_rect(shape.rect, svg)?;
            return writeln!(svg, "/>");
        }
        Symbol::Compensation | Symbol::UndoEnd => "back",
    };
    write!(svg, "<g class=\"{class}\"")?;
    if !shape.text.operation.is_empty() {
        write!(svg, " data-operation=\"{}\"", escape(&shape.text.operation))?;
    }
    write!(svg, ">")?;
    if !shape.text.tip.is_empty() {
        write!(svg, "<title>{}</title>", escape(&shape.text.tip))?;
    }
    write_outline(shape, svg)?;
    write_text(shape, svg)?;
    writeln!(svg, "</g>")
}

fn write_end(rect: Rect, svg: &mut String) -> fmt::Result {
    let (x, y) = rect.middle();
    writeln!(
        svg,
        "<g class=\"end\"><circle cx=\"{x}\" cy=\"{y}\" r=\"9\"/><circle cx=\"{x}\" cy=\"{y}\" r=\"3.5\"/></g>"
    )
}

fn write_outline(shape: &DrawnShape, svg: &mut String) -> fmt::Result {
    let rect = shape.rect;
    let (left, right, middle) = (rect.x, rect.right(), rect.middle().1);
    let round = match shape.symbol {
        Symbol::Condition => {
            return write!(
                svg,
                "<path d=\"M{left} {middle}L{} {}H{}L{right} {middle}L{} {}H{}Z\"/>",
                left + SLANT,
                rect.y,
                right - SLANT,
                right - SLANT,
                rect.bottom(),
                left + SLANT,
            );
        }
        Symbol::Title => rect.height / 2,
        symbol => symbol.flow_look().form.corner(rect.height),
    };
    write!(svg, "<rect rx=\"{round}\" ")?;
    write_rect(rect, svg)?;
    write!(svg, "/>")?;
    let Symbol::Operation(kind) = shape.symbol else {
        return Ok(());
    };
    let icon = OperationLook::of(kind).icon;
    let x = left + 23;
    write!(
        svg,
        "<path class=\"icon\" transform=\"translate({x} {middle})\" d=\"{icon}\"/>"
    )
}

fn write_text(shape: &DrawnShape, svg: &mut String) -> fmt::Result {
    let operation = !shape.text.operation.is_empty();
    let (middle_x, middle_y) = shape.rect.middle();
    let x = if operation {
        shape.rect.x + 40
    } else {
        middle_x
    };
    let lines = i32::try_from(shape.text.title.len()).unwrap_or(1);
    let detail = !shape.text.detail.is_empty();
    let mut y = middle_y + 4 - (lines - 1) * 8 - if detail { 8 } else { 0 };
    for line in &shape.text.title {
        write!(svg, "<text x=\"{x}\" y=\"{y}\">{}</text>", escape(line))?;
        y += 16;
    }
    if detail {
        let detail = escape(&shape.text.detail);
        write!(
            svg,
            "<text class=\"small\" x=\"{x}\" y=\"{y}\">{detail}</text>"
        )?;
    }
    Ok(())
}

/// A text as character data or in a quoted attribute. Characters that XML does not allow are left out.
fn escape(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '"' => escaped.push_str("&quot;"),
            '\'' => escaped.push_str("&#39;"),
            '\n' | '\t' => escaped.push(c),
            c if c.is_control() || matches!(c, '\u{fffe}' | '\u{ffff}') => {}
            c => escaped.push(c),
        }
    }
    escaped
}
