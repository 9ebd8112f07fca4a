//! What is written into the shapes of a drawing.

use super::super::{Arm, Operation, ParallelKind};

/// The most characters of a line; what is longer ends in `…`.
const LINE_MAX: usize = 40;
/// The most lines of a condition.
const LINES_MAX: usize = 3;

/// The second line of an operation: what it is, what it carries or runs, and which options it has.
pub(super) fn detail(operation: &Operation) -> String {
    let mut words = vec![operation.kind.noun()];
    words.extend(operation.kind.subject());
    words.extend(operation.options.iter().map(|(name, _)| *name));
    words.join(" · ")
}

/// Everything about an operation, for those who point at it.
pub(super) fn tip(operation: &Operation) -> String {
    let options = operation.options.iter();
    let options = options.map(|(name, args)| format!(".{name}({args})"));
    let was = operation.was.iter().map(|name| format!("was {name}"));
    let first = format!(
        "{} {}, line {}",
        operation.kind.noun(),
        operation.name,
        operation.line
    );
    let lines: Vec<_> = [first].into_iter().chain(options).chain(was).collect();
    lines.join("\n")
}

/// What a parallel part waits for.
pub(super) fn parallel(kind: ParallelKind) -> &'static str {
    match kind {
        ParallelKind::Join => "all of",
        ParallelKind::TryJoin => "all of, or the first failure",
        ParallelKind::Race => "the first of",
        ParallelKind::JoinAll => "for each, side by side",
        ParallelKind::TryJoinAll => "for each, or until one fails",
    }
}

/// What leads into an arm.
pub(super) fn label(arm: &Arm) -> String {
    match arm.label {
        "_" => "otherwise".to_owned(),
        label => cut(label),
    }
}

/// One line, cut where it is too long.
pub(super) fn cut(text: &str) -> String {
    wrap(text, 1).swap_remove(0)
}

/// A text in at most three lines.
pub(super) fn lines(text: &str) -> Vec<String> {
    wrap(text, LINES_MAX)
}

/// At least one line and at most `lines_max`.
fn wrap(text: &str, lines_max: usize) -> Vec<String> {
    let clean: String = text
        .chars()
        .map(|c| if c.is_control() { ' ' } else { c })
        .collect();
    let mut rest = clean.trim();
    let mut lines = Vec::new();
    while width(rest) > LINE_MAX && lines.len() + 1 < lines_max {
        let fitting = fitting(rest, LINE_MAX);
        let (line, after) = rest.split_at(seam(&rest[..fitting]).unwrap_or(fitting));
        lines.push(line.trim_end().to_owned());
        rest = after.trim_start();
    }
    lines.push(match width(rest) > LINE_MAX {
        true => format!("{}…", &rest[..fitting(rest, LINE_MAX - 1)]),
        false => rest.to_owned(),
    });
    lines
}

/// Where a line is best broken: at its last space or before its last method call.
fn seam(line: &str) -> Option<usize> {
    let call = |at: &usize| {
        let (before, after) = line.split_at(*at);
        !before.ends_with(|c: char| c == '.' || c == ' ' || c.is_ascii_digit())
            && !after.starts_with("..")
    };
    let calls = line.match_indices('.').map(|(at, _)| at).filter(call);
    let last = calls.chain(line.rfind(' ')).max();
    last.filter(|at| *at > 0)
}

/// How many bytes of a text fit into this many columns.
fn fitting(text: &str, columns: usize) -> usize {
    let mut used = 0;
    let end = text.char_indices().find(|(_, c)| {
        used += columns_of(*c);
        used > columns
    });
    end.map_or(text.len(), |(at, _)| at)
}

/// The columns that a text takes in a font of even width.
pub(super) fn width(text: &str) -> usize {
    text.chars().map(columns_of).sum()
}

/// Two for what is wide in East Asian scripts and for pictures, one for anything else.
fn columns_of(c: char) -> usize {
    let wide = matches!(u32::from(c), 0x1100..=0x115f | 0x2e80..=0xa4cf | 0xac00..=0xd7a3
        | 0xf900..=0xfaff | 0xfe30..=0xfe6f | 0xff00..=0xff60 | 0xffe0..=0xffe6 | 0x1f300..=0x3fffd);
    1 + usize::from(wide)
}

#[cfg(test)]
mod tests {
    use super::{cut, lines};

    #[test]
    fn a_long_condition_is_broken_where_a_person_would() {
        assert_eq!(
            lines("for batches in inventory.batches.chunks(BATCHES_AT_ONCE)"),
            [
                "for batches in inventory.batches",
                ".chunks(BATCHES_AT_ONCE)"
            ]
        );
        assert_eq!(
            lines("order.total > limit && !customer.is_known() && order.country != HOME"),
            [
                "order.total > limit && !customer",
                ".is_known() && order.country != HOME"
            ]
        );
        let endless = lines(&"x".repeat(200));
        assert_eq!(endless.len(), 3);
        assert!(endless[2].ends_with('…'));
    }

    #[test]
    fn a_line_is_cut_by_its_width_and_never_within_a_character() {
        assert_eq!(cut("short"), "short");
        assert_eq!(cut(&"寿".repeat(30)), format!("{}…", "寿".repeat(19)));
        assert_eq!(cut("two\nlines"), "two lines");
    }
}
