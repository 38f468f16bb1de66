//! Tensors as a checkpoint holds them.

use half::{bf16, f16};

/// Number format of a [`TorchTensor`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum TorchDtype {
    /// `torch.float64`.
    F64,
    /// `torch.float32`.
    F32,
    /// `torch.float16`.
    F16,
    /// `torch.bfloat16`.
    Bf16,
    /// `torch.int64`.
    I64,
    /// `torch.int32`.
    I32,
    /// `torch.int16`.
    I16,
    /// `torch.int8`.
    I8,
    /// `torch.uint8`.
    U8,
    /// `torch.bool`, one byte each.
    Bool,
}

impl TorchDtype {
    /// Bytes of one element.
    #[must_use]
    pub fn size(self) -> usize {
        match self {
            Self::F64 | Self::I64 => 8,
            Self::F32 | Self::I32 => 4,
            Self::F16 | Self::Bf16 | Self::I16 => 2,
            Self::I8 | Self::U8 | Self::Bool => 1,
        }
    }

    /// Whether elements are floating-point numbers.
    #[must_use]
    pub fn is_float(self) -> bool {
        matches!(self, Self::F64 | Self::F32 | Self::F16 | Self::Bf16)
    }

    /// The format that the class `name` of module `torch` stores, such as `FloatStorage`.
    pub(super) fn of_storage(name: &str) -> Option<Self> {
        Some(match name {
            "DoubleStorage" => Self::F64,
            "FloatStorage" => Self::F32,
            "HalfStorage" => Self::F16,
            "BFloat16Storage" => Self::Bf16,
            "LongStorage" => Self::I64,
            "IntStorage" => Self::I32,
            "ShortStorage" => Self::I16,
            "CharStorage" => Self::I8,
            "ByteStorage" => Self::U8,
            "BoolStorage" => Self::Bool,
            _ => return None,
        })
    }

    /// The format named `name` in module `torch`, such as `float32`.
    pub(super) fn of_name(name: &str) -> Option<Self> {
        Some(match name {
            "float64" => Self::F64,
            "float32" => Self::F32,
            "float16" => Self::F16,
            "bfloat16" => Self::Bf16,
            "int64" => Self::I64,
            "int32" => Self::I32,
            "int16" => Self::I16,
            "int8" => Self::I8,
            "uint8" => Self::U8,
            "bool" => Self::Bool,
            _ => return None,
        })
    }
}

/// A tensor of a checkpoint, with its own contiguous copy of the numbers.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct TorchTensor {
    /// Number format.
    pub dtype: TorchDtype,
    /// Extents, outermost first; empty for a scalar.
    pub shape: Vec<usize>,
    /// Elements in row-major order, little-endian.
    data: Vec<u8>,
}

/// Applies `$convert` to every element, whatever the format; the closure sees the native number.
macro_rules! map_elements {
    ($tensor:expr, |$x:ident| $convert:expr) => {
        match $tensor.dtype {
            TorchDtype::F64 => $tensor
                .elements(f64::from_le_bytes)
                .map(|$x| $convert)
                .collect(),
            TorchDtype::F32 => $tensor
                .elements(f32::from_le_bytes)
                .map(|$x| $convert)
                .collect(),
            TorchDtype::F16 => $tensor
                .elements(|b| f16::from_le_bytes(b).to_f32())
                .map(|$x| $convert)
                .collect(),
            TorchDtype::Bf16 => $tensor
                .elements(|b| bf16::from_le_bytes(b).to_f32())
                .map(|$x| $convert)
                .collect(),
            TorchDtype::I64 => $tensor
                .elements(i64::from_le_bytes)
                .map(|$x| $convert)
                .collect(),
            TorchDtype::I32 => $tensor
                .elements(i32::from_le_bytes)
                .map(|$x| $convert)
                .collect(),
            TorchDtype::I16 => $tensor
                .elements(i16::from_le_bytes)
                .map(|$x| $convert)
                .collect(),
            TorchDtype::I8 => $tensor
                .elements(i8::from_le_bytes)
                .map(|$x| $convert)
                .collect(),
            TorchDtype::U8 => $tensor
                .elements(u8::from_le_bytes)
                .map(|$x| $convert)
                .collect(),
            TorchDtype::Bool => $tensor
                .elements(|[b]: [u8; 1]| u8::from(b != 0))
                .map(|$x| $convert)
                .collect(),
        }
    };
}

impl TorchTensor {
    /// `data` has as many elements as `shape` says.
    pub(super) fn new(dtype: TorchDtype, shape: Vec<usize>, data: Vec<u8>) -> Self {
        debug_assert_eq!(shape.iter().product::<usize>() * dtype.size(), data.len());
        Self { dtype, shape, data }
    }

    /// Number of elements; 1 for a scalar.
    #[must_use]
    pub fn n_elements(&self) -> usize {
        self.data.len() / self.dtype.size()
    }

    /// The elements in row-major order as little-endian bytes.
    #[must_use]
    pub fn data(&self) -> &[u8] {
        &self.data
    }

    /// [`data`](Self::data), moved out.
    #[must_use]
    pub fn into_data(self) -> Vec<u8> {
        self.data
    }

    /// The elements in row-major order, rounded to the nearest `f32`; exact for `F32`, `F16`,
    /// `Bf16`, for integers up to 2^24 and for booleans (0 and 1).
    #[must_use]
    #[allow(clippy::cast_lossless)]
    pub fn to_f32(&self) -> Vec<f32> {
        map_elements!(self, |x| x as f32)
    }

    /// The elements in row-major order as `f64`; exact but for integers beyond 2^53.
    #[must_use]
    #[allow(clippy::cast_lossless)]
    pub fn to_f64(&self) -> Vec<f64> {
        map_elements!(self, |x| x as f64)
    }

    /// The elements in row-major order as integers, booleans as 0 and 1; `None` for a
    /// floating-point tensor, which would lose its fractions.
    #[must_use]
    #[allow(clippy::cast_lossless)]
    pub fn to_i64(&self) -> Option<Vec<i64>> {
        if self.dtype.is_float() {
            return None;
        }
        Some(map_elements!(self, |x| x as i64))
    }

    fn elements<const N: usize, T>(
        &self,
        decode: impl Fn([u8; N]) -> T,
    ) -> impl Iterator<Item = T> {
        let (chunks, _) = self.data.as_chunks::<N>();
        chunks.iter().map(move |chunk| decode(*chunk))
    }
}
