//! The formula behind the reference weights and inputs: integers of 64 bits that wrap, then
//! double precision with one rounding per operation.

use candle_core::{Device, Tensor};

use crate::network::DhrNet;

const SEED: u64 = 7;

fn mix(x: u64) -> u64 {
    let z = x.wrapping_add(0x9E37_79B9_7F4A_7C15);
    let z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    let z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    z ^ (z >> 31)
}

fn fnv1a64(name: &str) -> u64 {
    name.bytes().fold(0xCBF2_9CE4_8422_2325, |hash, byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01B3)
    })
}

fn bits(name: &str, i: usize) -> u64 {
    mix(mix(fnv1a64(name) ^ mix(SEED)).wrapping_add(i as u64))
}

/// `count` values of the tensor called `name`.
pub(crate) fn values(name: &str, count: usize, base: f64, amp: f64) -> Vec<f32> {
    let value = |i| {
        let u = (bits(name, i) >> 11) as f64 * 2f64.powi(-52) - 1.0;
        (base + amp * u) as f32
    };
    (0..count).map(value).collect()
}

/// A batch of pictures.
pub(crate) fn images(name: &str, n: usize) -> Tensor {
    let data = values(name, n * 3 * 32 * 32, 0.0, 2.0);
    Tensor::from_vec(data, (n, 3, 32, 32), &Device::Cpu).expect("sizes fit")
}

/// Gives every parameter and running statistic its reference value.
pub(crate) fn fill(network: &DhrNet) {
    for (name, variable) in network.parameters().all() {
        let dims = variable.dims();
        let (base, amp) = match name.rsplit_once('.').expect("layer and part") {
            (layer, "weight" | "running_var") if layer.starts_with("bn") => (1.0, 0.1),
            (_, "bias" | "running_mean") => (0.0, 0.1),
            (layer, _) if layer.starts_with("fc") => (0.0, (3.0 / dims[1] as f64).sqrt()),
            (layer, _) if layer.starts_with("deconv") => (0.0, (3.0 / dims[0] as f64).sqrt()),
            _ => (0.0, (3.0 / (9 * dims[1]) as f64).sqrt()),
        };
        let data = values(&name, variable.elem_count(), base, amp);
        let tensor = Tensor::from_vec(data, dims, &Device::Cpu).expect("sizes fit");
        variable.set(&tensor).expect("same shape");
    }
}

#[test]
fn worked_values() {
    assert_eq!(mix(7), 0x63cb_e1e4_5932_0dd7);
    assert_eq!(bits("conv1_1.weight", 0), 0xec1c_75c3_4dc8_ccc1);
    let last = values("fc4.weight", 4_194_304, 0.0, (3.0f64 / 4096.0).sqrt())[4_194_303];
    assert_eq!(last.to_bits(), 0xbc13_f728);
    assert_eq!(
        values("bn2_1.running_var", 6, 1.0, 0.1)[5].to_bits(),
        0x3f6e_8684
    );
}
