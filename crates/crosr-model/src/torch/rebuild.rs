//! The arguments of the calls that a pickle may make.

use super::error::TorchError;
use super::pickle::Machine;
use super::tensor::TorchDtype;
use super::value::{Global, Object, StorageClaim, TensorClaim, Value};

/// Most dimensions of a tensor, as in PyTorch.
const MAX_DIMENSIONS: usize = 64;

/// A persistent id: `('storage', class, key, location, n_elements)`, and before PyTorch 1.6 a view
/// `(key, offset, n_elements)` or `None` behind it. The location (`cpu`, `cuda:0`) is passed over.
pub(super) fn storage<'a>(
    machine: &Machine<'_, 'a>,
    id: Value<'a>,
) -> Result<StorageClaim<'a>, TorchError> {
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
pub(super) fn tensor<'a>(
    machine: &Machine<'_, 'a>,
    arguments: &[Value<'a>],
    dtype: Option<TorchDtype>,
) -> Result<TensorClaim<'a>, TorchError> {
    let [storage, Value::Int(offset), shape, stride, ..] = arguments else {
        return Err(machine.malformed("a tensor without storage, offset, shape, stride".to_owned()));
    };
    let Some(Object::Storage(storage)) = machine.object(*storage) else {
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

fn integers<'a>(machine: &Machine<'_, 'a>, value: Value<'a>) -> Result<Vec<i64>, TorchError> {
    let items = machine.sequence(value)?;
    if items.len() > MAX_DIMENSIONS {
        return Err(machine.malformed(format!(
            "a tensor of {} dimensions, {MAX_DIMENSIONS} are the most",
            items.len()
        )));
    }
    let integer = |item: &Value<'a>| match item {
        Value::Int(number) => Ok(*number),
        _ => Err(machine.malformed(format!("{} as an extent of a tensor", item.kind()))),
    };
    items.iter().map(integer).collect()
}

/// The argument of `OrderedDict` or `Counter`: nothing, a dict, or a list of pairs (Python 2).
pub(super) fn dict_entries<'a>(
    machine: &Machine<'_, 'a>,
    arguments: &[Value<'a>],
) -> Result<Vec<(Value<'a>, Value<'a>)>, TorchError> {
    let Some(argument) = arguments.first() else {
        return Ok(Vec::new());
    };
    if let Some(Object::Dict(entries)) = machine.object(*argument) {
        return Ok(entries.clone());
    }
    let pair = |item: &Value<'a>| match machine.sequence(*item)? {
        [key, value] => Ok((*key, *value)),
        _ => Err(machine.malformed("a dict entry that is no pair".to_owned())),
    };
    machine.sequence(*argument)?.iter().map(pair).collect()
}
