//! Noise: the outliers that no network should accept.

use rand_distr::{Distribution, Normal};

use crate::dataset::{Dataset, Sample, in_range};
use crate::error::Result;
use crate::image::{Image, PixelFormat};
use crate::random::generator;

#[derive(Clone, Copy)]
enum Kind {
    Gaussian,
    Uniform,
}

/// Pictures of independent random values, drawn on demand: sample i follows from (seed, i).
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
        Self { kind: Kind::Gaussian, n, width, height, seed }
    }

    /// `n` pictures of values uniform in 0..=255.
    pub fn uniform(n: usize, width: usize, height: usize, seed: u64) -> Self {
        Self { kind: Kind::Uniform, n, width, height, seed }
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
        use rand_chacha::rand_core::Rng;

        in_range(index, self.n)?;
        let mut random = generator(&[self.seed, self.kind as u64, index as u64]);
        let mut pixels = vec![0; self.width * self.height * 3];
        match self.kind {
            Kind::Uniform => random.fill_bytes(&mut pixels),
            Kind::Gaussian => {
                if let Ok(normal) = Normal::new(127.5f32, 63.75) {
                    let draw = || normal.sample(&mut random).round().clamp(0.0, 255.0) as u8;
                    pixels.fill_with(draw);
                }
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
