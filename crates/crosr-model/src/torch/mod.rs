//! Checkpoints written by `torch.save`, read without PyTorch and without executing anything.

mod container;
mod error;
mod layout;
mod rebuild;
mod tensor;
mod value;

use std::collections::BTreeMap;
use std::path::Path;

use crosr_pickle::{Object, Pickle, Value, shortened};

use container::{Archive, Storages};
use layout::Layout;
use rebuild::Torch;
use value::{Made, TensorClaim};

pub use error::TorchError;
pub use tensor::{TorchDtype, TorchTensor};

/// Keys under which checkpoints keep the state dict, in order of preference.
const STATE_DICT_KEYS: [&str; 2] = ["model_state_dict", "state_dict"];
/// The prefix that `DataParallel` puts before every name.
const PARALLEL_PREFIX: &str = "module.";
/// Tensors may take this many times the bytes of their file: views may share storages ...
const MAX_EXPANSION: usize = 4;
/// ... and so many bytes more, since a stride of 0 repeats an element at no cost.
const MAX_EXTRA_BYTES: usize = 64 << 20;

/// A PyTorch checkpoint: the tensors of its state dict, and the numbers beside it.
///
/// Reads both containers of `torch.save`: the zip archive, and the one from before PyTorch 1.6.
/// The state dict may be the file itself, or stand under `model_state_dict` or `state_dict`. Where
/// all names begin with `module.` (`DataParallel`), that is dropped. Views are copied out, GPU
/// tensors are like any others.
///
/// A checkpoint is a pickle, a program that could call any function of Python. Here, names resolve
/// to a short closed list of what a state dict needs; everything else is refused by name. Sizes,
/// offsets and strides are checked before they are used, and the tensors together take at most
/// four times the size of the file plus 64 MiB.
///
/// ```no_run
/// # fn main() -> Result<(), crosr_model::TorchError> {
/// let checkpoint = crosr_model::TorchCheckpoint::read("dhr_net.pt".as_ref())?;
/// if let Some(weight) = checkpoint.tensors.get("conv1_1.weight") {
///     assert_eq!(weight.to_f32().len(), weight.n_elements());
/// }
/// let accuracy = checkpoint.scalars.get("val_acc");
/// # Ok(()) }
/// ```
///
/// Not here: writing checkpoints, TorchScript archives, whole pickled modules, optimiser state,
/// complex, quantised and sparse tensors.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct TorchCheckpoint {
    /// The tensors, by name.
    pub tensors: BTreeMap<String, TorchTensor>,
    /// The plain numbers at top level (`epoch`, `val_acc`), integers rounded to `f64`.
    pub scalars: BTreeMap<String, f64>,
}

impl TorchCheckpoint {
    /// Reads the file at `path`.
    ///
    /// # Errors
    /// [`TorchError::Io`] if it cannot be read; [`TorchError::File`] around any of
    /// [`from_bytes`](Self::from_bytes)'s errors.
    pub fn read(path: &Path) -> Result<Self, TorchError> {
        let bytes = std::fs::read(path).map_err(|source| TorchError::Io {
            path: path.to_owned(),
            source,
        })?;
        Self::from_bytes(&bytes).map_err(|error| TorchError::File {
            path: path.to_owned(),
            error: Box::new(error),
        })
    }

    /// Reads the content of a checkpoint file.
    ///
    /// # Errors
    /// Any [`TorchError`] but `Io` and `File`: foreign, damaged or cut short content, a pickle that
    /// wants more than plain data, tensors that lie about their storage, no state dict.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, TorchError> {
        if bytes.starts_with(b"PK") {
            let mut archive = Archive::open(bytes)?;
            let folder = archive.folder()?;
            let big_endian = archive.is_big_endian(&folder)?;
            let (record, pickle) = archive.pickle(&folder)?;
            let pickle =
                Pickle::read(&pickle, 0).map_err(|error| TorchError::of(error, &record))?;
            let storages = Storages::Zip {
                archive,
                folder,
                bytes_left: bytes.len(),
            };
            return assemble(&pickle, storages, big_endian, bytes.len());
        }
        match container::legacy(bytes)? {
            Some((pickle, storages)) => assemble(&pickle, storages, false, bytes.len()),
            None => Err(TorchError::Container {
                start: bytes[..bytes.len().min(8)].to_vec(),
            }),
        }
    }
}

/// Finds the state dict and copies its tensors out, storage by storage.
fn assemble(
    pickle: &Pickle<'_, Torch>,
    mut storages: Storages<'_>,
    big_endian: bool,
    file_bytes: usize,
) -> Result<TorchCheckpoint, TorchError> {
    let (claims, scalars) = state_dict(pickle)?;
    let strip = claims.keys().all(|name| name.starts_with(PARALLEL_PREFIX));

    let most = file_bytes
        .saturating_mul(MAX_EXPANSION)
        .saturating_add(MAX_EXTRA_BYTES);
    let mut left = most;
    let mut by_storage: BTreeMap<&str, Vec<_>> = BTreeMap::new();
    for (name, claim) in claims {
        let layout = Layout::check(name, claim)?;
        left = left
            .checked_sub(layout.n_bytes)
            .ok_or_else(|| TorchError::Tensor {
                tensor: shortened(name),
                what: format!(
                    "with it the tensors take more than {most} bytes, too many for a file of \
                 {file_bytes}; save them with clone()"
                ),
            })?;
        by_storage
            .entry(claim.storage.key)
            .or_default()
            .push((name, claim, layout));
    }

    let mut tensors = BTreeMap::new();
    for views in by_storage.into_values() {
        // Equal keys mean one storage, whatever each view claims of its size: the largest counts.
        let Some((_, widest, layout)) = views.iter().max_by_key(|view| view.2.storage_bytes) else {
            continue;
        };
        let storage = storages.read(&widest.storage, layout.storage_bytes)?;
        for (name, claim, layout) in views {
            let name = if strip {
                &name[PARALLEL_PREFIX.len()..]
            } else {
                name
            };
            tensors.insert(name.to_owned(), layout.gather(claim, &storage, big_endian));
        }
    }
    Ok(TorchCheckpoint { tensors, scalars })
}

type StateDict<'p, 'a> = (
    BTreeMap<&'a str, &'p TensorClaim<'a>>,
    BTreeMap<String, f64>,
);

/// The tensors of the state dict and the numbers at top level.
fn state_dict<'p, 'a>(pickle: &'p Pickle<'a, Torch>) -> Result<StateDict<'p, 'a>, TorchError> {
    let no_state_dict = |found: String| TorchError::NoStateDict { found };
    let Some(top) = pickle.dict(pickle.root) else {
        return Err(no_state_dict(pickle.root.kind().to_owned()));
    };
    let nested = STATE_DICT_KEYS.iter().find_map(|wanted| {
        // Of equal keys the last counts.
        let entry = top
            .iter()
            .rev()
            .find(|entry| matches!(entry.0, Value::Str(k) if k == *wanted));
        pickle.dict(entry?.1)
    });

    let mut tensors = BTreeMap::new();
    for (key, value) in nested.unwrap_or(top) {
        let Value::Str(name) = *key else { continue };
        match pickle.object(*value) {
            Some(Object::Made(Made::Tensor(claim))) => {
                tensors.insert(name, &**claim);
            }
            // A state dict is flat: what is nested in one is weights of a kind unknown here.
            Some(_) if nested.is_some() => {
                return Err(TorchError::Tensor {
                    tensor: shortened(name),
                    what: "a container, where the state dict should have a tensor".to_owned(),
                });
            }
            // Something else; if it replaces a tensor of the same name, that is gone.
            _ => {
                tensors.remove(name);
            }
        }
    }
    if tensors.is_empty() {
        const MOST: usize = 8;
        let keys: Vec<String> = top
            .iter()
            .take(MOST)
            .map(|(key, _)| match key {
                Value::Str(name) => format!("{:?}", shortened(name)),
                other => other.kind().to_owned(),
            })
            .collect();
        let more = if top.len() > MOST { ", ..." } else { "" };
        return Err(no_state_dict(format!(
            "a dict of [{}{more}]",
            keys.join(", ")
        )));
    }

    let mut scalars = BTreeMap::new();
    for (key, value) in top {
        let Value::Str(name) = *key else { continue };
        match value {
            Value::Int(number) => scalars.insert(name.to_owned(), *number as f64),
            Value::Float(number) => scalars.insert(name.to_owned(), *number),
            _ => scalars.remove(name),
        };
    }
    Ok((tensors, scalars))
}
