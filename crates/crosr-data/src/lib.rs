#![doc = include_str!("../README.md")]

mod adapters;
mod ahead;
mod altered;
mod batches;
mod colour;
mod dataset;
mod datasets;
mod decode;
mod error;
mod image;
mod paint;
mod pictures;
mod random;
mod transform;
mod walk;

pub use crate::{
    adapters::{ClassSplit, Concat, Subset, split},
    altered::{Alteration, Altered},
    batches::{Batch, BatchPlan, Batches, Order, batches},
    dataset::{Dataset, Sample},
    datasets::{Cifar10, ImageFolder, Noise, Shapes, Split},
    error::DataError,
    image::{Image, PixelFormat},
    pictures::{PictureBatch, PictureBatches, picture_batches},
    transform::{Affine, Augmentation, ColourJitter, Fit, Normalisation},
    walk::{Listed, Walk, is_named_picture, walk},
};
