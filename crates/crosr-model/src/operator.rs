//! The bridge between plain-slice kernels and candle: one operator type, two ways to differentiate.
//!
//! An [`Operator`] works on slices. [`Custom`] makes a candle custom operator of it, with forward
//! and backward, so that candle's own driver can differentiate through it; [`crate::tape::Tape`]
//! uses the same two functions without the zeroed buffer and the addition that candle's driver
//! spends on every gradient.

use std::sync::Arc;

use candle_core::{
    CpuStorage, CustomOp1, CustomOp2, CustomOp3, Layout, Result, Shape, Storage, Tensor,
};

use crate::buffers::Buffers;

/// A contiguous f32 tensor as a kernel sees it.
#[derive(Clone, Copy)]
pub(crate) struct View<'a> {
    pub(crate) data: &'a [f32],
    pub(crate) dims: &'a [usize],
}

/// A differentiable operator on contiguous f32 tensors in main memory.
pub(crate) trait Operator: Send + Sync + 'static {
    /// Name for error messages.
    fn name(&self) -> &'static str;

    /// The result, its memory from `buffers` if it is large, and its shape.
    fn forward(&self, inputs: &[View<'_>], buffers: &Buffers) -> Result<(Vec<f32>, Vec<usize>)>;

    /// Gradients with respect to the inputs, given the gradient of the result, which is spent: it
    /// becomes a result or goes to `buffers`. An input whose entry in `wanted` is false may be
    /// left out.
    fn backward(
        &self,
        inputs: &[View<'_>],
        output: View<'_>,
        gradient: Vec<f32>,
        wanted: &[bool],
        buffers: &Buffers,
    ) -> Result<Vec<Option<Vec<f32>>>>;
}

/// An [`Operator`] as a candle custom operator.
pub(crate) struct Custom {
    pub(crate) operator: Arc<dyn Operator>,
    pub(crate) buffers: Arc<Buffers>,
}

fn contiguous<'a>(storage: &'a CpuStorage, layout: &'a Layout) -> Result<View<'a>> {
    let data = storage.as_slice::<f32>()?;
    match layout.contiguous_offsets() {
        Some((start, end)) => Ok(View {
            data: &data[start..end],
            dims: layout.dims(),
        }),
        None => candle_core::bail!("the kernels take contiguous tensors, got {layout:?}"),
    }
}

/// Runs `f` on the contents of `tensors`.
pub(crate) fn with_views<R>(
    tensors: &[&Tensor],
    f: impl FnOnce(&[View<'_>]) -> Result<R>,
) -> Result<R> {
    let guards: Vec<_> = tensors.iter().map(|t| t.storage_and_layout()).collect();
    let views = guards
        .iter()
        .map(|(storage, layout)| match &**storage {
            Storage::Cpu(storage) => contiguous(storage, layout),
            _ => candle_core::bail!("the kernels take tensors in main memory"),
        })
        .collect::<Result<Vec<_>>>()?;
    f(&views)
}

impl Custom {
    fn run(&self, inputs: &[View<'_>]) -> Result<(CpuStorage, Shape)> {
        let (data, dims) = self.operator.forward(inputs, &self.buffers)?;
        Ok((CpuStorage::F32(data), Shape::from(dims)))
    }

    fn differentiate<const N: usize>(
        &self,
        inputs: [&Tensor; N],
        output: &Tensor,
        gradient: &Tensor,
    ) -> Result<[Option<Tensor>; N]> {
        let wanted = inputs.map(Tensor::track_op);
        let gradient = gradient.contiguous()?;
        let mut tensors = inputs.to_vec();
        tensors.extend([output, &gradient]);
        let gradients = with_views(&tensors, |views| {
            let gradient = views[N + 1].data.to_vec();
            let operator = &self.operator;
            operator.backward(&views[..N], views[N], gradient, &wanted, &self.buffers)
        })?;
        let mut result = [const { None }; N];
        for ((slot, gradient), input) in result.iter_mut().zip(gradients).zip(inputs) {
            *slot = gradient
                .map(|data| Tensor::from_vec(data, input.shape(), input.device()))
                .transpose()?;
        }
        Ok(result)
    }
}

impl CustomOp1 for Custom {
    fn name(&self) -> &'static str {
        self.operator.name()
    }

    fn cpu_fwd(&self, storage: &CpuStorage, layout: &Layout) -> Result<(CpuStorage, Shape)> {
        self.run(&[contiguous(storage, layout)?])
    }

    fn bwd(&self, arg: &Tensor, res: &Tensor, grad_res: &Tensor) -> Result<Option<Tensor>> {
        let [gradient] = self.differentiate([arg], res, grad_res)?;
        Ok(gradient)
    }
}

impl CustomOp2 for Custom {
    fn name(&self) -> &'static str {
        self.operator.name()
    }

    fn cpu_fwd(
        &self,
        s1: &CpuStorage,
        l1: &Layout,
        s2: &CpuStorage,
        l2: &Layout,
    ) -> Result<(CpuStorage, Shape)> {
        self.run(&[contiguous(s1, l1)?, contiguous(s2, l2)?])
    }

    fn bwd(
        &self,
        arg1: &Tensor,
        arg2: &Tensor,
        res: &Tensor,
        grad_res: &Tensor,
    ) -> Result<(Option<Tensor>, Option<Tensor>)> {
        let [first, second] = self.differentiate([arg1, arg2], res, grad_res)?;
        Ok((first, second))
    }
}

impl CustomOp3 for Custom {
    fn name(&self) -> &'static str {
        self.operator.name()
    }

    fn cpu_fwd(
        &self,
        s1: &CpuStorage,
        l1: &Layout,
        s2: &CpuStorage,
        l2: &Layout,
        s3: &CpuStorage,
        l3: &Layout,
    ) -> Result<(CpuStorage, Shape)> {
        self.run(&[
            contiguous(s1, l1)?,
            contiguous(s2, l2)?,
            contiguous(s3, l3)?,
        ])
    }

    fn bwd(
        &self,
        arg1: &Tensor,
        arg2: &Tensor,
        arg3: &Tensor,
        res: &Tensor,
        grad_res: &Tensor,
    ) -> Result<(Option<Tensor>, Option<Tensor>, Option<Tensor>)> {
        let [first, second, third] = self.differentiate([arg1, arg2, arg3], res, grad_res)?;
        Ok((first, second, third))
    }
}
