//! The figures, each a function from the report's values to a drawing.

mod activation;
mod confusion;
mod curves;
mod distributions;
mod evidence;
mod images;
mod tails;

pub(super) use self::{
    activation::activation,
    confusion::confusion,
    curves::curves,
    distributions::distributions,
    evidence::{evidence, strongest},
    images::images,
    tails::{DRAWN, tail_sizes, tails},
};

/// A set's name as part of an id: `known` is none of them, whatever the set is called.
pub(super) fn set_id(set: usize) -> String {
    format!("set{}", set + 1)
}
