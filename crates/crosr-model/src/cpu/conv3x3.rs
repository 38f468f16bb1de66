//! Convolution 3x3, stride 1, padding 1.

use crate::cpu::batch_norm::BatchNorm;
use crate::cpu::pooling::MaxPool2x2;
use crate::cpu::scratch::scratch;
use crate::cpu::statistics::{BatchStatistics, combine};
use crate::cpu::winograd::{self, Finish, TransformedWeight};
use crate::cpu::{conv_direct, dispatch};

/// Shape of a 3x3 convolution with stride 1 and a border of one zero.
///
/// Activations are NHWC, the weight is `[c_out, c_in, 3, 3]`. All functions
/// panic when a slice does not have the length that the shape demands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Conv3x3 {
    /// Images.
    pub n: usize,
    /// Rows of an image.
    pub h: usize,
    /// Pixels of a row.
    pub w: usize,
    /// Channels in.
    pub c_in: usize,
    /// Channels out.
    pub c_out: usize,
}

impl Conv3x3 {
    /// Numbers in the input, `n * h * w * c_in`.
    pub fn input_len(&self) -> usize {
        self.n * self.h * self.w * self.c_in
    }

    /// Numbers in the output, `n * h * w * c_out`.
    pub fn output_len(&self) -> usize {
        self.n * self.h * self.w * self.c_out
    }

    /// Numbers in the weight, `c_out * c_in * 9`.
    pub fn weight_len(&self) -> usize {
        self.c_out * self.c_in * 9
    }

    /// `y[p, co] = bias[co] + sum over ci, kh, kw of weight[co, ci, kh, kw] * x[p + (kh-1, kw-1), ci]`.
    ///
    /// With `relu` negative results become 0; a NaN stays.
    pub fn forward(
        &self,
        x: &[f32],
        weight: &[f32],
        bias: Option<&[f32]>,
        relu: bool,
        y: &mut [f32],
    ) {
        self.check_forward(x, weight, bias, y.len());
        self.correlate(x, weight, bias, relu, y, None);
    }

    /// The convolution without ReLU, and the statistics of its output for the
    /// normalisation that follows, gathered while the output is in the cache.
    pub fn forward_statistics(
        &self,
        x: &[f32],
        weight: &[f32],
        bias: Option<&[f32]>,
        eps: f64,
        y: &mut [f32],
    ) -> BatchStatistics {
        self.check_forward(x, weight, bias, y.len());
        let c = self.c_out;
        let counts = if winograd::suits(self) {
            winograd::task_pixels(self)
        } else {
            Some(conv_direct::task_pixels(self))
        };
        let Some(counts) = counts else {
            self.correlate(x, weight, bias, false, y, None);
            let pixels = self.n * self.h * self.w;
            return BatchNorm {
                pixels,
                channels: c,
                relu: false,
            }
            .statistics(y, eps);
        };
        let mut moments = scratch(counts.len() * 2 * c);
        self.correlate(x, weight, bias, false, y, Some(&mut moments));
        combine(&moments, counts.into_iter(), c, eps)
    }

    /// The convolution, ReLU and the maximum of each window of 2x2 in one, for
    /// inference: `y` is `[n, h / 2, w / 2, c_out]`, `h` and `w` even.
    ///
    /// A window with a NaN gives a NaN or the maximum of the rest.
    pub fn forward_pooled(&self, x: &[f32], weight: &[f32], bias: Option<&[f32]>, y: &mut [f32]) {
        let Self {
            n,
            h,
            w,
            c_in,
            c_out,
        } = *self;
        assert!(
            h.is_multiple_of(2) && w.is_multiple_of(2),
            "an odd size: {self:?}"
        );
        self.check_forward(x, weight, bias, 4 * y.len());
        if winograd::suits(self) {
            let path = dispatch::current();
            let element = |ci, co, tap| weight[(co * c_in + ci) * 9 + tap];
            let weight = TransformedWeight::new(path, c_in, c_out, element);
            winograd::correlate(path, self, x, &weight, bias, Finish::Pooled, y, None);
        } else {
            let mut full = scratch(self.output_len());
            self.correlate(x, weight, bias, true, &mut full, None);
            let mut places = vec![0; y.len()];
            MaxPool2x2 { n, h, w, c: c_out }.forward(&full, y, &mut places);
        }
    }

    fn check_forward(&self, x: &[f32], weight: &[f32], bias: Option<&[f32]>, outputs: usize) {
        assert_eq!(x.len(), self.input_len(), "length of the input");
        assert_eq!(weight.len(), self.weight_len(), "length of the weight");
        assert_eq!(outputs, self.output_len(), "length of the output");
        if let Some(bias) = bias {
            assert_eq!(bias.len(), self.c_out, "length of the bias");
        }
    }

    fn correlate(
        &self,
        x: &[f32],
        weight: &[f32],
        bias: Option<&[f32]>,
        relu: bool,
        y: &mut [f32],
        moments: Option<&mut [f32]>,
    ) {
        let Self { c_in, c_out, .. } = *self;
        let path = dispatch::current();
        if winograd::suits(self) {
            let element = |ci, co, tap| weight[(co * c_in + ci) * 9 + tap];
            let weight = TransformedWeight::new(path, c_in, c_out, element);
            let finish = if relu { Finish::Relu } else { Finish::Plain };
            winograd::correlate(path, self, x, &weight, bias, finish, y, moments);
        } else {
            let element = |k, co| weight[(co * c_in + k % c_in) * 9 + k / c_in];
            conv_direct::correlate(path, self, x, element, bias, relu, y, moments);
        }
    }

    /// Gradient with respect to the input: the convolution of `dy` with the
    /// weight turned by half a circle.
    pub fn input_gradient(&self, dy: &[f32], weight: &[f32], dx: &mut [f32]) {
        assert_eq!(dy.len(), self.output_len(), "length of the output gradient");
        assert_eq!(weight.len(), self.weight_len(), "length of the weight");
        assert_eq!(dx.len(), self.input_len(), "length of the input gradient");
        let (c_in, c_out) = (self.c_in, self.c_out);
        let path = dispatch::current();
        let turned = Self {
            c_in: c_out,
            c_out: c_in,
            ..*self
        };
        if winograd::suits(&turned) {
            let element = |co, ci, tap| weight[(co * c_in + ci) * 9 + 8 - tap];
            let weight = TransformedWeight::new(path, c_out, c_in, element);
            winograd::correlate(path, &turned, dy, &weight, None, Finish::Plain, dx, None);
        } else {
            let element = |k, ci| weight[((k % c_out) * c_in + ci) * 9 + 8 - k / c_out];
            conv_direct::correlate(path, &turned, dy, element, None, false, dx, None);
        }
    }

    /// Gradients with respect to the weight and, if asked for, the bias.
    pub fn weight_gradient(
        &self,
        x: &[f32],
        dy: &[f32],
        dweight: &mut [f32],
        dbias: Option<&mut [f32]>,
    ) {
        assert_eq!(x.len(), self.input_len(), "length of the input");
        assert_eq!(dy.len(), self.output_len(), "length of the output gradient");
        assert_eq!(
            dweight.len(),
            self.weight_len(),
            "length of the weight gradient"
        );
        if let Some(dbias) = &dbias {
            assert_eq!(dbias.len(), self.c_out, "length of the bias gradient");
        }
        if winograd::suits(self) {
            return winograd::weight_gradient(self, x, dy, dweight, dbias);
        }
        conv_direct::weight_gradient(self, x, dy, dweight, dbias);
    }
}
