//! What a pickle can build: plain data, and what a dialect makes of calls.

use std::fmt::Debug;

use crate::error::PickleError;
use crate::machine::Machine;

/// A kind of file: the names that its pickles may use, and what their calls stand for.
pub trait Dialect: Sized + Debug {
    /// The functions and classes that may be named. They are recognised, never called.
    type Global: Copy + Debug + PartialEq;
    /// What stands in the arena for the outcome of a call.
    type Made<'a>: Debug;

    /// The closed list.
    fn resolve(module: &str, name: &str) -> Option<Self::Global>;

    /// Pushes one value: what the call of `callee` would give.
    ///
    /// # Errors
    /// Arguments that make no sense.
    fn call<'a>(
        machine: &mut Machine<'a, Self>,
        callee: Self::Global,
        arguments: &[ValueOf<'a, Self>],
    ) -> Result<(), PickleError>;

    /// What a persistent id (a reference to something outside the pickle) means.
    ///
    /// # Errors
    /// An id that makes no sense; all of them, where this is not overridden.
    fn persistent<'a>(
        machine: &mut Machine<'a, Self>,
        _id: ValueOf<'a, Self>,
    ) -> Result<(), PickleError> {
        Err(machine.malformed("a reference to something outside the pickle".to_owned()))
    }

    /// Gives the object at `target` its state (attributes, or what its class makes of it).
    ///
    /// # Errors
    /// A state that makes no sense; anything but the attributes of a dict, which are passed over,
    /// where this is not overridden.
    fn build<'a>(
        machine: &mut Machine<'a, Self>,
        target: ValueOf<'a, Self>,
        _state: ValueOf<'a, Self>,
    ) -> Result<(), PickleError> {
        match machine.object(target) {
            Some(Object::Dict(_)) => Ok(()),
            _ => Err(machine.malformed(format!("attributes for {}", target.kind()))),
        }
    }
}

/// Numbers, text, bytes, tuples, lists, dicts and sets; no names at all.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PlainData {}

impl Dialect for PlainData {
    type Global = Self;
    type Made<'a> = Self;

    fn resolve(_: &str, _: &str) -> Option<Self> {
        None
    }

    fn call<'a>(
        _: &mut Machine<'a, Self>,
        callee: Self,
        _: &[ValueOf<'a, Self>],
    ) -> Result<(), PickleError> {
        match callee {}
    }
}

/// A value of a dialect.
pub type ValueOf<'a, D> = Value<'a, <D as Dialect>::Global>;

/// An object of a dialect.
pub type ObjectOf<'a, D> = Object<'a, <D as Dialect>::Global, <D as Dialect>::Made<'a>>;

/// A value on the stack, in the memo or in a container; `G` is what names resolve to.
///
/// Containers lie in the arena of [`Pickle`](crate::Pickle) and are meant by index, as pickles
/// refer to them by identity. So values are small, copies are cheap, and however deep or cyclic the
/// nesting, nothing recurses: neither reading nor dropping.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Value<'a, G> {
    /// `None`.
    None,
    /// A truth value.
    Bool(bool),
    /// An integer within 64 bits.
    Int(i64),
    /// An integer beyond 64 bits.
    Long,
    /// A floating-point number.
    Float(f64),
    /// Text; of Python 2 also bytes that happen to be UTF-8.
    Str(&'a str),
    /// Bytes.
    Bytes(&'a [u8]),
    /// A function or class.
    Global(G),
    /// Index into the arena.
    Object(usize),
}

impl<'a, G> Value<'a, G> {
    /// The type, as error messages name it.
    pub fn kind(&self) -> &'static str {
        match self {
            Self::None => "None",
            Self::Bool(_) => "a bool",
            Self::Int(_) | Self::Long => "an integer",
            Self::Float(_) => "a float",
            Self::Str(_) => "a string",
            Self::Bytes(_) => "bytes",
            Self::Global(_) => "a function or class",
            Self::Object(_) => "a container or object",
        }
    }

    /// The bytes of a string of either kind: Python 2 has one type for both.
    pub fn bytes(&self) -> Option<&'a [u8]> {
        match self {
            Self::Str(text) => Some(text.as_bytes()),
            Self::Bytes(bytes) => Some(bytes),
            _ => None,
        }
    }
}

/// A container, or what a dialect made, in the arena.
#[derive(Debug)]
pub enum Object<'a, G, M> {
    /// A tuple.
    Tuple(Vec<Value<'a, G>>),
    /// A list.
    List(Vec<Value<'a, G>>),
    /// Entries in order of insertion; of equal keys the last counts.
    Dict(Vec<(Value<'a, G>, Value<'a, G>)>),
    /// A set or frozen set.
    Set(Vec<Value<'a, G>>),
    /// The outcome of a call.
    Made(M),
}
