//! Pickled dicts with NumPy arrays of bytes in them, as Python's CIFAR files are. Nothing is
//! executed; see crosr-pickle.

use std::path::Path;

use crosr_pickle::{Dialect, Machine, Object, Pickle, PickleError, Value, ValueOf};

use super::malformed;
use crate::error::Result;

/// Pickles of NumPy arrays.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Numpy {}

/// What such a pickle may name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Name {
    /// `numpy.core.multiarray._reconstruct`: makes an empty array.
    Reconstruct,
    /// `numpy.core.numeric._frombuffer`: makes an array of bytes given to it (protocol 5).
    FromBuffer,
    /// `numpy.ndarray`, its argument.
    Array,
    /// `numpy.dtype`.
    Dtype,
}

/// What its calls make.
#[derive(Debug)]
pub(crate) enum Made<'a> {
    /// An array; its content comes as its state.
    Array(Option<ByteArray<'a>>),
    /// A type of numbers: whether it is that of bytes.
    Dtype(bool),
}

/// An array of bytes in C order.
#[derive(Clone, Debug)]
pub(crate) struct ByteArray<'a> {
    pub(crate) shape: Vec<i64>,
    pub(crate) values: &'a [u8],
}

impl Dialect for Numpy {
    type Global = Name;
    type Made<'a> = Made<'a>;

    fn resolve(module: &str, name: &str) -> Option<Name> {
        Some(match (module, name) {
            ("numpy.core.multiarray" | "numpy._core.multiarray", "_reconstruct") => {
                Name::Reconstruct
            }
            ("numpy.core.numeric" | "numpy._core.numeric", "_frombuffer") => Name::FromBuffer,
            ("numpy", "ndarray") => Name::Array,
            ("numpy", "dtype") => Name::Dtype,
            _ => return None,
        })
    }

    fn call<'a>(
        machine: &mut Machine<'a, Self>,
        callee: Name,
        arguments: &[ValueOf<'a, Self>],
    ) -> Result<(), PickleError> {
        let made = match callee {
            Name::Reconstruct => Made::Array(None),
            Name::FromBuffer => match *arguments {
                [bytes, dtype, shape, Value::Str("C")] => {
                    Made::Array(Some(array(machine, shape, dtype, bytes)?))
                }
                _ => return Err(machine.malformed("an array of another order".to_owned())),
            },
            Name::Dtype => Made::Dtype(matches!(arguments.first(), Some(Value::Str("u1")))),
            Name::Array => return Err(machine.malformed("numpy.ndarray is called".to_owned())),
        };
        machine.push_made(made);
        Ok(())
    }

    /// An array's state is `(version, shape, dtype, whether columns come first, bytes)`.
    fn build<'a>(
        machine: &mut Machine<'a, Self>,
        target: ValueOf<'a, Self>,
        state: ValueOf<'a, Self>,
    ) -> Result<(), PickleError> {
        match machine.object(target) {
            Some(Object::Made(Made::Dtype(_))) => return Ok(()),
            Some(Object::Made(Made::Array(_))) => {}
            _ => return Err(machine.malformed(format!("a state for {}", target.kind()))),
        }
        let &[_version, shape, dtype, Value::Bool(false), bytes] = machine.tuple_items(state)?
        else {
            return Err(machine.malformed("an array's state of another form".to_owned()));
        };
        let content = array(machine, shape, dtype, bytes)?;
        if let Some(Made::Array(array)) = machine.made_mut(target) {
            *array = Some(content);
        }
        Ok(())
    }
}

/// An array, its parts checked against each other.
fn array<'a>(
    machine: &Machine<'a, Numpy>,
    shape: ValueOf<'a, Numpy>,
    dtype: ValueOf<'a, Numpy>,
    bytes: ValueOf<'a, Numpy>,
) -> Result<ByteArray<'a>, PickleError> {
    let Some(Object::Made(Made::Dtype(true))) = machine.object(dtype) else {
        return Err(machine.malformed("an array of other numbers than bytes".to_owned()));
    };
    let Some(values) = bytes.bytes() else {
        return Err(machine.malformed(format!("{} as an array's bytes", bytes.kind())));
    };
    let mut extents = Vec::new();
    for extent in machine.tuple_items(shape)? {
        match extent {
            Value::Int(extent @ 0..) if extents.len() < 8 => extents.push(*extent),
            _ => return Err(machine.malformed("a shape that makes no sense".to_owned())),
        }
    }
    let count = extents
        .iter()
        .try_fold(1i64, |count, &extent| count.checked_mul(extent));
    if count.and_then(|count| usize::try_from(count).ok()) != Some(values.len()) {
        let found = values.len();
        return Err(machine.malformed(format!("{found} bytes for an array of {extents:?}")));
    }
    Ok(ByteArray {
        shape: extents,
        values,
    })
}

/// A pickled dict; `path` is named in errors.
pub(crate) struct PickledDict<'a> {
    pickle: Pickle<'a, Numpy>,
    path: &'a Path,
}

impl<'a> PickledDict<'a> {
    /// # Errors
    /// Whatever is wrong with the pickle.
    pub(crate) fn read(bytes: &'a [u8], path: &'a Path) -> Result<Self> {
        let pickle = Pickle::read(bytes, 0).map_err(|error| malformed(path, error.to_string()))?;
        if pickle.dict(pickle.root).is_none() {
            let kind = pickle.root.kind();
            return Err(malformed(path, format!("a dict is expected, {kind} found")));
        }
        Ok(Self { pickle, path })
    }

    /// The array of bytes under a key.
    ///
    /// # Errors
    /// Where there is none.
    pub(crate) fn array(&self, key: &str) -> Result<ByteArray<'a>> {
        let value = self.pickle.get(self.pickle.root, key);
        match value.and_then(|value| self.pickle.object(value)) {
            Some(Object::Made(Made::Array(Some(array)))) => Ok(array.clone()),
            _ => Err(malformed(
                self.path,
                format!("no array of bytes under {key:?}"),
            )),
        }
    }

    /// The list of small integers under a key.
    ///
    /// # Errors
    /// Where there is none.
    pub(crate) fn bytes(&self, key: &str) -> Result<Vec<u8>> {
        let value = self.pickle.get(self.pickle.root, key);
        let Some(Object::List(items)) = value.and_then(|value| self.pickle.object(value)) else {
            return Err(malformed(self.path, format!("no list under {key:?}")));
        };
        let byte = |item: &ValueOf<'a, Numpy>| match item {
            Value::Int(number) => u8::try_from(*number).ok(),
            _ => None,
        };
        let bytes: Option<Vec<u8>> = items.iter().map(byte).collect();
        bytes.ok_or_else(|| {
            malformed(
                self.path,
                format!("{key:?} holds other things than small numbers"),
            )
        })
    }
}
