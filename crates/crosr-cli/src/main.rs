//! The `crosr` command.

fn main() {}
