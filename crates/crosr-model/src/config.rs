//! Shape of the network.

use serde::{Deserialize, Serialize};

use crate::error::{ModelError, Result};

/// Most outputs of a layer. With it no product of a tensor's dimensions overflows 64 bits.
const WIDEST: usize = 65_536;

/// Activation of the final reconstruction.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum ReconstructionActivation {
    /// None: the target is normalised and about half of it negative, so this is the right one.
    Identity,
    /// `max(0, x)`, as in the published Python implementation, which cannot reconstruct negative
    /// values. For comparison with it.
    Relu,
}

/// Shape of a DHRNet (arXiv 1812.04246, Section 4, with the layer sizes of the published code).
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DhrConfig {
    /// Known classes, K.
    pub n_classes: usize,
    /// Width and height of the input in pixels; a multiple of 8.
    pub image_size: usize,
    /// Channels of the three encoder stages.
    pub widths: [usize; 3],
    /// Channels of each latent z1, z2, z3.
    pub latent_channels: usize,
    /// Units of fc4 and fc5.
    pub hidden: usize,
    /// Probability of dropping a value after each encoder stage.
    pub conv_dropout: f32,
    /// Probability of dropping a value after fc4 and fc5.
    pub fc_dropout: f32,
    /// Activation of the reconstruction.
    pub reconstruction: ReconstructionActivation,
}

impl DhrConfig {
    /// The published network for pictures of 32 x 32 pixels: 64, 128 and 256 channels, latents of
    /// 32, 1024 hidden units, dropout 0.25 and 0.5, with the identity on the reconstruction.
    pub fn cifar10(n_classes: usize) -> Self {
        Self {
            n_classes,
            image_size: 32,
            widths: [64, 128, 256],
            latent_channels: 32,
            hidden: 1024,
            conv_dropout: 0.25,
            fc_dropout: 0.5,
            reconstruction: ReconstructionActivation::Identity,
        }
    }

    /// The same network with encoder channels and hidden units multiplied by `factor`, rounded to
    /// a multiple of 8 and at least 8. Latents keep their size, so that the activation vector does.
    #[must_use]
    pub fn with_width(mut self, factor: f64) -> Self {
        let scale = |n: usize| (((n as f64 * factor) / 8.0).round() as usize).max(1) * 8;
        self.widths = self.widths.map(scale);
        self.hidden = scale(self.hidden);
        self
    }

    /// Length of the activation vector: K logits and three pooled latents.
    pub fn activation_len(&self) -> usize {
        self.n_classes + 3 * self.latent_channels
    }

    /// Floating-point operations of one picture's forward pass: two per multiplication of the
    /// convolutions and linear layers, counted as direct convolutions.
    pub fn forward_flops(&self) -> u64 {
        let [c1, c2, c3] = self.widths;
        let (z, h) = (self.latent_channels, self.hidden);
        let s = self.image_size;
        let (p0, p1, p2, p3) = (s * s, s * s / 4, s * s / 16, s * s / 64);
        let encoder = p0 * 9 * (3 * c1 + c1 * c1)
            + p1 * 9 * (c1 * c2 + c2 * c2)
            + p2 * 9 * (c2 * c3 + 2 * c3 * c3);
        let classifier = self.flattened() * h + h * h + h * self.n_classes;
        let latents = 2 * 9 * z * (p1 * c1 + p2 * c2 + p3 * c3);
        let decoder = 4 * (p3 * c3 * c2 + p2 * c2 * c1 + p1 * c1 * 3);
        2 * (encoder + classifier + latents + decoder) as u64
    }

    /// Inputs of fc4: the last encoder stage, flattened.
    pub(crate) fn flattened(&self) -> usize {
        self.widths[2] * (self.image_size / 8).pow(2)
    }

    /// Refuses shapes that make no network.
    pub fn check(&self) -> Result<()> {
        let bad = |field, value: String, wanted| {
            Err(ModelError::Config {
                field,
                value,
                wanted,
            })
        };
        if !(2..=WIDEST).contains(&self.n_classes) {
            let wanted = "between 2 and 65536";
            return bad("n_classes", self.n_classes.to_string(), wanted);
        }
        if self.image_size == 0 || !self.image_size.is_multiple_of(8) || self.image_size > 1024 {
            return bad(
                "image_size",
                self.image_size.to_string(),
                "a multiple of 8, at most 1024",
            );
        }
        let channels = self
            .widths
            .iter()
            .chain([&self.latent_channels, &self.hidden]);
        for &n in channels {
            if !(1..=WIDEST).contains(&n) {
                return bad("a layer's width", n.to_string(), "between 1 and 65536");
            }
        }
        for p in [self.conv_dropout, self.fc_dropout] {
            if !(0.0..1.0).contains(&p) {
                return bad("dropout", p.to_string(), "at least 0 and below 1");
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_quarter_of_the_width() {
        let config = DhrConfig::cifar10(10).with_width(0.25);
        assert_eq!((config.widths, config.hidden), ([16, 32, 64], 256));
        assert_eq!(config.activation_len(), 106);
        assert_eq!(DhrConfig::cifar10(10).with_width(1e-9).widths, [8, 8, 8]);
    }

    #[test]
    fn the_full_network_takes_about_half_a_gigaflop() {
        let flops = DhrConfig::cifar10(10).forward_flops() as f64;
        assert!((flops / 0.43e9 - 1.0).abs() < 0.05, "{flops}");
    }

    #[test]
    fn impossible_shapes_are_refused() {
        let good = DhrConfig::cifar10(10);
        assert!(good.check().is_ok());
        for (field, config) in [
            (
                "n_classes",
                DhrConfig {
                    n_classes: 1,
                    ..good.clone()
                },
            ),
            (
                "n_classes",
                DhrConfig {
                    n_classes: usize::MAX,
                    ..good.clone()
                },
            ),
            (
                "image_size",
                DhrConfig {
                    image_size: 28,
                    ..good.clone()
                },
            ),
            (
                "a layer's width",
                DhrConfig {
                    hidden: 0,
                    ..good.clone()
                },
            ),
            (
                "dropout",
                DhrConfig {
                    fc_dropout: 1.0,
                    ..good.clone()
                },
            ),
            (
                "dropout",
                DhrConfig {
                    conv_dropout: f32::NAN,
                    ..good.clone()
                },
            ),
        ] {
            match config.check() {
                Err(ModelError::Config { field: found, .. }) => assert_eq!(found, field),
                other => panic!("{field}: {other:?}"),
            }
        }
    }
}
