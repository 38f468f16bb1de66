#![doc = include_str!("../README.md")]

mod error;
mod machine;
mod operands;
mod value;

pub use crate::{
    error::PickleError,
    machine::{Entry, Machine, Pickle, shortened},
    value::{Dialect, Object, ObjectOf, PlainData, Value, ValueOf},
};
