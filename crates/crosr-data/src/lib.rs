#![doc = include_str!("../README.md")]

mod adapters;
mod altered;
mod batches;
mod colour;
mod dataset;
mod datasets;
mod decode;
mod error;
mod image;
mod paint;
mod random;
mod transform;

pub use crate::{
    adapters::{ClassSplit, Concat, Subset, split},
    altered::{Alteration, Altered},
    batches::{Batch, BatchPlan, Batches, Order, batches},
    dataset::{Dataset, Sample},
    datasets::{Cifar10, ImageFolder, Noise, Shapes, Split},
    error::DataError,
    image::{Image, PixelFormat},
    transform::{Affine, Augmentation, ColourJitter, Fit, Normalisation},
};
