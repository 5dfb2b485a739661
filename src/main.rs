//! pop
fn main() {}
