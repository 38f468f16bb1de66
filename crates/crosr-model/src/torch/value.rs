//! What a pickle can build here beside plain data: storages and tensors.

use super::tensor::TorchDtype;

/// The functions and classes that a pickle may name. They are recognised, never called.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Global {
    /// `collections.OrderedDict`.
    OrderedDict,
    /// `collections.Counter`: milestones in a learning-rate scheduler's state.
    Counter,
    /// `torch._utils._rebuild_tensor` and `_rebuild_tensor_v2`.
    RebuildTensor,
    /// `torch._utils._rebuild_tensor_v3`: the number format is an argument of its own.
    RebuildTensorV3,
    /// `torch._utils._rebuild_parameter` and `_rebuild_parameter_with_state`.
    RebuildParameter,
    /// `torch.FloatStorage` and its like; `U8` for `torch.storage.UntypedStorage`.
    Storage(TorchDtype),
    /// `torch.float32` and its like.
    Dtype(TorchDtype),
    /// `torch.Size`.
    Size,
    /// `torch.device`.
    Device,
}

impl Global {
    /// The closed list.
    pub(super) fn resolve(module: &str, name: &str) -> Option<Self> {
        Some(match (module, name) {
            ("collections", "OrderedDict") => Self::OrderedDict,
            ("collections", "Counter") => Self::Counter,
            ("torch._utils", "_rebuild_tensor" | "_rebuild_tensor_v2") => Self::RebuildTensor,
            ("torch._utils", "_rebuild_tensor_v3") => Self::RebuildTensorV3,
            ("torch._utils", "_rebuild_parameter" | "_rebuild_parameter_with_state") => {
                Self::RebuildParameter
            }
            ("torch" | "torch.storage", "UntypedStorage") => Self::Storage(TorchDtype::U8),
            ("torch", "Size") => Self::Size,
            ("torch", "device") => Self::Device,
            // Old files name the GPU's storage classes; the numbers are the same.
            ("torch" | "torch.cuda", _) if name.ends_with("Storage") => {
                Self::Storage(TorchDtype::of_storage(name)?)
            }
            ("torch", _) => Self::Dtype(TorchDtype::of_name(name)?),
            _ => return None,
        })
    }
}

/// A storage as the pickle claims it to be.
#[derive(Clone, Copy, Debug)]
pub(super) struct StorageClaim<'a> {
    pub(super) key: &'a str,
    pub(super) dtype: TorchDtype,
    /// Number of elements.
    pub(super) n_elements: i64,
    /// Where a view of the storage begins, in elements; 0 but in files before PyTorch 0.4.
    pub(super) view_offset: i64,
}

/// A tensor as the pickle claims it to be; nothing is checked yet.
#[derive(Debug)]
pub(super) struct TensorClaim<'a> {
    pub(super) storage: StorageClaim<'a>,
    pub(super) dtype: TorchDtype,
    /// In elements, as the strides are.
    pub(super) offset: i64,
    pub(super) shape: Vec<i64>,
    pub(super) stride: Vec<i64>,
}

/// What the calls of a state dict make.
#[derive(Debug)]
pub(super) enum Made<'a> {
    Storage(StorageClaim<'a>),
    Tensor(Box<TensorClaim<'a>>),
    /// A `torch.device`: of no use here.
    Device,
}
