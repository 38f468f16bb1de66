//! The network's layers, and where each finds its parameters.

use candle_core::Tensor;
use candle_nn::VarBuilder;

use crate::config::DhrConfig;
use crate::ops::{self, ConvNorm, RunningStatistics};
use crate::tape::Tape;

pub(super) struct Conv3x3 {
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

    pub(super) fn forward(&self, tape: &Tape, x: &Tensor) -> candle_core::Result<Tensor> {
        ops::conv3x3(tape, x, &self.weight, &self.bias, false)
    }

    pub(super) fn forward_relu(&self, tape: &Tape, x: &Tensor) -> candle_core::Result<Tensor> {
        ops::conv3x3(tape, x, &self.weight, &self.bias, true)
    }
}

pub(super) struct Deconv2x2 {
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

    pub(super) fn forward(
        &self,
        tape: &Tape,
        x: &Tensor,
        relu: bool,
    ) -> candle_core::Result<Tensor> {
        ops::conv_transpose2x2(tape, x, &self.weight, &self.bias, relu)
    }
}

pub(super) struct Linear {
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

    pub(super) fn forward(
        &self,
        tape: &Tape,
        x: &Tensor,
        relu: bool,
    ) -> candle_core::Result<Tensor> {
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
pub(super) struct Stage {
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

    pub(super) fn forward(
        &self,
        tape: &Tape,
        x: &Tensor,
        train: bool,
    ) -> candle_core::Result<Tensor> {
        let mut x = x.clone();
        for layer in &self.layers {
            x = ops::conv_norm_relu(tape, &x, layer, train)?;
        }
        ops::conv_norm_relu_pool(tape, &x, &self.last, train)
    }
}

/// A latent's way in and out: `btl` and `btlu` of the published code.
pub(super) struct Bottleneck {
    pub(super) down: Conv3x3,
    pub(super) up: Conv3x3,
}

/// Everything that holds parameters. Constructing it asks for each of them by name and shape, and
/// nothing else in this crate knows these.
pub(super) struct Layers {
    pub(super) stages: [Stage; 3],
    pub(super) fc: [Linear; 3],
    pub(super) bottlenecks: [Bottleneck; 3],
    pub(super) deconvs: [Deconv2x2; 3],
}

impl Layers {
    pub(super) fn new(config: &DhrConfig, vb: &VarBuilder<'_>) -> candle_core::Result<Self> {
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
                Stage::new(1, 2, 3, c1, vb)?,
                Stage::new(2, 2, c1, c2, vb)?,
                Stage::new(3, 3, c2, c3, vb)?,
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
        })
    }
}
