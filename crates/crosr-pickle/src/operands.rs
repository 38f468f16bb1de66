//! The machine's stack, and the operands that follow an opcode.

use crate::error::PickleError;
use crate::machine::{Machine, Step};
use crate::value::{Dialect, Object, ObjectOf, Value, ValueOf};

impl<'a, D: Dialect> Machine<'a, D> {
    // Stack.

    pub(crate) fn floor(&self) -> usize {
        self.marks.last().copied().unwrap_or(0)
    }

    pub(crate) fn top(&self) -> Step<ValueOf<'a, D>> {
        match self.stack.last() {
            Some(value) if self.stack.len() > self.floor() => Ok(*value),
            _ => Err(self.underflow()),
        }
    }

    pub(crate) fn pop(&mut self) -> Step<ValueOf<'a, D>> {
        let value = self.top()?;
        self.stack.pop();
        Ok(value)
    }

    pub(crate) fn pop_many(&mut self, n: usize) -> Step<Vec<ValueOf<'a, D>>> {
        if self.stack.len() - self.floor() < n {
            return Err(self.underflow());
        }
        // Not `split_off`, which may hand over the stack's whole allocation.
        Ok(self.stack.drain(self.stack.len() - n..).collect())
    }

    /// What lies above the last MARK.
    pub(crate) fn pop_mark(&mut self) -> Step<Vec<ValueOf<'a, D>>> {
        match self.marks.pop() {
            Some(mark) => Ok(self.stack.drain(mark..).collect()),
            None => Err(self.malformed("no mark to go back to".to_owned())),
        }
    }

    // Values.

    /// The object that a value means; `None` for a plain value.
    pub fn object(&self, value: ValueOf<'a, D>) -> Option<&ObjectOf<'a, D>> {
        match value {
            Value::Object(index) => self.objects.get(index),
            _ => None,
        }
    }

    /// The items of a tuple.
    ///
    /// # Errors
    /// Anything else.
    pub fn tuple_items(&self, value: ValueOf<'a, D>) -> Step<&[ValueOf<'a, D>]> {
        match self.object(value) {
            Some(Object::Tuple(items)) => Ok(items),
            _ => Err(self.malformed(format!("a tuple is wanted, found {}", value.kind()))),
        }
    }

    /// The items of a tuple or list.
    ///
    /// # Errors
    /// Anything else.
    pub fn sequence(&self, value: ValueOf<'a, D>) -> Step<&[ValueOf<'a, D>]> {
        match self.object(value) {
            Some(Object::Tuple(items) | Object::List(items)) => Ok(items),
            _ => Err(self.malformed(format!("a tuple is wanted, found {}", value.kind()))),
        }
    }

    /// Changes what a call made, as BUILD does; `None` for anything else.
    pub fn made_mut(&mut self, value: ValueOf<'a, D>) -> Option<&mut D::Made<'a>> {
        match value {
            Value::Object(index) => match self.objects.get_mut(index) {
                Some(Object::Made(made)) => Some(made),
                _ => None,
            },
            _ => None,
        }
    }

    // Operands.

    pub(crate) fn array<const N: usize>(&mut self) -> Step<[u8; N]> {
        match self
            .bytes
            .get(self.position..)
            .and_then(|rest| rest.first_chunk::<N>())
        {
            Some(bytes) => {
                self.position += N;
                Ok(*bytes)
            }
            None => Err(self.cut_short()),
        }
    }

    pub(crate) fn take(&mut self, length: usize) -> Step<&'a [u8]> {
        match self
            .bytes
            .get(self.position..)
            .and_then(|rest| rest.get(..length))
        {
            Some(bytes) => {
                self.position += length;
                Ok(bytes)
            }
            None => Err(self.cut_short()),
        }
    }

    pub(crate) fn length1(&mut self) -> Step<usize> {
        let [length] = self.array()?;
        Ok(usize::from(length))
    }

    pub(crate) fn length4(&mut self) -> Step<usize> {
        let length = u32::from_le_bytes(self.array()?);
        usize::try_from(length).map_err(|_| self.cut_short())
    }

    pub(crate) fn length8(&mut self) -> Step<usize> {
        let length = u64::from_le_bytes(self.array()?);
        usize::try_from(length).map_err(|_| self.cut_short())
    }

    pub(crate) fn long(&mut self, length: usize) -> Step<()> {
        let bytes = self.take(length)?;
        let value = if bytes.len() <= 8 {
            let sign = if bytes.last().is_some_and(|byte| byte & 0x80 != 0) {
                0xff
            } else {
                0
            };
            let mut padded = [sign; 8];
            padded[..bytes.len()].copy_from_slice(bytes);
            Value::Int(i64::from_le_bytes(padded))
        } else {
            Value::Long
        };
        self.stack.push(value);
        Ok(())
    }

    pub(crate) fn text(&mut self, length: usize) -> Step<()> {
        let bytes = self.take(length)?;
        match std::str::from_utf8(bytes) {
            Ok(text) => {
                self.stack.push(Value::Str(text));
                Ok(())
            }
            Err(_) => Err(self.malformed("a string that is not UTF-8".to_owned())),
        }
    }

    /// Python 2 has one type for text and bytes.
    pub(crate) fn text_of_python_2(&mut self, length: usize) -> Step<()> {
        let bytes = self.take(length)?;
        self.stack
            .push(std::str::from_utf8(bytes).map_or(Value::Bytes(bytes), Value::Str));
        Ok(())
    }

    pub(crate) fn raw_bytes(&mut self, length: usize) -> Step<()> {
        let bytes = self.take(length)?;
        self.stack.push(Value::Bytes(bytes));
        Ok(())
    }

    pub(crate) fn line(&mut self) -> Step<&'a str> {
        let rest = self.bytes.get(self.position..).unwrap_or_default();
        let Some(length) = rest.iter().position(|byte| *byte == b'\n') else {
            return Err(self.cut_short());
        };
        let line = self.take(length)?;
        self.position += 1;
        std::str::from_utf8(line).map_err(|_| self.malformed("a name that is not UTF-8".to_owned()))
    }

    // Errors.

    /// The error for what makes no sense, at the opcode being read.
    pub fn malformed(&self, what: String) -> PickleError {
        PickleError::Malformed {
            offset: self.opcode_at,
            what,
        }
    }

    pub(crate) fn cut_short(&self) -> PickleError {
        self.malformed(format!("cut short, it ends at {}", self.bytes.len()))
    }

    pub(crate) fn underflow(&self) -> PickleError {
        self.malformed("the stack is empty".to_owned())
    }

    pub(crate) fn limit(&self, what: &'static str, limit: usize) -> PickleError {
        PickleError::Limit {
            offset: self.opcode_at,
            what,
            limit,
        }
    }
}
