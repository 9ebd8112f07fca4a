//! A number that stands for a graph.

use std::fmt;

use super::{Graph, outline::Outline};

/// The fingerprint of a graph: equal for two builds whose graphs are the same to a replay.
///
/// It covers the names, old names, kinds, order and nesting of all operations, the conditions and
/// loop heads around them, the types of signals and children, and compensations. It does not depend
/// on line numbers, layout, comments, the build or the platform, nor on what a run in flight may see
/// changed: retry policies, timeouts and the code in steps.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Fingerprint(u64);

impl Graph {
    /// The graph's fingerprint.
    ///
    /// ```
    /// use durable_runtime::graph::{Body, Graph};
    ///
    /// let graph = Graph { workflow: "order", was: &[], body: Body::of(&[]) };
    /// assert_eq!(graph.fingerprint().to_string(), "7b2f06cb874ec90e");
    /// ```
    pub fn fingerprint(&self) -> Fingerprint {
        let outline = Outline::of(self, "", 0);
        Fingerprint(fnv1a(outline.to_string().as_bytes()))
    }
}

/// FNV-1a, 64 bits.
fn fnv1a(bytes: &[u8]) -> u64 {
    bytes.iter().fold(0xcbf2_9ce4_8422_2325, |hash, byte| {
        (hash ^ u64::from(*byte)).wrapping_mul(0x0000_0100_0000_01b3)
    })
}

impl fmt::Display for Fingerprint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:016x}", self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::{
        super::sample::{CHARGE, EVERYTHING},
        *,
    };
    use crate::graph::{Arm, Body, Node, Operation, OperationKind, ParallelKind};

    #[test]
    fn the_hash_is_the_published_one() {
        // From the test vectors of its authors.
        assert_eq!(fnv1a(b""), 0xcbf2_9ce4_8422_2325);
        assert_eq!(fnv1a(b"a"), 0xaf63_dc4c_8601_ec8c);
        assert_eq!(fnv1a(b"foobar"), 0x8594_4171_f739_67e8);
    }

    /// A change of this number means that every deployed fingerprint changes.
    #[test]
    fn the_fingerprint_of_a_graph_with_everything_stays() {
        let outline = Outline::of(&EVERYTHING, "", 0).to_string();
        assert_eq!(
            EVERYTHING.fingerprint().to_string(),
            "79e8cf2f7c1fa24b",
            "{outline}"
        );
    }

    fn of(body: &[Node]) -> Fingerprint {
        let body = Box::leak(body.to_vec().into_boxed_slice());
        let graph = Graph {
            body: Body::of(body),
            ..EVERYTHING
        };
        graph.fingerprint()
    }

    #[test]
    fn lines_retries_and_timeouts_do_not_count() {
        let moved = Operation {
            line: 99,
            options: &[("at_most_once", ""), ("timeout", "LONGER")],
            ..CHARGE
        };
        assert_eq!(
            of(&[Node::Operation(moved)]),
            of(&[Node::Operation(CHARGE)])
        );
    }

    #[track_caller]
    fn assert_all_differ(fingerprints: &[Fingerprint]) {
        for (index, one) in fingerprints.iter().enumerate() {
            let twin = fingerprints.iter().position(|other| other == one);
            assert_eq!(twin, Some(index));
        }
    }

    #[test]
    fn what_is_recorded_of_an_operation_counts() {
        let with = |operation| of(&[Node::Operation(operation)]);
        // Of each kind, with two types if it has one; a step is `CHARGE` itself.
        let kinds = OperationKind::ALL.iter().flat_map(|kind| {
            let types = if kind.subject().is_some() { 2 } else { 1 };
            ["A", "B"].map(|of| kind.with(of)).into_iter().take(types)
        });
        let kinds = kinds.map(|kind| with(Operation { kind, ..CHARGE }));
        let others = [
            with(Operation {
                name: "other",
                ..CHARGE
            }),
            with(Operation {
                was: &["pay", "debit"],
                ..CHARGE
            }),
            with(Operation {
                compensation: None,
                ..CHARGE
            }),
            with(Operation {
                compensation: Some("other"),
                ..CHARGE
            }),
            with(Operation {
                options: &[],
                ..CHARGE
            }),
        ];
        assert_all_differ(&kinds.chain(others).collect::<Vec<_>>());
    }

    #[test]
    fn order_nesting_and_the_workflows_names_count() {
        const ONE: &[Node] = &[Node::Operation(CHARGE)];
        let other = Node::Operation(Operation {
            name: "other",
            ..CHARGE
        });
        let branch = |condition, label| {
            let arms = Box::leak(Box::new([Arm { label, body: ONE }]));
            of(&[Node::Branch {
                condition,
                line: 1,
                arms,
            }])
        };
        let parallel = |kind, branches| {
            of(&[Node::Parallel {
                kind,
                line: 1,
                branches,
            }])
        };
        let repeat = |header| {
            of(&[Node::Loop {
                header,
                line: 1,
                body: ONE,
            }])
        };
        let scope = |name| {
            of(&[Node::Scope {
                name,
                line: 1,
                fragment: "f",
                file: "f.rs",
                body: ONE,
            }])
        };
        assert_all_differ(&[
            of(&[]),
            of(ONE),
            of(&[ONE[0], other]),
            of(&[other, ONE[0]]),
            Graph {
                workflow: "another",
                ..EVERYTHING
            }
            .fingerprint(),
            Graph {
                was: &[],
                ..EVERYTHING
            }
            .fingerprint(),
            branch("x", "then"),
            branch("y", "then"),
            branch("x", "else"),
            // A line end in a raw string, and the two characters that mean one.
            branch("\n", "then"),
            branch("\\n", "then"),
            repeat("loop"),
            repeat("while x"),
            scope("a"),
            scope("b"),
            parallel(ParallelKind::Join, &[ONE, &[]]),
            parallel(ParallelKind::Join, &[&[], ONE]),
            parallel(ParallelKind::Join, &[ONE]),
            parallel(ParallelKind::TryJoin, &[ONE]),
            parallel(ParallelKind::Race, &[ONE]),
            parallel(ParallelKind::JoinAll, &[ONE]),
            parallel(ParallelKind::TryJoinAll, &[ONE]),
        ]);
    }
}
