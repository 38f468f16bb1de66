//! The loaders.

mod cifar;
mod folder;
mod noise;
mod shapes;

pub use self::{
    cifar::{Cifar10, Split},
    folder::ImageFolder,
    noise::Noise,
    shapes::Shapes,
};
