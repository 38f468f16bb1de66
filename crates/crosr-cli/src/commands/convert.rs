//! `crosr convert`.

use crosr_data::{Cifar10, Normalisation};
use crosr_model::{DhrNet, ModelCard, ReconstructionActivation, TorchCheckpoint};
use serde_json::json;

use crate::args::{ConvertArgs, ReconstructionName};
use crate::error::{CliError, Result};
use crate::output;
use crate::run_folder::write_atomically;

pub(super) fn run(args: &ConvertArgs) -> Result<()> {
    let checkpoint = TorchCheckpoint::read(&args.input).map_err(crosr_model::ModelError::from)?;
    let reconstruction = match args.reconstruction {
        ReconstructionName::Identity => ReconstructionActivation::Identity,
        ReconstructionName::Relu => ReconstructionActivation::Relu,
    };
    let device = crosr_model::device("cpu")?;
    let network = DhrNet::from_torch(&checkpoint, &args.input, reconstruction, &device)?;
    let config = network.config();
    let n_classes = config.n_classes;
    let class_names: Vec<String> = match (args.classes.len(), n_classes) {
        (0, 10) => Cifar10::CLASS_NAMES.map(str::to_owned).to_vec(),
        (0, n) => (0..n).map(|class| format!("class {class}")).collect(),
        (given, n) if given == n => args.classes.clone(),
        (given, n) => {
            return Err(CliError::usage(format!(
                "--classes names {given} classes, the checkpoint has {n}"
            )));
        }
    };
    let card = ModelCard {
        class_names,
        normalisation: Normalisation::CIFAR10,
    };
    write_atomically(&args.out, &network.to_safetensors(&card)?)?;
    let tensors = network.named_tensors();
    let parameters: usize = tensors.iter().map(|(_, tensor)| tensor.elem_count()).sum();
    if args.json {
        return output::json(&json!({
            "out": args.out,
            "tensors": tensors.len(),
            "values": parameters,
            "classes": card.class_names,
            "image_size": config.image_size,
            "widths": config.widths,
            "latent_channels": config.latent_channels,
            "hidden": config.hidden,
        }));
    }
    output::text(&format!(
        "{}: {} tensors, {parameters} values, {n_classes} classes, widths {:?}, hidden {}\n",
        args.out.display(),
        tensors.len(),
        config.widths,
        config.hidden
    ))
}
