//! Single layers against PyTorch in double precision.

use candle_core::{Device, Result, Tensor, Var};

use super::{Reference, assert_close, reference};
use crate::gradients::Gradients;
use crate::ops::{self, RunningStatistics};
use crate::tape::{Backend, Tape};

/// Twice PyTorch's own worst error in single precision, and more.
const TOLERANCE: f64 = 5e-6;

fn variable(golden: &Reference, name: &str) -> Var {
    let (shape, values) = &golden[name];
    let data: Vec<f32> = values.iter().map(|v| *v as f32).collect();
    Var::from_vec(data, shape.as_slice(), &Device::Cpu).expect("sizes fit")
}

fn flat(tensor: &Tensor) -> Vec<f32> {
    tensor
        .flatten_all()
        .expect("any shape")
        .to_vec1()
        .expect("f32")
}

/// Runs a layer with each backend and each way to gradients. `run` gets the tape and the inputs.
fn check(case: &str, inputs: &[&str], run: impl Fn(&Tape, &[Tensor]) -> Result<Tensor>) {
    let golden = reference("layers.safetensors");
    type Way = (&'static str, fn() -> Tape);
    let ways: [Way; 3] = [
        ("kernels, tape", || Tape::recording(Backend::Kernels)),
        ("kernels, candle's graph", || Tape::candle(Backend::Kernels)),
        ("candle", || Tape::candle(Backend::Candle)),
    ];
    for (way, tape) in ways {
        let tape = tape();
        let variables: Vec<Var> = inputs
            .iter()
            .map(|name| variable(&golden, &format!("{case}.{name}")))
            .collect();
        let mut tensors: Vec<Tensor> = variables.iter().map(|v| v.as_tensor().clone()).collect();
        let image = tensors[0].rank() == 4;
        if image {
            tensors[0] = ops::from_nchw(&tape, &tensors[0]).expect("layout");
        }
        let mut output = run(&tape, &tensors).expect(case);
        if output.rank() == 4 {
            output = ops::to_nchw(&tape, &output).expect("layout");
        }
        let what = |part: &str| format!("{case} {part}, {way}");
        assert_close(
            &flat(&output),
            &golden[&format!("{case}.f64.output")].1,
            TOLERANCE,
            &what("output"),
        );
        let gradients = backward(tape, &golden, case, &output);
        for (name, variable) in inputs.iter().zip(&variables) {
            let found = gradients
                .get(variable)
                .expect("f32")
                .expect("every input counts");
            let wanted = &golden[&format!("{case}.f64.grad_{name}")].1;
            assert_close(&flat(&found), wanted, TOLERANCE, &what(name));
        }
    }
}

/// Gradients for the reference's gradient of the output.
fn backward(tape: Tape, golden: &Reference, case: &str, output: &Tensor) -> Gradients {
    match golden.get(&format!("{case}.grad_output")) {
        None => tape.backward(&[(output, 1.0)]).expect(case),
        Some((shape, values)) => {
            let data: Vec<f32> = values.iter().map(|v| *v as f32).collect();
            let seed = Tensor::from_vec(data, shape.as_slice(), &Device::Cpu).expect("sizes fit");
            tape.backward_from(output, &seed).expect(case)
        }
    }
}

#[test]
fn convolution() {
    for case in ["conv2d_3to5", "conv2d_16to32"] {
        check(case, &["input", "weight", "bias"], |tape, t| {
            ops::conv3x3(tape, &t[0], &t[1], &t[2], false)
        });
    }
}

#[test]
fn transposed_convolution() {
    check(
        "conv_transpose2d_8to6",
        &["input", "weight", "bias"],
        |tape, t| ops::conv_transpose2x2(tape, &t[0], &t[1], &t[2], false),
    );
}

#[test]
fn linear() {
    check("linear_7to5", &["input", "weight", "bias"], |tape, t| {
        ops::linear(tape, &t[0], &t[1], &t[2], false)
    });
}

#[test]
fn max_pool_gives_its_gradient_to_the_first_maximum() {
    for case in ["max_pool_distinct", "max_pool_ties", "max_pool_relu"] {
        check(case, &["input"], |tape, t| ops::max_pool2(tape, &t[0]));
    }
}

#[test]
fn losses() {
    let golden = reference("layers.safetensors");
    for case in ["cross_entropy", "cross_entropy_large"] {
        let labels: Vec<usize> = golden[&format!("{case}.labels")]
            .1
            .iter()
            .map(|l| *l as usize)
            .collect();
        check(case, &["input"], |tape, t| {
            ops::cross_entropy(tape, &t[0], labels.clone(), 0.0)
        });
    }
    check("mse", &["input", "target"], |tape, t| {
        let target = match tape.backend() {
            Backend::Kernels => ops::from_nchw(tape, &t[1])?,
            Backend::Candle => t[1].clone(),
        };
        ops::mean_squared_error(tape, &t[0], &target)
    });
}

/// The reference has no ReLU behind its batch norm; the bias is raised so that this one has none
/// to cut off, which shifts the output and changes no gradient.
#[test]
fn batch_norm() {
    let golden = reference("layers.safetensors");
    for backend in [Backend::Kernels, Backend::Candle] {
        let tape = Tape::recording(backend);
        let [input, weight, bias] = ["input", "weight", "bias"]
            .map(|name| variable(&golden, &format!("batch_norm.{name}")));
        let raised =
            Var::from_tensor(&(bias.as_tensor().detach() + 10.0).expect("f32")).expect("f32");
        let running = RunningStatistics {
            mean: variable(&golden, "batch_norm.running_mean").into_inner(),
            variance: variable(&golden, "batch_norm.running_var").into_inner(),
        };
        let x = ops::from_nchw(&tape, &input).expect("layout");
        let y = ops::batch_norm_relu(&tape, &x, &weight, &raised, &running).expect("runs");
        let y = ops::to_nchw(&tape, &y).expect("layout");
        let shifted: Vec<f64> = golden["batch_norm.f64.output"]
            .1
            .iter()
            .map(|v| v + 10.0)
            .collect();
        assert_close(&flat(&y), &shifted, TOLERANCE, "batch norm output");
        for (name, tensor) in [("mean", &running.mean), ("var", &running.variance)] {
            let wanted = &golden[&format!("batch_norm.f64.running_{name}_after")].1;
            assert_close(&flat(tensor), wanted, 1e-6, name);
        }
        let gradients = backward(tape, &golden, "batch_norm", &y);
        for (name, variable) in [("input", &input), ("weight", &weight), ("bias", &raised)] {
            let found = gradients
                .get(variable)
                .expect("f32")
                .expect("every input counts");
            let wanted = &golden[&format!("batch_norm.f64.grad_{name}")].1;
            assert_close(
                &flat(&found),
                wanted,
                TOLERANCE,
                &format!("{backend:?} {name}"),
            );
        }
    }
}

#[test]
fn smoothed_targets_on_either_backend() {
    let labels = vec![1, 0, 2, 3];
    let data: Vec<f32> = (0..16).map(|i| (i * 7 % 16) as f32 / 8.0 - 1.0).collect();
    let values = [Backend::Kernels, Backend::Candle].map(|backend| {
        let tape = Tape::recording(backend);
        let logits = Var::from_slice(&data, (4, 4), &Device::Cpu).expect("f32");
        let loss = ops::cross_entropy(&tape, &logits, labels.clone(), 0.2).expect("fits");
        let mut values = vec![loss.to_scalar::<f32>().expect("a scalar")];
        let gradients = tape.backward(&[(&loss, 1.0)]).expect("recorded");
        let gradient = gradients.get(&logits).expect("f32");
        values.extend(flat(&gradient.expect("the loss depends on it")));
        values
    });
    let wanted: Vec<f64> = values[1].iter().map(|v| f64::from(*v)).collect();
    assert_close(&values[0], &wanted, TOLERANCE, "smoothed targets");
}
