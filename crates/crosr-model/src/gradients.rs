//! Gradients by variable, and how long they are.

use std::collections::HashMap;
use std::sync::Arc;

use candle_core::backprop::GradStore;
use candle_core::{DType, Device, Result, Tensor, TensorId, Var};

use crate::buffers::Buffers;
use crate::cpu;
use crate::operator::with_views;

/// Gradients by variable.
pub(crate) enum Gradients {
    Candle(GradStore),
    Own(HashMap<TensorId, Vec<f32>>, Arc<Buffers>),
}

impl Gradients {
    /// The gradient of a variable, if the outputs depend on it.
    pub(crate) fn get(&self, variable: &Tensor) -> Result<Option<Tensor>> {
        match self {
            Self::Candle(store) => Ok(store.get(variable).cloned()),
            Self::Own(gradients, _) => gradients
                .get(&variable.id())
                .map(|g| Tensor::from_slice(g, variable.shape(), variable.device()))
                .transpose(),
        }
    }

    /// The gradient's values, where they lie in main memory.
    pub(crate) fn slice(&self, variable: &Tensor) -> Option<&[f32]> {
        match self {
            Self::Candle(_) => None,
            Self::Own(gradients, _) => gradients.get(&variable.id()).map(Vec::as_slice),
        }
    }

    /// Euclidean norm over all the gradients of `variables` together; NaN or infinite when a value
    /// is, and only then.
    ///
    /// Sums are in double precision and in the order of `variables`, so that the number of threads
    /// changes no bit.
    pub(crate) fn norm<'a>(&self, variables: impl Iterator<Item = &'a Var>) -> Result<f64> {
        let sums = match self {
            Self::Own(..) => variables
                .filter_map(|v| self.slice(v))
                .map(cpu::sum_of_squares)
                .collect(),
            Self::Candle(store) => {
                let gradients: Vec<Tensor> =
                    variables.filter_map(|v| store.get(v).cloned()).collect();
                sums_of_squares(&gradients)?
            }
        };
        Ok(sums.iter().sum::<f64>().sqrt())
    }
}

impl Drop for Gradients {
    fn drop(&mut self) {
        if let Self::Own(gradients, buffers) = self {
            for (_, gradient) in gradients.drain() {
                buffers.give(gradient);
            }
            buffers.end_pass();
        }
    }
}

/// What gradients are multiplied with so that their norm is at most `limit`:
/// `limit / (norm + 1e-6)` where that is below 1, as `torch.nn.utils.clip_grad_norm_` has it
/// (Pascanu, Mikolov and Bengio, arXiv 1211.5063, Section 3.2).
pub(crate) fn clip_scale(norm: f64, limit: f64) -> f64 {
    (limit / (norm + 1e-6)).min(1.0)
}

/// Sum of the squares of each tensor's values; not finite when a value is not.
pub(crate) fn sums_of_squares(tensors: &[Tensor]) -> Result<Vec<f64>> {
    match tensors.first().map(Tensor::device) {
        None => Ok(Vec::new()),
        Some(Device::Cpu) => {
            let sum = |t: &Tensor| {
                let t = t.contiguous()?;
                with_views(&[&t], |views| Ok(cpu::sum_of_squares(views[0].data)))
            };
            tensors.iter().map(sum).collect()
        }
        // Metal has no double precision.
        Some(device) => sums_on_device(tensors, !device.is_metal()),
    }
}

/// One copy from the device for all tensors together.
fn sums_on_device(tensors: &[Tensor], double: bool) -> Result<Vec<f64>> {
    let sum = |t: &Tensor| {
        let t = t.detach();
        let t = if double { t.to_dtype(DType::F64)? } else { t };
        t.sqr()?.sum_all()
    };
    let sums = tensors.iter().map(sum).collect::<Result<Vec<_>>>()?;
    let sums = Tensor::stack(&sums, 0)?.to_device(&Device::Cpu)?;
    sums.to_dtype(DType::F64)?.to_vec1()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sgd::Sgd;

    fn var(values: &[f32]) -> Var {
        Var::from_slice(values, values.len(), &Device::Cpu).expect("one dimension")
    }

    fn values(tensor: &Tensor) -> Vec<f32> {
        tensor.to_vec1().expect("one dimension of f32")
    }

    /// The same gradients as both kinds.
    fn both(variables: &[&Var], gradients: &[&[f32]]) -> [Gradients; 2] {
        let ids = variables.iter().map(|v| v.id());
        let own = ids.zip(gradients.iter().map(|g| g.to_vec())).collect();
        // The gradient of Σ a · x for x is a.
        let terms = variables.iter().zip(gradients).map(|(variable, gradient)| {
            let factors = Tensor::from_slice(gradient, gradient.len(), &Device::Cpu);
            (variable.as_tensor() * factors.expect("one dimension"))
                .and_then(|t| t.sum_all())
                .expect("same length")
        });
        let total = terms.reduce(|a, b| (a + b).expect("scalars"));
        let store = total.expect("not empty").backward().expect("a scalar");
        [
            Gradients::Own(own, Arc::default()),
            Gradients::Candle(store),
        ]
    }

    fn norm(gradients: &Gradients, variables: &[&Var]) -> f64 {
        gradients.norm(variables.iter().copied()).expect("f32")
    }

    #[test]
    fn a_norm_and_a_step_by_hand() {
        let start = [&[1.0, -2.0][..], &[0.5]];
        for kind in 0..2 {
            let (a, b) = (var(start[0]), var(start[1]));
            let gradients = &both(&[&a, &b], &[&[3.0, -4.0], &[12.0]])[kind];
            let norm = norm(gradients, &[&a, &b]);
            assert_eq!(norm, 13.0);
            let scale = clip_scale(norm, 1.3);
            assert!((scale - 1.3 / 13.000_001).abs() < 1e-15, "{scale}");

            let parameters = vec![("a".to_owned(), a.clone()), ("b".to_owned(), b.clone())];
            let mut sgd = Sgd::new(parameters, 0.9, 0.01, true);
            for _ in 0..2 {
                sgd.step(gradients, 0.5, scale).expect("gradients fit");
            }
            // v = 0.1 g + 0.01 p, p -= 0.5 v; then v = 0.9 v + 0.1 g + 0.01 p, p -= 0.5 v.
            for (found, p, g) in [
                (values(&a)[0], 1.0, 3.0),
                (values(&a)[1], -2.0, -4.0),
                (values(&b)[0], 0.5, 12.0),
            ] {
                let first: f64 = 0.1 * g + 0.01 * p;
                let after = p - 0.5 * first;
                let wanted = after - 0.5 * (0.9 * first + 0.1 * g + 0.01 * after);
                assert!(
                    (f64::from(found) - wanted).abs() < 1e-6,
                    "{kind}: {found}, not {wanted}"
                );
            }
        }
    }

    #[test]
    fn short_and_vanishing_gradients_stay_as_they_are() {
        assert_eq!(clip_scale(0.0, 1.0), 1.0);
        assert_eq!(clip_scale(0.5, 1.0), 1.0);
        assert!(clip_scale(1.0, 1.0) < 1.0, "as PyTorch has it");
        assert_eq!(clip_scale(0.0, 1e-9), 1e-3, "as PyTorch has it");
        let a = var(&[1.0, 2.0]);
        for gradients in both(&[&a], &[&[0.0, 0.0]]) {
            assert_eq!(norm(&gradients, &[&a]), 0.0);
            let mut sgd = Sgd::new(vec![("a".to_owned(), a.clone())], 0.9, 0.0, true);
            sgd.step(&gradients, 0.1, 1.0).expect("gradients fit");
            assert_eq!(values(&a), [1.0, 2.0]);
        }
    }

    #[test]
    fn a_norm_is_finite_if_and_only_if_every_gradient_is() {
        let (a, b) = (var(&[0.0; 3]), var(&[0.0]));
        for bad in [f32::NAN, f32::INFINITY, f32::NEG_INFINITY] {
            for gradients in both(&[&a, &b], &[&[1.0, bad, 1.0], &[1.0]]) {
                assert!(!norm(&gradients, &[&a, &b]).is_finite(), "{bad}");
            }
        }
        for gradients in both(&[&a, &b], &[&[f32::MAX; 3], &[f32::MIN]]) {
            let wanted = 2.0 * f64::from(f32::MAX);
            assert!((norm(&gradients, &[&a, &b]) / wanted - 1.0).abs() < 1e-12);
        }
        let none: [&Var; 0] = [];
        assert_eq!(norm(&both(&[&a], &[&[1.0; 3]])[0], &none), 0.0);
    }

    #[test]
    fn what_other_devices_do_gives_the_same() {
        let data: Vec<f32> = (0..60_000).map(|i| (i as f32 * 0.37).sin()).collect();
        let tensors: Vec<Tensor> = [(1, 60_000), (300, 200), (60_000, 1)]
            .iter()
            .map(|&dims| Tensor::from_slice(&data, dims, &Device::Cpu).expect("sizes fit"))
            .chain([Tensor::from_slice(&data, (300, 200), &Device::Cpu)
                .and_then(|t| t.t())
                .expect("two dimensions")])
            .collect();
        let wanted: f64 = data.iter().map(|&v| f64::from(v).powi(2)).sum();
        for (sums, tolerance) in [
            (sums_of_squares(&tensors), 1e-12),
            (sums_on_device(&tensors, true), 1e-12),
            (sums_on_device(&tensors, false), 1e-4),
        ] {
            for sum in sums.expect("f32") {
                assert!((sum / wanted - 1.0).abs() < tolerance, "{sum}, {wanted}");
            }
        }
    }
}
