//! Devices by name.

use candle_core::Device;

use crate::error::{ModelError, Result};

/// The device called `cpu`, `cuda`, `cuda:N`, `metal`, or, with `auto`, the best of this build
/// and machine.
///
/// # Errors
/// [`ModelError::Device`] for a name that is none of these, or a device that cannot be had.
pub fn device(name: &str) -> Result<Device> {
    let unavailable = |what: String| ModelError::Device {
        name: name.to_owned(),
        what,
    };
    match name {
        "cpu" => Ok(Device::Cpu),
        "auto" => {
            if candle_core::utils::cuda_is_available() {
                device("cuda")
            } else if candle_core::utils::metal_is_available() {
                device("metal")
            } else {
                Ok(Device::Cpu)
            }
        }
        "metal" if candle_core::utils::metal_is_available() => {
            Device::new_metal(0).map_err(|e| unavailable(e.to_string()))
        }
        "metal" => Err(unavailable(
            "this build has no Metal (cargo feature `metal`)".to_owned(),
        )),
        _ => {
            let number = match name.strip_prefix("cuda") {
                Some("") => Some(0),
                Some(rest) => rest.strip_prefix(':').and_then(|n| n.parse().ok()),
                None => None,
            };
            match number {
                None => Err(unavailable(
                    "there are cpu, cuda, cuda:N, metal and auto".to_owned(),
                )),
                Some(_) if !candle_core::utils::cuda_is_available() => Err(unavailable(
                    "this build has no CUDA (cargo feature `cuda`)".to_owned(),
                )),
                Some(number) => Device::new_cuda(number).map_err(|e| unavailable(e.to_string())),
            }
        }
    }
}

/// What kind of device it is: `cpu`, `cuda` or `metal`.
pub fn device_name(device: &Device) -> &'static str {
    match device {
        Device::Cpu => "cpu",
        Device::Cuda(_) => "cuda",
        Device::Metal(_) => "metal",
    }
}
