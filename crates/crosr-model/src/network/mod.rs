//! The Deep Hierarchical Reconstruction Net.

mod layers;

use std::sync::Arc;

use candle_core::{DType, Device, Tensor};
use candle_nn::VarBuilder;

use crate::buffers::Buffers;
use crate::config::{DhrConfig, ReconstructionActivation};
use crate::error::Result;
use crate::ops;
use crate::parameters::{Parameters, Shapes, Survey};
use crate::tape::{Backend, Tape};
use crate::views::Views;

use self::layers::Layers;

/// How a forward pass treats batch norms and dropout.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mode {
    /// Batch statistics, which also move the running statistics, and dropout whose masks follow
    /// from this seed; give every step another.
    Train {
        /// Seed of this step's dropout masks.
        dropout_seed: u64,
    },
    /// Running statistics, but dropout as in training: the published implementation forgets to
    /// switch it off.
    EvalWithDropout {
        /// Seed of the dropout masks.
        dropout_seed: u64,
    },
    /// Running statistics, no dropout.
    Eval,
}

/// What the network computes for a batch of N pictures.
#[derive(Clone, Debug)]
pub struct DhrOutput {
    /// (N, K), before the softmax.
    pub logits: Tensor,
    /// The latents in the order z3, z2, z1: (N, C, s/8, s/8), (N, C, s/4, s/4), (N, C, s/2, s/2)
    /// for C latent channels and pictures of s pixels.
    pub latents: [Tensor; 3],
    /// (N, 3, s, s), in the normalised units of the input.
    pub reconstruction: Tensor,
}

/// Deep Hierarchical Reconstruction Net (arXiv 1812.04246, Section 4).
///
/// A VGG-like classifier whose three stages each pass a small latent to a decoder that
/// reconstructs the input. Parameter names are those of published PyTorch checkpoints.
pub struct DhrNet {
    config: DhrConfig,
    parameters: Parameters,
    device: Device,
    views: Views,
    keeps_dropout: bool,
    buffers: Arc<Buffers>,
    layers: Layers,
}

impl DhrNet {
    /// A network with fresh weights: the same seed gives the same bits.
    ///
    /// # Errors
    /// [`crate::ModelError::Config`] for a shape that makes no network.
    pub fn new(config: &DhrConfig, seed: u64, device: &Device) -> Result<Self> {
        let network = Self::zeroed(config, device)?;
        network.parameters.initialise(seed)?;
        Ok(network)
    }

    /// Names and shapes of the parameters and running statistics that a network of this shape has.
    /// No memory is spent on their values: a file may ask for any shape.
    pub(crate) fn shapes(config: &DhrConfig) -> Result<Shapes> {
        config.check()?;
        let survey = Survey::default();
        let vb = VarBuilder::from_backend(Box::new(survey.clone()), DType::F32, Device::Cpu);
        Layers::new(config, &vb)?;
        Ok(survey.shapes())
    }

    /// A network whose parameters are all zero, to be filled from a file.
    pub(crate) fn zeroed(config: &DhrConfig, device: &Device) -> Result<Self> {
        config.check()?;
        let parameters = Parameters::default();
        let vb = VarBuilder::from_backend(Box::new(parameters.clone()), DType::F32, device.clone());
        Ok(Self {
            layers: Layers::new(config, &vb)?,
            config: config.clone(),
            parameters,
            device: device.clone(),
            views: Views::Single,
            keeps_dropout: false,
            buffers: Arc::default(),
        })
    }

    /// How pictures are read for activation vectors and reconstruction errors; each once, as it is,
    /// unless this is called.
    #[must_use]
    pub fn with_views(mut self, views: Views) -> Self {
        self.views = views;
        self
    }

    /// Whether dropout stays on for activation vectors and reconstruction errors, as it does by
    /// mistake in the published implementation; off unless this is called.
    #[must_use]
    pub fn keeping_dropout(mut self, keeps_dropout: bool) -> Self {
        self.keeps_dropout = keeps_dropout;
        self
    }

    pub(crate) fn keeps_dropout(&self) -> bool {
        self.keeps_dropout
    }

    pub(crate) fn views(&self) -> Views {
        self.views
    }

    /// The network's shape.
    pub fn config(&self) -> &DhrConfig {
        &self.config
    }

    /// The device that holds the parameters.
    pub fn device(&self) -> &Device {
        &self.device
    }

    /// Parameters and running statistics by their published names, sorted.
    pub fn named_tensors(&self) -> Vec<(String, Tensor)> {
        let all = self.parameters.all();
        all.into_iter()
            .map(|(name, variable)| (name, variable.as_tensor().clone()))
            .collect()
    }

    pub(crate) fn parameters(&self) -> &Parameters {
        &self.parameters
    }

    /// Runs the network on `images`, (N, 3, s, s), normalised.
    ///
    /// In training mode the result can be differentiated with `Tensor::backward`; in evaluation
    /// mode no graph is kept.
    ///
    /// # Errors
    /// [`crate::ModelError::Candle`] when the shape or device does not fit.
    pub fn forward(&self, images: &Tensor, mode: Mode) -> Result<DhrOutput> {
        let tape = match mode {
            Mode::Train { .. } => Tape::candle(Backend::of(&self.device)),
            Mode::EvalWithDropout { .. } | Mode::Eval => self.evaluation_tape(),
        };
        let output = self.forward_on(&tape, &ops::from_nchw(&tape, images)?, mode)?;
        let output = DhrOutput {
            logits: output.logits,
            latents: [
                ops::to_nchw(&tape, &output.latents[0])?,
                ops::to_nchw(&tape, &output.latents[1])?,
                ops::to_nchw(&tape, &output.latents[2])?,
            ],
            reconstruction: ops::to_nchw(&tape, &output.reconstruction)?,
        };
        let [z3, z2, z1] = &output.latents;
        tape.finish(&[&output.logits, z3, z2, z1, &output.reconstruction])?;
        Ok(output)
    }

    /// A tape for a pass without gradients, on memory of earlier passes.
    pub(crate) fn evaluation_tape(&self) -> Tape {
        Tape::off(Backend::of(&self.device)).with_buffers(&self.buffers)
    }

    /// A tape for a pass that is differentiated at once, on memory of earlier passes.
    pub(crate) fn training_tape(&self) -> Tape {
        Tape::recording(Backend::of(&self.device)).with_buffers(&self.buffers)
    }

    /// The pass itself; images, latents and reconstruction are in the backend's own layout.
    pub(crate) fn forward_on(
        &self,
        tape: &Tape,
        images: &Tensor,
        mode: Mode,
    ) -> candle_core::Result<DhrOutput> {
        let [_, channels, height, width] = ops::dims_nchw(tape, images)?;
        let size = self.config.image_size;
        if (channels, height, width) != (3, size, size) {
            candle_core::bail!(
                "the network takes pictures of 3x{size}x{size}, not {channels}x{height}x{width}"
            );
        }
        let train = matches!(mode, Mode::Train { .. });
        let drop = |x: &Tensor, p: f32, layer: u64| match mode {
            Mode::Train { dropout_seed } | Mode::EvalWithDropout { dropout_seed } if p > 0.0 => {
                ops::dropout(
                    tape,
                    x,
                    p,
                    ops::DropoutKey {
                        seed: dropout_seed,
                        layer,
                    },
                )
            }
            _ => Ok(x.clone()),
        };

        let layers = &self.layers;
        let mut x = images.clone();
        let mut latents = Vec::with_capacity(3);
        for (index, (stage, bottleneck)) in
            layers.stages.iter().zip(&layers.bottlenecks).enumerate()
        {
            x = stage.forward(tape, &x, train)?;
            x = drop(&x, self.config.conv_dropout, index as u64)?;
            latents.push(bottleneck.down.forward_relu(tape, &x)?);
        }

        let mut h = ops::flatten(tape, &x)?;
        h = drop(
            &layers.fc[0].forward(tape, &h, true)?,
            self.config.fc_dropout,
            3,
        )?;
        h = drop(
            &layers.fc[1].forward(tape, &h, true)?,
            self.config.fc_dropout,
            4,
        )?;
        let logits = layers.fc[2].forward(tape, &h, false)?;

        let [z1, z2, z3] = [&latents[0], &latents[1], &latents[2]];
        let up = |index: usize, z: &Tensor| layers.bottlenecks[index].up.forward(tape, z);
        let g2 = layers.deconvs[2].forward(tape, &up(2, z3)?, true)?;
        let g1 = layers.deconvs[1].forward(tape, &ops::add(tape, &up(1, z2)?, &g2)?, true)?;
        let relu = self.config.reconstruction == ReconstructionActivation::Relu;
        let g0 = layers.deconvs[0].forward(tape, &ops::add(tape, &up(0, z1)?, &g1)?, relu)?;

        Ok(DhrOutput {
            logits,
            latents: [z3.clone(), z2.clone(), z1.clone()],
            reconstruction: g0,
        })
    }
}
