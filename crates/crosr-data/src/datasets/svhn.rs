//! Street View House Numbers, cropped digits, in MATLAB files.

use std::path::Path;

use super::cifar::Split;
use super::idx::inside;
use crate::dataset::{Dataset, Sample, in_range};
use crate::error::{DataError, Result};
use crate::formats::{malformed, mat};
use crate::image::{Image, PixelFormat};

const CHANNELS: usize = 3;

/// SVHN's cropped digits (Netzer et al., 2011): ten classes of 32 x 32 pictures, 73,257 to train,
/// 26,032 to test and 531,131 easier ones besides.
///
/// The pictures stay in memory, 225 MB for the training part, 1.6 GB for the extra one.
#[derive(Clone)]
pub struct Svhn {
    class_names: Vec<String>,
    width: usize,
    height: usize,
    /// As MATLAB has them: columns of the red plane, then green, then blue, picture after picture.
    pixels: Vec<u8>,
    labels: Vec<u8>,
}

impl Svhn {
    /// Reads `train_32x32.mat` or `test_32x32.mat` in `folder` or the `svhn` inside it.
    ///
    /// # Errors
    /// As [`Svhn::file`].
    pub fn open(folder: &Path, split: Split) -> Result<Self> {
        let name = match split {
            Split::Train => "train_32x32.mat",
            Split::Test => "test_32x32.mat",
        };
        Self::file(&inside(folder, "svhn").join(name))
    }

    /// Reads `extra_32x32.mat` in `folder` or the `svhn-extra` inside it.
    ///
    /// # Errors
    /// As [`Svhn::file`].
    pub fn extra(folder: &Path) -> Result<Self> {
        Self::file(&inside(folder, "svhn-extra").join("extra_32x32.mat"))
    }

    /// Reads one such file: an array `X` of (height, width, 3, N) bytes and one `y` of N labels, in
    /// which 10 stands for the digit 0.
    ///
    /// # Errors
    /// [`DataError::Missing`], [`DataError::Io`], [`DataError::Malformed`] for what is no MAT file
    /// of level 5, cut off, or without these two arrays; [`DataError::Label`] above 10.
    pub fn file(path: &Path) -> Result<Self> {
        let [pictures, labels] = mat::read(path, ["X", "y"])?;
        let &[height, width, CHANNELS, count] = pictures.sizes.as_slice() else {
            let sizes = pictures.sizes;
            let what = format!("X has the sizes {sizes:?}, height x width x 3 x N are expected");
            return Err(malformed(path, what));
        };
        let mut labels = labels.values;
        if labels.len() != count || pictures.values.is_empty() {
            let found = labels.len();
            return Err(malformed(
                path,
                format!("{found} labels for {count} pictures"),
            ));
        }
        for (record, label) in labels.iter_mut().enumerate() {
            if *label > 10 {
                return Err(DataError::Label {
                    path: path.to_owned(),
                    label: usize::from(*label),
                    record,
                    // In the array, which may lie compressed in the file.
                    offset: record as u64,
                    n_classes: 10,
                });
            }
            *label %= 10;
        }
        Ok(Self {
            class_names: (0..10).map(|digit| digit.to_string()).collect(),
            width,
            height,
            pixels: pictures.values,
            labels,
        })
    }
}

impl std::fmt::Debug for Svhn {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Svhn")
            .field("len", &self.labels.len())
            .finish_non_exhaustive()
    }
}

impl Dataset for Svhn {
    fn class_names(&self) -> &[String] {
        &self.class_names
    }

    fn len(&self) -> usize {
        self.labels.len()
    }

    fn sample(&self, index: usize) -> Result<Sample> {
        in_range(index, self.len())?;
        let (width, height) = (self.width, self.height);
        let plane = width * height;
        let stored = &self.pixels[index * CHANNELS * plane..][..CHANNELS * plane];
        let mut pixels = vec![0; CHANNELS * plane];
        for (at, pixel) in pixels.as_chunks_mut::<CHANNELS>().0.iter_mut().enumerate() {
            let (x, y) = (at % width, at / width);
            for (channel, value) in pixel.iter_mut().enumerate() {
                *value = stored[channel * plane + x * height + y];
            }
        }
        Ok(Sample {
            image: Image::new(width, height, PixelFormat::Rgb, pixels)?,
            label: self.label(index)?,
        })
    }

    fn label(&self, index: usize) -> Result<Option<usize>> {
        in_range(index, self.len())?;
        Ok(Some(usize::from(self.labels[index])))
    }
}
