//! Files in a folder and below, one after the other.

use std::fs;
use std::path::{Path, PathBuf};

use crate::error::{DataError, Result};

/// Endings of pictures, whether this crate decodes them or not.
const PICTURE_ENDINGS: &[&str] = &[
    "apng", "avif", "bmp", "dds", "exr", "gif", "hdr", "heic", "heif", "ico", "jfif", "jp2", "jpe",
    "jpeg", "jpg", "jxl", "pbm", "pgm", "png", "pnm", "ppm", "qoi", "svg", "tga", "tif", "tiff",
    "webp",
];

/// A file, or why there is none to be had at this place.
#[derive(Debug)]
pub struct Listed {
    /// Where.
    pub path: PathBuf,
    /// What is wrong with it, if anything.
    pub error: Option<DataError>,
}

impl From<PathBuf> for Listed {
    fn from(path: PathBuf) -> Self {
        Self { path, error: None }
    }
}

impl Listed {
    /// A place that cannot be read.
    pub fn failed(path: &Path, error: DataError) -> Self {
        Self {
            path: path.to_owned(),
            error: Some(error),
        }
    }
}

/// All files in `folder` and below, sorted by path, listed a folder at a time as they are asked
/// for. Names that begin with a dot, and links to folders below `folder`, are left out. A folder
/// that cannot be read takes its own place among the files.
pub fn walk(folder: &Path) -> Walk {
    let root = Place {
        path: folder.to_owned(),
        kind: Kind::Folder,
    };
    Walk {
        pending: vec![vec![root].into_iter()],
    }
}

/// Iterator over files, from [`walk`].
#[derive(Debug)]
pub struct Walk {
    /// What is left of each folder on the way down.
    pending: Vec<std::vec::IntoIter<Place>>,
}

impl Iterator for Walk {
    type Item = Listed;

    fn next(&mut self) -> Option<Listed> {
        loop {
            let Some(Place { path, kind }) = self.pending.last_mut()?.next() else {
                self.pending.pop();
                continue;
            };
            match kind {
                Kind::File => return Some(path.into()),
                // A link to a folder may lead round in a circle.
                Kind::Link if path.is_dir() => {}
                Kind::Link => return Some(path.into()),
                Kind::Folder => match places(&path) {
                    Ok(places) => self.pending.push(places.into_iter()),
                    Err(error) => return Some(Listed::failed(&path, error)),
                },
            }
        }
    }
}

/// Something in a folder.
#[derive(Debug)]
struct Place {
    path: PathBuf,
    kind: Kind,
}

/// What it is, as the folder itself says: asking each file costs more than all else.
#[derive(Clone, Copy, Debug)]
enum Kind {
    Folder,
    File,
    Link,
}

/// Everything in a folder, sorted; hidden files are left out.
fn places(folder: &Path) -> Result<Vec<Place>> {
    let unreadable = |source| DataError::unreadable(folder, source);
    let mut places = Vec::new();
    for entry in fs::read_dir(folder).map_err(unreadable)? {
        let entry = entry.map_err(unreadable)?;
        if entry.file_name().as_encoded_bytes().starts_with(b".") {
            continue;
        }
        let kind = entry.file_type().map_err(unreadable)?;
        let kind = if kind.is_symlink() {
            Kind::Link
        } else if kind.is_dir() {
            Kind::Folder
        } else {
            Kind::File
        };
        let path = entry.path();
        places.push(Place { path, kind });
    }
    places.sort_unstable_by(|a, b| a.path.cmp(&b.path));
    Ok(places)
}

/// Everything in a folder, sorted; hidden files are left out.
pub(crate) fn entries(folder: &Path) -> Result<Vec<PathBuf>> {
    let places = places(folder)?.into_iter();
    Ok(places.map(|place| place.path).collect())
}

/// Whether a file's name ends as a picture's does, be it of a format that is decoded here or not.
pub fn is_named_picture(path: &Path) -> bool {
    PICTURE_ENDINGS.contains(&ending(path).as_str())
}

/// What follows the last dot of a file's name, in lower case.
pub(crate) fn ending(path: &Path) -> String {
    let ending = path.extension().unwrap_or_default();
    ending.to_string_lossy().to_ascii_lowercase()
}
