//! Weights and training states that nobody should have written: each is refused in one line, or
//! read for what it is, without a panic and without more memory than its size justifies.

mod builder;
mod damage;
mod descriptions;
mod states;
mod values;
