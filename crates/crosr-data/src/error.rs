//! What can be wrong with data.

use std::io;
use std::path::{Path, PathBuf};

/// An error of crosr-data: names the file, the place in it, and what to do.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum DataError {
    /// A file or folder that should be there is not.
    #[error("{path}: not found; fetch it with `cargo xtask fetch-data`, or name the right folder", path = path.display())]
    Missing {
        /// What was looked for.
        path: PathBuf,
    },
    /// A file or folder could not be read.
    #[error("{path}: cannot be read: {source}", path = path.display())]
    Io {
        /// The file or folder.
        path: PathBuf,
        /// What the system says.
        source: io::Error,
    },
    /// A batch file that does not consist of whole records.
    #[error(
        "{path}: {size} bytes, expected a positive multiple of {record}; the record at offset \
         {offset} is incomplete; fetch the file again",
        path = path.display()
    )]
    Truncated {
        /// The file.
        path: PathBuf,
        /// Its size in bytes.
        size: u64,
        /// Bytes of a record.
        record: u64,
        /// Where the incomplete record begins.
        offset: u64,
    },
    /// A label in a file that names no class.
    #[error(
        "{path}: label {label} of record {record} (offset {offset}) is not below the {n_classes} \
         classes there are; fetch the file again",
        path = path.display()
    )]
    Label {
        /// The file.
        path: PathBuf,
        /// The label read.
        label: usize,
        /// The record, from 0.
        record: usize,
        /// Where the record begins.
        offset: u64,
        /// Classes there are.
        n_classes: usize,
    },
    /// A file that is not what it should be, or a damaged one.
    #[error("{path}: {what}; fetch or make the file again", path = path.display())]
    Malformed {
        /// The file.
        path: PathBuf,
        /// What is wrong with it, and where.
        what: String,
    },
    /// A folder or list without pictures.
    #[error(
        "{path}: no PNG or JPEG pictures here or below; add some, or remove it",
        path = path.display()
    )]
    NoPictures {
        /// The folder.
        path: PathBuf,
    },
    /// A folder that should hold a folder per class, or a list of classes.
    #[error(
        "{path}: {found} classes, at least two are needed (in a folder: one sub-folder each)",
        path = path.display()
    )]
    NoClasses {
        /// The folder.
        path: PathBuf,
        /// Class folders there are.
        found: usize,
    },
    /// A picture that cannot be decoded.
    #[error("{path}: not a readable PNG or JPEG picture: {source}", path = path.display())]
    Picture {
        /// The file.
        path: PathBuf,
        /// What the decoder says.
        source: image::ImageError,
    },
    /// A JPEG file that ends before the picture does.
    #[error(
        "{path}: cut off, its {size} bytes end before the JPEG picture does; copy or fetch it again",
        path = path.display()
    )]
    CutOff {
        /// The file.
        path: PathBuf,
        /// Its size in bytes.
        size: u64,
    },
    /// A picture larger than this crate decodes.
    #[error(
        "{path}: {width} x {height} pixels; pictures of more than 256 megapixels or 1 GiB are not \
         decoded, make it smaller",
        path = path.display()
    )]
    TooLarge {
        /// The file.
        path: PathBuf,
        /// Width in pixels, as the file claims.
        width: u32,
        /// Height in pixels, as the file claims.
        height: u32,
    },
    /// Pixels that do not make a picture of the stated size.
    #[error(
        "{found} bytes of pixels for a picture of {width} x {height} pixels, {expected} are \
         needed, and at least one pixel"
    )]
    PixelCount {
        /// Bytes given.
        found: usize,
        /// Bytes needed.
        expected: usize,
        /// Width in pixels.
        width: usize,
        /// Height in pixels.
        height: usize,
    },
    /// A sample that the dataset does not have.
    #[error("sample {index} was asked for, the dataset has {len}")]
    OutOfRange {
        /// The position asked for.
        index: usize,
        /// Samples there are.
        len: usize,
    },
    /// A dataset gave a sample a label that names none of its classes.
    #[error("label {label} of sample {index} is not below the {n_classes} classes of its dataset")]
    SampleLabel {
        /// The sample.
        index: usize,
        /// Its label.
        label: usize,
        /// Classes there are.
        n_classes: usize,
    },
    /// Datasets that cannot be joined, or a class that does not exist.
    #[error("classes do not fit: {what}")]
    Classes {
        /// What is wrong.
        what: String,
    },
    /// A setting that makes no sense.
    #[error("{field} is {value}, it must be {wanted}")]
    Param {
        /// The setting.
        field: &'static str,
        /// Its value.
        value: String,
        /// What would be right.
        wanted: &'static str,
    },
    /// The thread that prepares batches could not be started or died.
    #[error("batches cannot be prepared: {what}")]
    Worker {
        /// What happened.
        what: String,
    },
}

impl DataError {
    /// What the system says of a file or folder.
    pub(crate) fn unreadable(path: &Path, source: io::Error) -> Self {
        let path = path.to_owned();
        match source.kind() {
            io::ErrorKind::NotFound => Self::Missing { path },
            _ => Self::Io { path, source },
        }
    }
}

/// Result of this crate's functions.
pub(crate) type Result<T, E = DataError> = std::result::Result<T, E>;
