#[durable::workflow]
struct Order {
    total: u32,
}

fn main() {
    let _ = Order { total: 3 }.total;
}
