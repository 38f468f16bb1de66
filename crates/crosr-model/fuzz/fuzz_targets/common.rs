//! What the targets share.

use candle_core::{DType, Device, Tensor};
use crosr_data::Normalisation;
use crosr_model::{DhrConfig, DhrNet, Mode, ModelCard, ReconstructionActivation};

/// Inputs of this length at most say what to build, longer ones are files.
const SHORT: usize = 16;
/// Largest picture that a network is run on.
const LARGEST: usize = 32;

/// A small shape out of a short input; `None` for a longer one.
pub fn drawn_config(data: &[u8]) -> Option<DhrConfig> {
    if data.len() > SHORT {
        return None;
    }
    let byte = |index: usize| data.get(index).copied().unwrap_or_default();
    let size = |index: usize, most: u8| 1 + usize::from(byte(index) % most);
    Some(DhrConfig {
        n_classes: 1 + size(0, 5),
        image_size: 8 * size(1, 2),
        widths: [size(2, 9), size(3, 9), size(4, 9)],
        latent_channels: size(5, 5),
        hidden: size(6, 20),
        conv_dropout: f32::from(byte(7)) / 256.0,
        fc_dropout: f32::from(byte(8)) / 256.0,
        reconstruction: if byte(9) % 2 == 0 {
            ReconstructionActivation::Identity
        } else {
            ReconstructionActivation::Relu
        },
    })
}

/// A description of a network.
pub fn card(n_classes: usize) -> ModelCard {
    ModelCard {
        class_names: (0..n_classes).map(|class| format!("\"{class}\"")).collect(),
        normalisation: Normalisation::CIFAR10,
    }
}

/// Every parameter and statistic, as bits.
pub fn bits(network: &DhrNet) -> Vec<(String, Vec<usize>, Vec<u32>)> {
    let tensors = network.named_tensors().into_iter();
    let all = tensors.map(|(name, tensor)| {
        let values: Vec<f32> = tensor
            .flatten_all()
            .and_then(|flat| flat.to_vec1())
            .expect("f32 in main memory");
        let bits = values.iter().map(|v| v.to_bits()).collect();
        (name, tensor.dims().to_vec(), bits)
    });
    all.collect()
}

/// Whatever was read can be run.
pub fn run(network: &DhrNet) {
    let size = network.config().image_size;
    if size <= LARGEST {
        let shape = (1, 3, size, size);
        let images = Tensor::zeros(shape, DType::F32, &Device::Cpu).expect("small");
        let output = network.forward(&images, Mode::Eval).expect("its own size");
        let n_classes = network.config().n_classes;
        assert_eq!(output.logits.dims(), [1, n_classes]);
        assert_eq!(output.reconstruction.dims(), [1, 3, size, size]);
    }
}
