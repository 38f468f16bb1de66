//! The HTML report of an evaluation, and of several side by side.
//!
//! Values come in with public fields ([`RunReport`], [`Comparison`]); a [`Page`] goes out to a
//! caller's writer. No files, no model, no clock: the same values give the same bytes.

mod axis;
mod compare;
mod data;
mod drawing;
mod figures;
mod gallery;
mod html;
mod page;
mod plot;
mod sections;
mod svg;
mod thin;
mod words;

pub use self::{
    compare::{Comparison, NamedEvaluation},
    data::{
        ClassTail, ImageScores, MeanActivations, Picture, PicturePicks, Pictures, RunReport,
        TailSizes, Thumbnail,
    },
    page::{Figure, Page},
};
