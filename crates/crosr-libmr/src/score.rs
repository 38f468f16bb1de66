//! The number types that scores come in.

/// A score: `f64` or `f32`. Sealed; every `f32` is taken at its exact value.
pub trait Score: Copy + Send + Sync + private::Kernel {
    /// The same number as a double.
    fn to_f64(self) -> f64;
    /// The nearest number of this type.
    fn from_f64(value: f64) -> Self;
}

impl Score for f64 {
    #[inline(always)]
    fn to_f64(self) -> f64 {
        self
    }

    #[inline(always)]
    fn from_f64(value: f64) -> Self {
        value
    }
}

impl Score for f32 {
    #[inline(always)]
    fn to_f64(self) -> f64 {
        f64::from(self)
    }

    #[inline(always)]
    fn from_f64(value: f64) -> Self {
        value as f32
    }
}

mod private {
    use crate::w_scores::{Coefficients, doubles_block, singles_block};

    /// Seals [`super::Score`], and picks the loop for the number type.
    #[expect(private_interfaces, reason = "nobody outside can name the trait")]
    pub trait Kernel: Sized {
        fn w_block<const N: usize>(
            with: Coefficients,
            scores: &[Self; N],
            out: &mut [Self; N],
        ) -> bool;
    }

    #[expect(private_interfaces, reason = "nobody outside can name the trait")]
    impl Kernel for f64 {
        #[inline(always)]
        fn w_block<const N: usize>(
            with: Coefficients,
            scores: &[f64; N],
            out: &mut [f64; N],
        ) -> bool {
            doubles_block(with, scores, out)
        }
    }

    #[expect(private_interfaces, reason = "nobody outside can name the trait")]
    impl Kernel for f32 {
        #[inline(always)]
        fn w_block<const N: usize>(
            with: Coefficients,
            scores: &[f32; N],
            out: &mut [f32; N],
        ) -> bool {
            singles_block(with, scores, out)
        }
    }
}
