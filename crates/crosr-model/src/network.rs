//! The Deep Hierarchical Reconstruction Net.

use std::sync::Arc;

use candle_core::{DType, Device, Tensor};
use candle_nn::VarBuilder;

use crate::buffers::Buffers;
use crate::config::{DhrConfig, ReconstructionActivation};
use crate::error::Result;
use crate::ops::{self, ConvNorm, RunningStatistics};
use crate::parameters::Parameters;
use crate::tape::{Backend, Tape};
use crate::views::Views;

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

struct Conv3x3 {
    weight: Tensor,
    bias: Tensor,
}

impl Conv3x3 {
    fn new(c_in: usize, c_out: usize, vb: VarBuilder<'_>) -> candle_core::Result<Self> {
        Ok(Self {
            weight: vb.get((c_out, c_in, 3, 3), "weight")?,
            bias: vb.get(c_out, "bias")?,
        })
    }

    fn forward(&self, tape: &Tape, x: &Tensor) -> candle_core::Result<Tensor> {
        ops::conv3x3(tape, x, &self.weight, &self.bias, false)
    }

    fn forward_relu(&self, tape: &Tape, x: &Tensor) -> candle_core::Result<Tensor> {
        ops::conv3x3(tape, x, &self.weight, &self.bias, true)
    }
}

struct Deconv2x2 {
    weight: Tensor,
    bias: Tensor,
}

impl Deconv2x2 {
    fn new(c_in: usize, c_out: usize, vb: VarBuilder<'_>) -> candle_core::Result<Self> {
        Ok(Self {
            weight: vb.get((c_in, c_out, 2, 2), "weight")?,
            bias: vb.get(c_out, "bias")?,
        })
    }

    fn forward(&self, tape: &Tape, x: &Tensor, relu: bool) -> candle_core::Result<Tensor> {
        ops::conv_transpose2x2(tape, x, &self.weight, &self.bias, relu)
    }
}

struct Linear {
    weight: Tensor,
    bias: Tensor,
}

impl Linear {
    fn new(n_in: usize, n_out: usize, vb: VarBuilder<'_>) -> candle_core::Result<Self> {
        Ok(Self {
            weight: vb.get((n_out, n_in), "weight")?,
            bias: vb.get(n_out, "bias")?,
        })
    }

    fn forward(&self, tape: &Tape, x: &Tensor, relu: bool) -> candle_core::Result<Tensor> {
        ops::linear(tape, x, &self.weight, &self.bias, relu)
    }
}

fn conv_norm(
    name: &str,
    c_in: usize,
    c_out: usize,
    vb: &VarBuilder<'_>,
) -> candle_core::Result<ConvNorm> {
    let Conv3x3 { weight, bias } = Conv3x3::new(c_in, c_out, vb.pp(format!("conv{name}")))?;
    let vb = vb.pp(format!("bn{name}"));
    Ok(ConvNorm {
        weight,
        bias,
        gamma: vb.get(c_out, "weight")?,
        beta: vb.get(c_out, "bias")?,
        running: RunningStatistics {
            mean: vb.get(c_out, "running_mean")?,
            variance: vb.get(c_out, "running_var")?,
        },
    })
}

/// Two or three times convolution, batch norm and ReLU, then max-pool.
struct Stage {
    layers: Vec<ConvNorm>,
    last: ConvNorm,
}

impl Stage {
    fn new(
        index: usize,
        depth: usize,
        c_in: usize,
        c_out: usize,
        vb: &VarBuilder<'_>,
    ) -> candle_core::Result<Self> {
        let layer = |k: usize| {
            let c_in = if k == 1 { c_in } else { c_out };
            conv_norm(&format!("{index}_{k}"), c_in, c_out, vb)
        };
        Ok(Self {
            layers: (1..depth).map(layer).collect::<candle_core::Result<_>>()?,
            last: layer(depth)?,
        })
    }

    fn forward(&self, tape: &Tape, x: &Tensor, train: bool) -> candle_core::Result<Tensor> {
        let mut x = x.clone();
        for layer in &self.layers {
            x = ops::conv_norm_relu(tape, &x, layer, train)?;
        }
        ops::conv_norm_relu_pool(tape, &x, &self.last, train)
    }
}

/// A latent's way in and out: `btl` and `btlu` of the published code.
struct Bottleneck {
    down: Conv3x3,
    up: Conv3x3,
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
    stages: [Stage; 3],
    fc: [Linear; 3],
    bottlenecks: [Bottleneck; 3],
    deconvs: [Deconv2x2; 3],
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

    /// A network whose parameters are all zero, to be filled from a file.
    pub(crate) fn zeroed(config: &DhrConfig, device: &Device) -> Result<Self> {
        config.check()?;
        let parameters = Parameters::default();
        let vb = VarBuilder::from_backend(Box::new(parameters.clone()), DType::F32, device.clone());
        let [c1, c2, c3] = config.widths;
        let latent = config.latent_channels;
        let bottleneck = |index: usize, channels| -> candle_core::Result<Bottleneck> {
            Ok(Bottleneck {
                down: Conv3x3::new(channels, latent, vb.pp(format!("btl{index}")))?,
                up: Conv3x3::new(latent, channels, vb.pp(format!("btlu{index}")))?,
            })
        };
        Ok(Self {
            stages: [
                Stage::new(1, 2, 3, c1, &vb)?,
                Stage::new(2, 2, c1, c2, &vb)?,
                Stage::new(3, 3, c2, c3, &vb)?,
            ],
            fc: [
                Linear::new(config.flattened(), config.hidden, vb.pp("fc4"))?,
                Linear::new(config.hidden, config.hidden, vb.pp("fc5"))?,
                Linear::new(config.hidden, config.n_classes, vb.pp("fc6"))?,
            ],
            bottlenecks: [bottleneck(1, c1)?, bottleneck(2, c2)?, bottleneck(3, c3)?],
            deconvs: [
                Deconv2x2::new(c1, 3, vb.pp("deconv1"))?,
                Deconv2x2::new(c2, c1, vb.pp("deconv2"))?,
                Deconv2x2::new(c3, c2, vb.pp("deconv3"))?,
            ],
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

        let mut x = images.clone();
        let mut latents = Vec::with_capacity(3);
        for (index, (stage, bottleneck)) in self.stages.iter().zip(&self.bottlenecks).enumerate() {
            x = stage.forward(tape, &x, train)?;
            x = drop(&x, self.config.conv_dropout, index as u64)?;
            latents.push(bottleneck.down.forward_relu(tape, &x)?);
        }

        let mut h = ops::flatten(tape, &x)?;
        h = drop(
            &self.fc[0].forward(tape, &h, true)?,
            self.config.fc_dropout,
            3,
        )?;
        h = drop(
            &self.fc[1].forward(tape, &h, true)?,
            self.config.fc_dropout,
            4,
        )?;
        let logits = self.fc[2].forward(tape, &h, false)?;

        let [z1, z2, z3] = [&latents[0], &latents[1], &latents[2]];
        let up = |index: usize, z: &Tensor| self.bottlenecks[index].up.forward(tape, z);
        let g2 = self.deconvs[2].forward(tape, &up(2, z3)?, true)?;
        let g1 = self.deconvs[1].forward(tape, &ops::add(tape, &up(1, z2)?, &g2)?, true)?;
        let relu = self.config.reconstruction == ReconstructionActivation::Relu;
        let g0 = self.deconvs[0].forward(tape, &ops::add(tape, &up(0, z1)?, &g1)?, relu)?;

        Ok(DhrOutput {
            logits,
            latents: [z3.clone(), z2.clone(), z1.clone()],
            reconstruction: g0,
        })
    }
}
