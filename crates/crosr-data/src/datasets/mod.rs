//! The loaders.

mod cifar;
mod cifar_names;
mod folder;
mod idx;
mod manifest;
mod noise;
mod shapes;
mod shards;
mod svhn;
mod tiny_imagenet;

pub use self::{
    cifar::{Cifar10, Cifar100, Split},
    folder::ImageFolder,
    idx::{EmnistSplit, Idx},
    manifest::Manifest,
    noise::Noise,
    shapes::Shapes,
    shards::{TarShards, read_shard},
    svhn::Svhn,
    tiny_imagenet::TinyImageNet,
};
