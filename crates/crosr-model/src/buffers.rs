//! Memory that goes from one pass through a network to the next.
//!
//! A training step fills and frees hundreds of megabytes. An allocator gives blocks of that size
//! back to the system, which clears every page again when it hands them out anew: a fifth of a
//! step. Here they wait for the next operator that wants one.

use std::sync::Mutex;

use candle_core::{CpuStorage, InplaceOp1, Layout, Result, Tensor};

use crate::sync::locked;

/// Fewer values are left to the allocator.
const SMALLEST: usize = 1 << 12;
/// Passes that a buffer waits for a reader before it is freed: batches of another size come and
/// go, as at the end of a dataset.
const PATIENCE: u64 = 4;

/// Buffers at rest.
#[derive(Default)]
pub(crate) struct Buffers {
    idle: Mutex<Idle>,
}

#[derive(Default)]
struct Idle {
    pass: u64,
    buffers: Vec<(Vec<f32>, u64)>,
}

impl Buffers {
    /// A buffer of `len` values, whatever they are: who takes it overwrites them all.
    pub(crate) fn take(&self, len: usize) -> Vec<f32> {
        if len < SMALLEST {
            return vec![0.0; len];
        }
        let mut idle = locked(&self.idle);
        let fitting = (0..idle.buffers.len())
            .filter(|&i| (len..=len + len / 4).contains(&idle.buffers[i].0.capacity()))
            .min_by_key(|&i| idle.buffers[i].0.capacity());
        let Some(place) = fitting else {
            drop(idle);
            return vec![0.0; len];
        };
        let (mut buffer, _) = idle.buffers.swap_remove(place);
        drop(idle);
        buffer.resize(len, 0.0);
        buffer
    }

    /// Takes a buffer back.
    pub(crate) fn give(&self, buffer: Vec<f32>) {
        if buffer.capacity() >= SMALLEST {
            let mut idle = locked(&self.idle);
            let pass = idle.pass;
            idle.buffers.push((buffer, pass));
        }
    }

    /// Takes back the memory of a tensor that nobody reads again; it is empty from then on.
    pub(crate) fn reclaim(&self, tensor: &Tensor) -> Result<()> {
        if tensor.elem_count() >= SMALLEST {
            tensor.inplace_op1(&Reclaim(self))?;
        }
        Ok(())
    }

    /// Marks the end of a pass and frees what has long been idle.
    pub(crate) fn end_pass(&self) {
        let mut idle = locked(&self.idle);
        idle.pass += 1;
        let pass = idle.pass;
        idle.buffers.retain(|(_, since)| since + PATIENCE >= pass);
    }
}

struct Reclaim<'a>(&'a Buffers);

impl InplaceOp1 for Reclaim<'_> {
    fn name(&self) -> &'static str {
        "reclaim"
    }

    fn cpu_fwd(&self, storage: &mut CpuStorage, _: &Layout) -> Result<()> {
        if let CpuStorage::F32(data) = storage {
            self.0.give(std::mem::take(data));
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use candle_core::Device;

    use super::*;

    #[test]
    fn a_buffer_serves_again_where_it_fits() {
        let buffers = Buffers::default();
        let first = buffers.take(10_000);
        let place = first.as_ptr();
        buffers.give(first);
        let (larger, smaller) = (buffers.take(20_000), buffers.take(5_000));
        assert_ne!(larger.as_ptr(), place);
        assert_ne!(smaller.as_ptr(), place);
        let again = buffers.take(9_000);
        assert_eq!((again.as_ptr(), again.len()), (place, 9_000));
    }

    #[test]
    fn a_tensors_memory_comes_back() {
        let buffers = Buffers::default();
        let tensor = Tensor::from_vec(vec![1f32; 5_000], 5_000, &Device::Cpu).expect("fits");
        buffers.reclaim(&tensor).expect("in main memory");
        assert_eq!(buffers.take(5_000), vec![1.0; 5_000]);
    }

    #[test]
    fn what_stays_idle_is_freed() {
        let buffers = Buffers::default();
        buffers.give(vec![0.0; 5_000]);
        for _ in 0..=PATIENCE {
            assert_eq!(locked(&buffers.idle).buffers.len(), 1);
            buffers.end_pass();
        }
        assert_eq!(locked(&buffers.idle).buffers.len(), 0);
    }
}
