//! From offset, shape and strides in a storage to contiguous numbers.

use crosr_pickle::shortened;

use super::error::TorchError;
use super::tensor::TorchTensor;
use super::value::TensorClaim;

/// A tensor's place in its storage, checked to lie within it.
#[derive(Debug)]
pub(super) struct Layout {
    shape: Vec<usize>,
    /// In elements.
    stride: Vec<usize>,
    /// In elements.
    offset: usize,
    n_elements: usize,
    /// Bytes of the storage, as claimed.
    pub(super) storage_bytes: usize,
    /// Bytes of the contiguous copy.
    pub(super) n_bytes: usize,
}

impl Layout {
    /// Checks a claim. The element at (i_1, ..., i_d) lies at offset + sum i_k stride_k, so the
    /// last one at offset + sum (shape_k - 1) stride_k, which must be within the storage.
    pub(super) fn check(name: &str, claim: &TensorClaim<'_>) -> Result<Self, TorchError> {
        let wrong = |what: String| TorchError::Tensor {
            tensor: shortened(name),
            what,
        };
        let negative = || wrong("a negative offset, extent, stride or size".to_owned());
        let too_large = || {
            wrong(format!(
                "shape {:?}, strides {:?}: more than can be counted",
                claim.shape, claim.stride
            ))
        };
        if claim.shape.len() != claim.stride.len() {
            return Err(wrong(format!(
                "{} extents and {} strides",
                claim.shape.len(),
                claim.stride.len()
            )));
        }
        let natural = |number: &i64| usize::try_from(*number).map_err(|_| negative());
        let shape = claim
            .shape
            .iter()
            .map(natural)
            .collect::<Result<Vec<_>, _>>()?;
        let mut stride = claim
            .stride
            .iter()
            .map(natural)
            .collect::<Result<Vec<_>, _>>()?;
        // A stride along an extent of 1 is never taken and may be anything.
        stride
            .iter_mut()
            .zip(&shape)
            .filter(|(_, n)| **n == 1)
            .for_each(|(step, _)| *step = 0);
        let offset = natural(&claim.offset)?
            .checked_add(natural(&claim.storage.view_offset)?)
            .ok_or_else(too_large)?;
        let storage_bytes = natural(&claim.storage.n_elements)?
            .checked_mul(claim.storage.dtype.size())
            .ok_or_else(too_large)?;

        let n_elements = if shape.contains(&0) {
            0
        } else {
            let product = shape
                .iter()
                .try_fold(1_usize, |product, n| product.checked_mul(*n));
            product.ok_or_else(too_large)?
        };
        let n_bytes = n_elements
            .checked_mul(claim.dtype.size())
            .ok_or_else(too_large)?;
        if n_elements > 0 {
            let last = shape
                .iter()
                .zip(&stride)
                .try_fold(offset, |last, (n, step)| {
                    last.checked_add((n - 1).checked_mul(*step)?)
                })
                .ok_or_else(too_large)?;
            let available = storage_bytes / claim.dtype.size();
            if last >= available {
                return Err(wrong(format!(
                    "shape {shape:?}, strides {stride:?}, offset {offset} reach element {last} of \
                     storage {:?}, which has {available}",
                    shortened(claim.storage.key)
                )));
            }
        }
        Ok(Self {
            shape,
            stride,
            offset,
            n_elements,
            storage_bytes,
            n_bytes,
        })
    }

    /// Copies the tensor out of its storage, which holds at least `storage_bytes`.
    pub(super) fn gather(
        self,
        claim: &TensorClaim<'_>,
        storage: &[u8],
        big_endian: bool,
    ) -> TorchTensor {
        let size = claim.dtype.size();
        let mut data = Vec::with_capacity(self.n_bytes);
        // How many of the innermost dimensions are contiguous, and the elements of such a run.
        let mut run = 1;
        let mut n_outer = self.shape.len();
        while n_outer > 0 && (self.stride[n_outer - 1] == run || self.shape[n_outer - 1] == 1) {
            n_outer -= 1;
            run *= self.shape[n_outer];
        }
        if self.n_elements > 0 {
            let mut index = vec![0; n_outer];
            let mut position = self.offset;
            loop {
                data.extend_from_slice(&storage[position * size..(position + run) * size]);
                // The next index, as an odometer turns.
                let mut axis = n_outer;
                loop {
                    if axis == 0 {
                        return self.tensor(claim, data, big_endian);
                    }
                    axis -= 1;
                    index[axis] += 1;
                    position += self.stride[axis];
                    if index[axis] < self.shape[axis] {
                        break;
                    }
                    position -= self.shape[axis] * self.stride[axis];
                    index[axis] = 0;
                }
            }
        }
        self.tensor(claim, data, big_endian)
    }

    fn tensor(self, claim: &TensorClaim<'_>, mut data: Vec<u8>, big_endian: bool) -> TorchTensor {
        if big_endian {
            data.chunks_exact_mut(claim.dtype.size())
                .for_each(<[u8]>::reverse);
        }
        TorchTensor::new(claim.dtype, self.shape, data)
    }
}
