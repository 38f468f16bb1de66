//! The machine's stack, and the operands that follow an opcode.

use super::*;

impl<'a> Machine<'_, 'a> {
    // Stack.

    pub(in crate::torch) fn floor(&self) -> usize {
        self.marks.last().copied().unwrap_or(0)
    }

    pub(in crate::torch) fn top(&self) -> Step<Value<'a>> {
        match self.stack.last() {
            Some(value) if self.stack.len() > self.floor() => Ok(*value),
            _ => Err(self.underflow()),
        }
    }

    pub(in crate::torch) fn pop(&mut self) -> Step<Value<'a>> {
        let value = self.top()?;
        self.stack.pop();
        Ok(value)
    }

    pub(in crate::torch) fn pop_many(&mut self, n: usize) -> Step<Vec<Value<'a>>> {
        if self.stack.len() - self.floor() < n {
            return Err(self.underflow());
        }
        // Not `split_off`, which may hand over the stack's whole allocation.
        Ok(self.stack.drain(self.stack.len() - n..).collect())
    }

    /// What lies above the last MARK.
    pub(in crate::torch) fn pop_mark(&mut self) -> Step<Vec<Value<'a>>> {
        match self.marks.pop() {
            Some(mark) => Ok(self.stack.drain(mark..).collect()),
            None => Err(self.malformed("no mark to go back to".to_owned())),
        }
    }

    // Values.

    pub(in crate::torch) fn object(&self, value: Value<'a>) -> Option<&Object<'a>> {
        match value {
            Value::Object(index) => self.objects.get(index),
            _ => None,
        }
    }

    pub(in crate::torch) fn tuple_items(&self, value: Value<'a>) -> Step<&[Value<'a>]> {
        match self.object(value) {
            Some(Object::Tuple(items)) => Ok(items),
            _ => Err(self.malformed(format!("a tuple is wanted, found {}", value.kind()))),
        }
    }

    /// The items of a tuple or list.
    pub(in crate::torch) fn sequence(&self, value: Value<'a>) -> Step<&[Value<'a>]> {
        match self.object(value) {
            Some(Object::Tuple(items) | Object::List(items)) => Ok(items),
            _ => Err(self.malformed(format!("a tuple is wanted, found {}", value.kind()))),
        }
    }

    // Operands.

    pub(in crate::torch) fn array<const N: usize>(&mut self) -> Step<[u8; N]> {
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

    pub(in crate::torch) fn take(&mut self, length: usize) -> Step<&'a [u8]> {
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

    pub(in crate::torch) fn length1(&mut self) -> Step<usize> {
        let [length] = self.array()?;
        Ok(usize::from(length))
    }

    pub(in crate::torch) fn length4(&mut self) -> Step<usize> {
        let length = u32::from_le_bytes(self.array()?);
        usize::try_from(length).map_err(|_| self.cut_short())
    }

    pub(in crate::torch) fn length8(&mut self) -> Step<usize> {
        let length = u64::from_le_bytes(self.array()?);
        usize::try_from(length).map_err(|_| self.cut_short())
    }

    pub(in crate::torch) fn long(&mut self, length: usize) -> Step<()> {
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

    pub(in crate::torch) fn text(&mut self, length: usize) -> Step<()> {
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
    pub(in crate::torch) fn text_of_python_2(&mut self, length: usize) -> Step<()> {
        let bytes = self.take(length)?;
        self.stack
            .push(std::str::from_utf8(bytes).map_or(Value::Bytes, Value::Str));
        Ok(())
    }

    pub(in crate::torch) fn raw_bytes(&mut self, length: usize) -> Step<()> {
        self.take(length)?;
        self.stack.push(Value::Bytes);
        Ok(())
    }

    pub(in crate::torch) fn line(&mut self) -> Step<&'a str> {
        let rest = self.bytes.get(self.position..).unwrap_or_default();
        let Some(length) = rest.iter().position(|byte| *byte == b'\n') else {
            return Err(self.cut_short());
        };
        let line = self.take(length)?;
        self.position += 1;
        std::str::from_utf8(line).map_err(|_| self.malformed("a name that is not UTF-8".to_owned()))
    }

    // Errors.

    pub(in crate::torch) fn malformed(&self, what: String) -> TorchError {
        TorchError::Pickle {
            record: self.record.to_owned(),
            offset: self.opcode_at,
            what,
        }
    }

    pub(in crate::torch) fn cut_short(&self) -> TorchError {
        self.malformed(format!("cut short, it ends at {}", self.bytes.len()))
    }

    pub(in crate::torch) fn underflow(&self) -> TorchError {
        self.malformed("the stack is empty".to_owned())
    }

    pub(in crate::torch) fn limit(&self, what: &'static str, limit: usize) -> TorchError {
        TorchError::Limit {
            record: self.record.to_owned(),
            offset: self.opcode_at,
            what,
            limit,
        }
    }
}
