//! The drawing that the README shows.

use std::{env, fs, path::Path};

use durable::Workflow;

use crate::order::workflows::order;

#[test]
fn the_drawing_in_the_readme_is_that_of_the_order_example() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../durable/examples/order/graph.svg");
    let drawing = order::GRAPH.to_svg();
    if env::var_os("DURABLE_GOLDEN").is_some_and(|value| value == "update") {
        fs::write(&path, &drawing).unwrap();
    }
    assert!(
        fs::read_to_string(&path).unwrap() == drawing,
        "{} is out of date; `DURABLE_GOLDEN=update` rewrites it",
        path.display()
    );
}
