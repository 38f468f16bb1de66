//! Noise: the outliers that no network should accept.

use rand_chacha::rand_core::Rng;
use rand_distr::{Distribution, StandardNormal};

use crate::dataset::{Dataset, Sample, in_range};
use crate::error::{DataError, Result};
use crate::image::{Image, PixelFormat};
use crate::random::{Purpose, generator};

/// Most bytes of a picture that is drawn.
const MAX_BYTES: usize = 3 * 256_000_000;

#[derive(Clone, Copy, Debug)]
enum Kind {
    Gaussian,
    Uniform,
}

/// Pictures of independent random values, drawn on demand: sample i follows from (seed, i).
#[derive(Clone, Debug)]
pub struct Noise {
    kind: Kind,
    n: usize,
    width: usize,
    height: usize,
    seed: u64,
}

impl Noise {
    /// `n` pictures of normal values with mean 127.5 and standard deviation 63.75 (half of the
    /// range, as in the outlier sets of Liang et al., arXiv 1706.02690), clipped to 0..=255.
    pub fn gaussian(n: usize, width: usize, height: usize, seed: u64) -> Self {
        Self {
            kind: Kind::Gaussian,
            n,
            width,
            height,
            seed,
        }
    }

    /// `n` pictures of values uniform in 0..=255.
    pub fn uniform(n: usize, width: usize, height: usize, seed: u64) -> Self {
        Self {
            kind: Kind::Uniform,
            n,
            width,
            height,
            seed,
        }
    }
}

impl Dataset for Noise {
    fn class_names(&self) -> &[String] {
        &[]
    }

    fn len(&self) -> usize {
        self.n
    }

    fn sample(&self, index: usize) -> Result<Sample> {
        in_range(index, self.n)?;
        let numbers = [self.seed, index as u64];
        let len = self.width.saturating_mul(self.height).saturating_mul(3);
        if len > MAX_BYTES {
            let wanted = "at most 256 megapixels";
            return Err(DataError::Param {
                field: "noise",
                value: format!("{} x {} pixels", self.width, self.height),
                wanted,
            });
        }
        let mut pixels = vec![0; len];
        match self.kind {
            Kind::Uniform => generator(Purpose::UniformNoise, &numbers).fill_bytes(&mut pixels),
            Kind::Gaussian => {
                let mut random = generator(Purpose::GaussianNoise, &numbers);
                pixels.fill_with(|| {
                    let z: f32 = StandardNormal.sample(&mut random);
                    (127.5 + 63.75 * z).round() as u8
                });
            }
        }
        Ok(Sample {
            image: Image::new(self.width, self.height, PixelFormat::Rgb, pixels)?,
            label: None,
        })
    }

    fn label(&self, index: usize) -> Result<Option<usize>> {
        in_range(index, self.n)?;
        Ok(None)
    }
}
