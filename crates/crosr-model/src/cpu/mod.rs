//! CPU operators of the network, forward and backward, on plain `f32` slices.
//!
//! No tensor types: shapes are small structs ([`Conv3x3`], [`ConvTranspose2x2`],
//! [`Linear`], [`BatchNorm`], ...), data are slices, outputs are overwritten
//! whole, so they need not be zeroed. A slice of the wrong length panics; who
//! calls from outside checks shapes first. Work is spread over the current
//! rayon pool.
//!
//! # Layouts
//! Activations are NHWC: `[n, h, w, c]`, channels fastest, so that a vector
//! register holds neighbouring channels of one pixel and an image row is a
//! matrix of pixels by channels. Weights keep PyTorch's order (convolution
//! `[c_out, c_in, 3, 3]`, transposed convolution `[c_in, c_out, 2, 2]`, fully
//! connected `[out, in]`); each call lays them out as its inner loop reads them,
//! which costs a few per cent of it. Buffers for that come from a pool
//! (`scratch`) and go back to it: after the first step nothing is allocated but
//! per-channel vectors.
//!
//! # Algorithms
//! Everything linear ends in one matrix product (`gemm`): a block of 12 rows by
//! two vectors of columns (AVX-512) is held in registers while the summation
//! index runs. The left side is read where it lies, as it is or transposed; the
//! right side comes in panels of two vectors.
//!
//! | operator | algorithm |
//! | --- | --- |
//! | 3x3 convolution and both gradients, at least 16 channels on both sides | Winograd F(4x4, 3x3) at the points 0, ±1/√2, ±√2, ∞ (`winograd`): 36 products for 16 outputs in place of 144. Forward and input gradient: strips of 16 tiles are transformed, multiplied and transformed back while they are in the cache; during the products memory fetches the next strip. Weight gradient: in the transformed domain, by ranges of tiles with a sum each, or (large weights) by chunks of tiles with one sum |
//! | 3x3 convolution, fewer channels | matrix product straight from the image: in a zero-padded NHWC strip the window of a pixel is three runs of `3 c_in` contiguous numbers, the next pixel's begins `c_in` further on (`conv_direct`) |
//! | transposed convolution 2x2 | for each row of the 2x2 block one product per image row, stored where it belongs |
//! | fully connected | forward as its transpose, so that the large weight is read once and never packed as a whole |
//! | normalisation | statistics from parts with their own means ([`Conv3x3::forward_statistics`] gathers them while the output is in the cache); backward takes the ReLU's mask from the input, by the forward pass's arithmetic |
//! | normalisation, ReLU, pooling | one pass each way, [`PooledBatchNorm`]; in inference the convolution does it all, [`Conv3x3::forward_pooled`] |
//! | dropout | mask from a counter-based generator, recomputed in the backward pass |
//!
//! Error of Winograd's forward pass with 256 channels: 2e-6 to 3e-6 of the largest
//! output, where the direct sum in single precision has 1e-6 to 2e-6.
//!
//! # Instruction sets
//! Each loop is written once over the trait `Simd` (or left to the compiler as
//! a plain loop) and compiled for AVX-512, AVX2 with FMA, NEON, and portable
//! Rust. The best set that the machine has is chosen at run time, once;
//! [`with_path`] holds a thread to another one, for tests. Nothing needs
//! `-C target-cpu`.
//!
//! # Determinism
//! Results are the same bits for any number of threads. The rule: every sum is
//! cut into parts by the shape alone (never by the number of threads, never by
//! who comes first), each part is summed by one task in a fixed order, and the
//! parts are added in order. Elements of a matrix product are single chains of
//! multiply-adds whatever the blocking. Another instruction set may round
//! otherwise.
//!
//! # Unsafe code
//! This module is the only place that has it, in four kinds:
//! - intrinsics (`simd`): each `Simd` function is a single instruction or two;
//!   they are reached only through `Simd::enter`, which is compiled for the
//!   instruction set, and `enter` only through `dispatch`, which takes a
//!   [`Path`] that the machine was asked for;
//! - pointers in inner loops (`gemm`, `winograd`, `columns`): the types that
//!   hold pointers say what must be readable and writable, the functions that
//!   build them check slice lengths and shapes;
//! - disjoint parts of one output written by parallel tasks (`Shared`): bounds
//!   are asserted, the comment at each use says why parts do not overlap;
//! - the view of a pooled buffer as `f32` (`scratch`), which is always
//!   initialised.
//!
//! The tests of this module, on every path of an AVX-512 machine, run clean under the address
//! sanitizer: `RUSTC_BOOTSTRAP=1 RUSTFLAGS=-Zsanitizer=address cargo test --target
//! x86_64-unknown-linux-gnu -p crosr-model --test cpu_operators --test cpu_normalisation
//! --test cpu_convolution`.
#![allow(unsafe_code)]

mod batch_norm;
mod columns;
mod conv3x3;
mod conv_direct;
mod conv_transpose;
mod dispatch;
mod dropout;
mod elementwise;
mod gemm;
mod layout;
mod linear;
mod loss;
mod packing;
mod peak;
mod pooled_norm;
mod pooling;
mod scratch;
mod sgd;
mod simd;
mod statistics;
mod winograd;

pub use crate::cpu::{
    batch_norm::{BatchNorm, scale_shift},
    conv_transpose::ConvTranspose2x2,
    conv3x3::Conv3x3,
    dispatch::{Path, available_paths, with_path},
    dropout::Dropout,
    elementwise::{accumulate, add, add_relu, relu, relu_backward},
    layout::{nchw_to_nhwc, nhwc_to_nchw},
    linear::Linear,
    loss::{mean_squared_error, mean_squared_error_gradient, softmax_cross_entropy},
    peak::multiply_adds,
    pooled_norm::PooledBatchNorm,
    pooling::{MaxPool2x2, global_max, global_mean},
    sgd::{SgdStep, sgd_step, sum_of_squares},
    statistics::BatchStatistics,
};
