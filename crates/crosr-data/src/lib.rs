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
mod formats;
mod image;
mod paint;
mod pictures;
mod random;
mod relabelled;
mod reshaped;
mod splits;
mod transform;
mod walk;

pub use crate::{
    adapters::{ClassSplit, Concat, Subset, split},
    altered::{Alteration, Altered},
    batches::{Batch, BatchPlan, Batches, Order, batches},
    dataset::{Dataset, Sample},
    datasets::{
        Cifar10, Cifar100, EmnistSplit, Idx, ImageFolder, Manifest, Noise, Shapes, Split, Svhn,
        TarShards, TinyImageNet, read_shard,
    },
    error::DataError,
    image::{Image, PixelFormat},
    pictures::{PictureBatch, PictureBatches, picture_batches},
    relabelled::Relabelled,
    reshaped::{Reshape, Reshaped},
    splits::{PublishedSplit, published_splits},
    transform::{Affine, Augmentation, ColourJitter, Fit, Normalisation},
    walk::{Listed, Walk, is_named_picture, walk},
};
