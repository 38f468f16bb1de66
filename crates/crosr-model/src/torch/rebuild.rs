//! The calls that the pickle of a checkpoint may make.

use crosr_pickle::{Dialect, Entry, Machine, Object, PickleError, Value, ValueOf};

use super::tensor::TorchDtype;
use super::value::{Global, Made, StorageClaim, TensorClaim};

/// Most dimensions of a tensor, as in PyTorch.
const MAX_DIMENSIONS: usize = 64;

/// The pickles of `torch.save`.
#[derive(Clone, Copy, Debug)]
pub(super) enum Torch {}

impl Dialect for Torch {
    type Global = Global;
    type Made<'a> = Made<'a>;

    fn resolve(module: &str, name: &str) -> Option<Global> {
        Global::resolve(module, name)
    }

    fn call<'a>(
        machine: &mut Machine<'a, Self>,
        callee: Global,
        arguments: &[ValueOf<'a, Self>],
    ) -> Result<(), PickleError> {
        match callee {
            Global::OrderedDict | Global::Counter => {
                let entries = dict_entries(machine, arguments)?;
                machine.push_dict(entries)
            }
            Global::RebuildTensor => push_tensor(machine, arguments, None),
            Global::RebuildTensorV3 => match arguments.get(6) {
                Some(Value::Global(Global::Dtype(dtype))) => {
                    push_tensor(machine, arguments, Some(*dtype))
                }
                _ => Err(machine.malformed("_rebuild_tensor_v3 without a dtype".to_owned())),
            },
            Global::RebuildParameter => match arguments.first() {
                Some(tensor)
                    if matches!(machine.object(*tensor), Some(Object::Made(Made::Tensor(_)))) =>
                {
                    machine.push(*tensor);
                    Ok(())
                }
                _ => Err(machine.malformed("a parameter without a tensor".to_owned())),
            },
            Global::Size => match arguments.first() {
                // A tuple cannot change, so the argument itself will do.
                Some(items) => {
                    machine.tuple_items(*items)?;
                    machine.push(*items);
                    Ok(())
                }
                None => machine.push_tuple(Vec::new()),
            },
            Global::Device => {
                machine.push_made(Made::Device);
                Ok(())
            }
            Global::Storage(_) | Global::Dtype(_) => {
                Err(machine.malformed(format!("{callee:?} is called")))
            }
        }
    }

    fn persistent<'a>(
        machine: &mut Machine<'a, Self>,
        id: ValueOf<'a, Self>,
    ) -> Result<(), PickleError> {
        let claim = storage(machine, id)?;
        machine.push_made(Made::Storage(claim));
        Ok(())
    }
}

fn push_tensor<'a>(
    machine: &mut Machine<'a, Torch>,
    arguments: &[ValueOf<'a, Torch>],
    dtype: Option<TorchDtype>,
) -> Result<(), PickleError> {
    let claim = tensor(machine, arguments, dtype)?;
    machine.charge(1 + claim.shape.len() + claim.stride.len())?;
    machine.push_made(Made::Tensor(Box::new(claim)));
    Ok(())
}

/// A persistent id: `('storage', class, key, location, n_elements)`, and before PyTorch 1.6 a view
/// `(key, offset, n_elements)` or `None` behind it. The location (`cpu`, `cuda:0`) is passed over.
fn storage<'a>(
    machine: &Machine<'a, Torch>,
    id: ValueOf<'a, Torch>,
) -> Result<StorageClaim<'a>, PickleError> {
    let (claim, view) = match machine.tuple_items(id)? {
        [
            Value::Str("storage"),
            Value::Global(Global::Storage(dtype)),
            Value::Str(key),
            _location,
            Value::Int(n_elements),
            view @ ..,
        ] => (
            StorageClaim {
                key,
                dtype: *dtype,
                n_elements: *n_elements,
                view_offset: 0,
            },
            view,
        ),
        _ => return Err(machine.malformed("a persistent id that is no storage".to_owned())),
    };
    match view {
        [] | [Value::None] => Ok(claim),
        [view] => match machine.tuple_items(*view)? {
            [_key, Value::Int(offset), Value::Int(_)] => Ok(StorageClaim {
                view_offset: *offset,
                ..claim
            }),
            _ => Err(machine.malformed("a storage view without key, offset, size".to_owned())),
        },
        _ => Err(machine.malformed("a storage with too many fields".to_owned())),
    }
}

/// The arguments of `_rebuild_tensor` and its later versions: `(storage, offset, size, stride,
/// ...)`. What follows (gradients, hooks) is passed over, but for the `dtype` of version 3.
fn tensor<'a>(
    machine: &Machine<'a, Torch>,
    arguments: &[ValueOf<'a, Torch>],
    dtype: Option<TorchDtype>,
) -> Result<TensorClaim<'a>, PickleError> {
    let [storage, Value::Int(offset), shape, stride, ..] = arguments else {
        return Err(machine.malformed("a tensor without storage, offset, shape, stride".to_owned()));
    };
    let Some(Object::Made(Made::Storage(storage))) = machine.object(*storage) else {
        return Err(machine.malformed("a tensor without storage".to_owned()));
    };
    Ok(TensorClaim {
        storage: *storage,
        dtype: dtype.unwrap_or(storage.dtype),
        offset: *offset,
        shape: integers(machine, *shape)?,
        stride: integers(machine, *stride)?,
    })
}

fn integers<'a>(
    machine: &Machine<'a, Torch>,
    value: ValueOf<'a, Torch>,
) -> Result<Vec<i64>, PickleError> {
    let items = machine.sequence(value)?;
    if items.len() > MAX_DIMENSIONS {
        return Err(machine.malformed(format!(
            "a tensor of {} dimensions, {MAX_DIMENSIONS} are the most",
            items.len()
        )));
    }
    let integer = |item: &ValueOf<'a, Torch>| match item {
        Value::Int(number) => Ok(*number),
        _ => Err(machine.malformed(format!("{} as an extent of a tensor", item.kind()))),
    };
    items.iter().map(integer).collect()
}

/// The argument of `OrderedDict` or `Counter`: nothing, a dict, or a list of pairs (Python 2).
fn dict_entries<'a>(
    machine: &Machine<'a, Torch>,
    arguments: &[ValueOf<'a, Torch>],
) -> Result<Vec<Entry<'a, Torch>>, PickleError> {
    let Some(argument) = arguments.first() else {
        return Ok(Vec::new());
    };
    if let Some(Object::Dict(entries)) = machine.object(*argument) {
        return Ok(entries.clone());
    }
    let pair = |item: &ValueOf<'a, Torch>| match machine.sequence(*item)? {
        [key, value] => Ok((*key, *value)),
        _ => Err(machine.malformed("a dict entry that is no pair".to_owned())),
    };
    machine.sequence(*argument)?.iter().map(pair).collect()
}
