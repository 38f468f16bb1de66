//! What the machine could do at best, to hold the operators against.

use crate::cpu::dispatch::{self, Op, dispatch};
use crate::cpu::simd::{Simd, unroll};

/// Independent chains of multiply-adds: enough for the latency of each.
const CHAINS: usize = 12;

struct MultiplyAdds {
    rounds: usize,
}

impl Op for MultiplyAdds {
    type Out = (f64, f32);
    #[inline(always)]
    unsafe fn run<S: Simd>(self) -> (f64, f32) {
        // SAFETY: registers only, but for one vector written to an array that
        // holds the lanes of every path.
        unsafe {
            let (a, b) = (S::splat(0.5), S::splat(1.0));
            let mut chains = [a; CHAINS];
            for _ in 0..self.rounds {
                unroll!(i < CHAINS => { chains[i] = S::mul_add(chains[i], a, b); });
            }
            let mut sum = S::splat(0.0);
            unroll!(i < CHAINS => { sum = S::add(sum, chains[i]); });
            let mut lanes = [0.0f32; 16];
            S::store(lanes.as_mut_ptr(), sum);
            let operations = 2.0 * (self.rounds * CHAINS * S::LANES) as f64;
            (operations, lanes.iter().sum())
        }
    }
}

/// Multiplies and adds in registers, `rounds` times, on this thread alone.
///
/// The number of floating-point operations done, and a result that depends on
/// all of them, so that none can be left out.
pub fn multiply_adds(rounds: usize) -> (f64, f32) {
    // SAFETY: `MultiplyAdds` asks for nothing, `path` comes from `current`.
    unsafe { dispatch(dispatch::current(), MultiplyAdds { rounds }) }
}
