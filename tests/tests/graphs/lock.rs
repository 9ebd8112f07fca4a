//! The lock that is committed.

/// A change of these workflows means work for whoever keeps backups going over an upgrade.
#[test]
fn the_graphs_of_the_examples_are_locked() {
    durable::testing::assert_graphs_locked("../durable/examples/durable.lock");
}
