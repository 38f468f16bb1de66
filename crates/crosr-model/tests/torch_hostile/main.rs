//! Damaged, foreign and hostile checkpoints: an error that says where, never a panic, never much
//! memory. And the rarer honest forms, built by hand.

// Cases are tables of tuples.
#![allow(clippy::type_complexity)]

mod builder;
mod damage;
mod forms;
mod refusals;
