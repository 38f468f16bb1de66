//! CPU operators of the network on plain `f32` slices.
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
mod pooling;
mod scratch;
mod sgd;
mod simd;

pub use crate::cpu::{
    batch_norm::{BatchNorm, BatchStatistics, scale_shift},
    conv_transpose::ConvTranspose2x2,
    conv3x3::Conv3x3,
    dispatch::{Path, available_paths, with_path},
    dropout::Dropout,
    elementwise::{add, add_relu, relu, relu_backward},
    layout::{nchw_to_nhwc, nhwc_to_nchw},
    linear::Linear,
    loss::{mean_squared_error, mean_squared_error_gradient, softmax_cross_entropy},
    pooling::{MaxPool2x2, global_max, global_mean},
    sgd::{SgdStep, sgd_step},
};
