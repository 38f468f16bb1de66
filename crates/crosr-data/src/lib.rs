#![doc = include_str!("../README.md")]

mod batches;
mod dataset;
mod datasets;
mod error;
mod image;
mod random;
mod transform;

pub use crate::{
    batches::{Batch, BatchPlan, Batches, Order, batches},
    dataset::{ClassSplit, Concat, Dataset, Sample, Subset, split},
    datasets::{Cifar10, ImageFolder, Noise, Shapes, Split},
    error::DataError,
    image::{Image, PixelFormat},
    transform::{Affine, Augmentation, ColourJitter, Fit, Normalisation},
};
