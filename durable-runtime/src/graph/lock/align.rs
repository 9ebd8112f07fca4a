//! Which parts of two sequences belong together.

use std::collections::BTreeSet;

use super::super::outline::{OperationFacts, OutlinePart, PartHead, operations};

/// A part of one sequence, of the other, or of both.
pub(super) enum Pair<'a> {
    Both(&'a OutlinePart, &'a OutlinePart),
    Removed(&'a OutlinePart),
    Added(&'a OutlinePart),
}

/// Pairs up two sequences without changing the order of either, so that what is paired has as much in
/// common as possible.
pub(super) fn align<'a>(locked: &'a [OutlinePart], current: &'a [OutlinePart]) -> Vec<Pair<'a>> {
    // `best[l][c]`: the most that the parts from `l` and `c` on can have in common.
    let mut best = vec![vec![0; current.len() + 1]; locked.len() + 1];
    let common = |l: usize, c: usize| in_common(&locked[l], &current[c]);
    for l in (0..locked.len()).rev() {
        for c in (0..current.len()).rev() {
            let paired = match common(l, c) {
                0 => 0,
                common => common + best[l + 1][c + 1],
            };
            best[l][c] = paired.max(best[l + 1][c]).max(best[l][c + 1]);
        }
    }
    let (mut l, mut c) = (0, 0);
    let mut pairs = Vec::new();
    while l < locked.len() || c < current.len() {
        let both = l < locked.len() && c < current.len();
        let paired = if both { common(l, c) } else { 0 };
        if paired > 0 && best[l][c] == paired + best[l + 1][c + 1] {
            pairs.push(Pair::Both(&locked[l], &current[c]));
            (l, c) = (l + 1, c + 1);
        } else if c == current.len() || (both && best[l][c] == best[l + 1][c]) {
            pairs.push(Pair::Removed(&locked[l]));
            l += 1;
        } else {
            pairs.push(Pair::Added(&current[c]));
            c += 1;
        }
    }
    pairs
}

/// How much two parts have in common; zero when they are not the same part.
fn in_common(locked: &OutlinePart, current: &OutlinePart) -> usize {
    match (&locked.head, &current.head) {
        (PartHead::Operation(locked), PartHead::Operation(current)) => {
            4 * usize::from(is_same(locked, current))
        }
        (one, other) if std::mem::discriminant(one) == std::mem::discriminant(other) => {
            // Without their own heads: a scope with another name may hold the same operations.
            let names: BTreeSet<_> = (operations(&locked.parts, "").into_iter())
                .map(|(path, ..)| path)
                .collect();
            let shared = operations(&current.parts, "");
            let shared = shared.iter().filter(|(path, _, facts)| {
                names.contains(path) || facts.was.iter().any(|name| names.contains(name))
            });
            2 * shared.count() + usize::from(one == other)
        }
        _ => 0,
    }
}

/// Whether an operation is the locked one, by its name or by one that it had.
fn is_same(locked: &OperationFacts, current: &OperationFacts) -> bool {
    current.name == locked.name || current.was.contains(&locked.name)
}
