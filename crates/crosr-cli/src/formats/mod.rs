//! File formats that commands read and write beside those of the libraries.

pub(crate) mod bundle;
pub(crate) mod column;
pub(crate) mod features;
mod header;
pub(crate) mod numbers;
pub(crate) mod openset;
