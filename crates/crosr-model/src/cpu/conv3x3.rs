//! Convolution 3x3, stride 1, padding 1.

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
        assert_eq!(x.len(), self.input_len(), "length of the input");
        assert_eq!(weight.len(), self.weight_len(), "length of the weight");
        assert_eq!(y.len(), self.output_len(), "length of the output");
        if let Some(bias) = bias {
            assert_eq!(bias.len(), self.c_out, "length of the bias");
        }
        let c_in = self.c_in;
        conv_direct::correlate(
            dispatch::current(),
            self,
            x,
            |k, co| weight[(co * c_in + k % c_in) * 9 + k / c_in],
            bias,
            relu,
            y,
        );
    }

    /// Gradient with respect to the input: the convolution of `dy` with the
    /// weight turned by half a circle.
    pub fn input_gradient(&self, dy: &[f32], weight: &[f32], dx: &mut [f32]) {
        assert_eq!(dy.len(), self.output_len(), "length of the output gradient");
        assert_eq!(weight.len(), self.weight_len(), "length of the weight");
        assert_eq!(dx.len(), self.input_len(), "length of the input gradient");
        let (c_in, c_out) = (self.c_in, self.c_out);
        let turned = Self {
            c_in: c_out,
            c_out: c_in,
            ..*self
        };
        conv_direct::correlate(
            dispatch::current(),
            &turned,
            dy,
            |k, ci| weight[((k % c_out) * c_in + ci) * 9 + 8 - k / c_out],
            None,
            false,
            dx,
        );
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
        conv_direct::weight_gradient(self, x, dy, dweight, dbias);
    }
}
