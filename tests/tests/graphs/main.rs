//! The graphs of the examples' workflows.

#![expect(
    unreachable_pub,
    reason = "in a program, `pub` says what other modules use"
)]

#[cfg(test)]
mod drawing;
#[cfg(test)]
mod lock;

#[cfg(test)]
#[path = "../../../durable/examples/order"]
#[expect(dead_code, reason = "only the graphs are used")]
mod order {
    mod shop;
    pub mod workflows;
}

#[cfg(test)]
#[path = "../../../durable/examples/backup"]
mod backup {
    mod blob;
    mod fault;
    mod files;
    mod inventory;
    mod manifest;
    pub mod workflows;
}
