//! The whole network against PyTorch.

use candle_core::{Device, Tensor};
use serde_json::Value;

use super::formula::{fill, images};
use super::{assert_close, data, reference};
use crate::activations::Pooling;
use crate::config::{DhrConfig, ReconstructionActivation};
use crate::gradients::Gradients;
use crate::network::{DhrNet, Mode};
use crate::ops;
use crate::parameters::is_statistic;
use crate::sgd::Sgd;
use crate::tape::{Backend, Tape};

fn network(reconstruction: ReconstructionActivation) -> DhrNet {
    let config = DhrConfig {
        conv_dropout: 0.0,
        fc_dropout: 0.0,
        reconstruction,
        ..DhrConfig::cifar10(10)
    };
    let network = DhrNet::new(&config, 1, &Device::Cpu).expect("a sound shape");
    fill(&network);
    network
}

fn flat(tensor: &Tensor) -> Vec<f32> {
    tensor
        .flatten_all()
        .expect("any shape")
        .to_vec1()
        .expect("f32")
}

#[test]
fn evaluation() {
    let golden = reference("forward.safetensors");
    let network = network(ReconstructionActivation::Identity);
    for backend in [Backend::Kernels, Backend::Candle] {
        let tape = Tape::off(backend);
        let x = ops::from_nchw(&tape, &images("forward.input", 4)).expect("layout");
        let output = network.forward_on(&tape, &x, Mode::Eval).expect("runs");
        let check = |found: &Tensor, name: &str| {
            assert_close(
                &flat(found),
                &golden[name].1,
                1e-5,
                &format!("{backend:?} {name}"),
            );
        };
        check(&output.logits, "f64.logits");
        let reconstruction = ops::to_nchw(&tape, &output.reconstruction).expect("layout");
        check(&reconstruction, "f64.reconstruction.identity");
        for (pooling, name) in [
            (Pooling::Max, "f64.vector.max"),
            (Pooling::Mean, "f64.vector.avg"),
        ] {
            let mut parts = vec![output.logits.clone()];
            for latent in &output.latents {
                parts.push(ops::global_pool(&tape, latent, pooling).expect("pools"));
            }
            check(&Tensor::cat(&parts, 1).expect("one row a picture"), name);
        }
    }
}

struct Step {
    classification: f64,
    reconstruction: f64,
    gradients: Gradients,
}

fn step(network: &DhrNet, tape: Tape, labels: &[usize]) -> Step {
    let x = ops::from_nchw(&tape, &images("train.input.1971", 8)).expect("layout");
    let mode = Mode::Train { dropout_seed: 0 };
    let output = network.forward_on(&tape, &x, mode).expect("runs");
    let classification =
        ops::cross_entropy(&tape, &output.logits, labels.to_vec(), 0.0).expect("labels in range");
    let reconstruction =
        ops::mean_squared_error(&tape, &output.reconstruction, &x).expect("same shape");
    let value = |t: &Tensor| f64::from(t.to_scalar::<f32>().expect("a scalar"));
    Step {
        classification: value(&classification),
        reconstruction: value(&reconstruction),
        gradients: tape
            .backward(&[(&classification, 1.0), (&reconstruction, 1.0)])
            .expect("differentiable"),
    }
}

fn close(found: f64, wanted: &Value, tolerance: f64, what: &str) {
    let wanted = wanted.as_f64().expect("a number");
    assert!(
        (found - wanted).abs() <= tolerance * wanted.abs().max(1e-12),
        "{what}: {found}, not {wanted}"
    );
}

fn relative_l2(found: &[f32], wanted: &[f64]) -> f64 {
    assert_eq!(found.len(), wanted.len());
    let error: f64 = found
        .iter()
        .zip(wanted)
        .map(|(f, w)| (f64::from(*f) - w).powi(2))
        .sum();
    (error / wanted.iter().map(|w| w * w).sum::<f64>()).sqrt()
}

fn golden_json() -> Value {
    let text = std::fs::read_to_string(data("train_step.json")).expect("in the repository");
    serde_json::from_str(&text).expect("JSON")
}

fn labels(golden: &Value) -> Vec<usize> {
    let labels = golden["labels"].as_array().expect("a list");
    labels
        .iter()
        .map(|l| l.as_u64().expect("a class") as usize)
        .collect()
}

fn gradients_match(name: &str, reconstruction: ReconstructionActivation, tape: fn() -> Tape) {
    let json = golden_json();
    let golden = reference("train_step.safetensors");
    let network = network(reconstruction);
    let labels = labels(&json);
    let found = step(&network, tape(), &labels);
    let wanted = &json[name]["f64"];
    close(
        found.classification,
        &wanted["losses"]["cls"],
        1e-5,
        "cross-entropy",
    );
    close(
        found.reconstruction,
        &wanted["losses"]["rec"],
        1e-5,
        "reconstruction loss",
    );
    let mut compared = 0;
    for (parameter, variable) in network.parameters().all() {
        if is_statistic(&parameter) {
            let wanted = &golden[&format!("f64.after1.{parameter}")].1;
            let error = relative_l2(&flat(&variable), wanted);
            assert!(error <= 1e-6, "{parameter}: {error:.1e}");
            continue;
        }
        let gradient = found
            .gradients
            .get(&variable)
            .expect("f32")
            .expect("every one counts");
        let gradient: Vec<f64> = flat(&gradient).into_iter().map(f64::from).collect();
        let l2 = gradient.iter().map(|g| g * g).sum::<f64>().sqrt();
        // A bias in front of a batch norm has no gradient, only rounding.
        if parameter.starts_with("conv") && parameter.ends_with(".bias") {
            assert!(l2 < 1e-5, "{parameter}: {l2}");
            continue;
        }
        let wanted = &wanted["gradients"][&parameter];
        close(l2, &wanted["l2"], 1e-4, &parameter);
        let n = gradient.len() as f64;
        let sum: f64 = gradient.iter().sum();
        let error = (sum - wanted["sum"].as_f64().expect("a number")).abs() / (l2 * n.sqrt());
        assert!(error <= 1e-5, "{parameter}: sum off by {error:.1e}");
        let first = &golden[&format!("{name}.f64.grad16.{parameter}")].1;
        let largest = gradient.iter().fold(0.0f64, |m, g| m.max(g.abs()));
        for (found, wanted) in gradient.iter().zip(first) {
            assert!(
                (found - wanted).abs() <= 1e-4 * largest,
                "{parameter}: {found}, not {wanted}"
            );
        }
        compared += 1;
    }
    assert_eq!(
        compared, 45,
        "every weight, and every bias but the seven before batch norms"
    );
}

#[test]
fn gradients_by_the_tape() {
    gradients_match("identity", ReconstructionActivation::Identity, || {
        Tape::recording(Backend::Kernels)
    });
}

#[test]
fn gradients_by_candles_graph_over_the_kernels() {
    gradients_match("relu", ReconstructionActivation::Relu, || {
        Tape::candle(Backend::Kernels)
    });
}

#[test]
fn gradients_by_candles_operators() {
    gradients_match("identity", ReconstructionActivation::Identity, || {
        Tape::candle(Backend::Candle)
    });
}

#[test]
fn five_steps_of_sgd() {
    let json = golden_json();
    let wanted = &json["identity"]["f64"]["lr_0.005"];
    let labels = labels(&json);
    let network = network(ReconstructionActivation::Identity);
    let mut sgd = Sgd::new(network.parameters().trainable(), 0.9, 5e-4, true);
    for k in 0..5 {
        let found = step(&network, Tape::recording(Backend::Kernels), &labels);
        close(
            found.classification,
            &wanted["step_losses"][k]["cls"],
            1e-3,
            "cross-entropy",
        );
        close(
            found.reconstruction,
            &wanted["step_losses"][k]["rec"],
            1e-3,
            "reconstruction",
        );
        sgd.step(&found.gradients, 0.005, 1.0)
            .expect("gradients fit");
    }
    for (parameter, variable) in network.parameters().all() {
        let l2 = flat(&variable)
            .iter()
            .map(|v| f64::from(*v).powi(2))
            .sum::<f64>()
            .sqrt();
        close(
            l2,
            &wanted["l2_after_5_steps"][&parameter],
            1e-3,
            &parameter,
        );
    }
}
