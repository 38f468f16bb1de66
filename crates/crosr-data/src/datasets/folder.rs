//! Pictures in folders: a folder per class, or one of outliers.

use std::path::{Path, PathBuf};

use crate::dataset::{Dataset, Sample, in_range};
use crate::error::{DataError, Result};
use crate::image::Image;
use crate::walk::{Listed, ending, entries, walk};

/// PNG and JPEG pictures of any size: a folder per class, or one folder of outliers.
///
/// Files whose names end in png, jpg or jpeg are listed when the dataset is opened and decoded by
/// [`Image::open`] when a sample is asked for. Names that begin with a dot, and links to folders
/// inside a class, are left out.
#[derive(Clone, Debug)]
pub struct ImageFolder {
    class_names: Vec<String>,
    files: Vec<(PathBuf, Option<usize>)>,
}

impl ImageFolder {
    /// Sub-folders as classes, sorted by name; pictures deeper down belong to them too.
    ///
    /// # Errors
    /// [`DataError::Missing`], [`DataError::NoClasses`] for fewer than two sub-folders,
    /// [`DataError::NoPictures`] naming an empty class.
    pub fn classes(folder: &Path) -> Result<Self> {
        let folders: Vec<PathBuf> = entries(folder)?
            .into_iter()
            .filter(|path| path.is_dir())
            .collect();
        if folders.len() < 2 {
            return Err(DataError::NoClasses {
                path: folder.to_owned(),
                found: folders.len(),
            });
        }
        let mut class_names = Vec::with_capacity(folders.len());
        let mut files = Vec::new();
        for (label, class) in folders.iter().enumerate() {
            let name = class
                .file_name()
                .unwrap_or_default()
                .to_string_lossy()
                .into_owned();
            class_names.push(name);
            files.extend(pictures(class)?.into_iter().map(|path| (path, Some(label))));
        }
        Ok(Self { class_names, files })
    }

    /// All pictures in a folder and below, sorted by path, without a label: outliers.
    ///
    /// # Errors
    /// [`DataError::Missing`], [`DataError::NoPictures`].
    pub fn flat(folder: &Path) -> Result<Self> {
        Ok(Self::files(pictures(folder)?))
    }

    /// Pictures with the classes that a list gives them. Nothing is opened yet.
    pub(super) fn labelled(class_names: Vec<String>, files: Vec<(PathBuf, Option<usize>)>) -> Self {
        Self { class_names, files }
    }

    /// The pictures at `paths`, in that order, without a label. Nothing is opened yet.
    pub fn files(paths: Vec<PathBuf>) -> Self {
        let files = paths.into_iter().map(|path| (path, None)).collect();
        Self {
            class_names: Vec::new(),
            files,
        }
    }
}

/// All pictures in a folder and below; there must be one.
pub(super) fn pictures(folder: &Path) -> Result<Vec<PathBuf>> {
    let mut found = Vec::new();
    for Listed { path, error } in walk(folder) {
        if let Some(error) = error {
            return Err(error);
        }
        if matches!(ending(&path).as_str(), "png" | "jpg" | "jpeg") {
            found.push(path);
        }
    }
    if found.is_empty() {
        return Err(DataError::NoPictures {
            path: folder.to_owned(),
        });
    }
    Ok(found)
}

impl Dataset for ImageFolder {
    fn class_names(&self) -> &[String] {
        &self.class_names
    }

    fn len(&self) -> usize {
        self.files.len()
    }

    fn sample(&self, index: usize) -> Result<Sample> {
        in_range(index, self.len())?;
        let (path, label) = &self.files[index];
        Ok(Sample {
            image: Image::open(path)?,
            label: *label,
        })
    }

    fn label(&self, index: usize) -> Result<Option<usize>> {
        in_range(index, self.len())?;
        Ok(self.files[index].1)
    }

    fn path(&self, index: usize) -> Option<PathBuf> {
        self.files.get(index).map(|(path, _)| path.clone())
    }
}
