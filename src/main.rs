//! The `rctscope` program.

fn main() {}
