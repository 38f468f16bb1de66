//! The pickle machine: opcodes in, an arena of plain data out.
//!
//! Protocols 2 to 5 as `torch.save` uses them (opcodes: CPython, `Lib/pickletools.py`). Nothing is
//! executed: names resolve to a closed list, and a call of one of them builds a value of our own.
//! Every byte of the input costs a bounded amount of memory, and the number of opcodes is bounded.

mod operands;

use std::collections::HashMap;

use crate::torch::error::TorchError;
use crate::torch::rebuild;
use crate::torch::tensor::TorchDtype;
use crate::torch::value::{Global, Object, StorageClaim, Value};

/// Most opcodes of one pickle: about thirty go to a tensor, so this is beyond 100 000 tensors.
const MAX_OPCODES: usize = 1 << 22;
/// Deepest nesting of containers; a state dict needs three or four.
const MAX_DEPTH: u16 = 500;
/// Most arguments of one call; `_rebuild_tensor_v3` takes eight.
const MAX_ARGUMENTS: usize = 16;

/// The outcome of one pickle.
#[derive(Debug)]
pub(in crate::torch) struct Pickle<'a> {
    pub(in crate::torch) root: Value<'a>,
    pub(in crate::torch) objects: Vec<Object<'a>>,
    /// Where the next byte after the pickle lies.
    pub(in crate::torch) end: usize,
}

impl<'a> Pickle<'a> {
    /// Runs the pickle that starts at `start` of `bytes`; `record` names them in errors.
    pub(in crate::torch) fn read(
        bytes: &'a [u8],
        start: usize,
        record: &str,
    ) -> Result<Self, TorchError> {
        let mut machine = Machine {
            record,
            bytes,
            position: start,
            opcode_at: start,
            stack: Vec::new(),
            marks: Vec::new(),
            memo: HashMap::new(),
            objects: Vec::new(),
            depths: Vec::new(),
            copies_left: bytes.len() - start.min(bytes.len()),
        };
        let root = machine.run()?;
        Ok(Self {
            root,
            objects: machine.objects,
            end: machine.position,
        })
    }

    /// The entries of a dict; `None` for anything else.
    pub(in crate::torch) fn dict(&self, value: Value<'a>) -> Option<&[(Value<'a>, Value<'a>)]> {
        match self.object(value)? {
            Object::Dict(entries) => Some(entries),
            _ => None,
        }
    }

    /// The object that a value means; `None` for a plain value.
    pub(in crate::torch) fn object(&self, value: Value<'a>) -> Option<&Object<'a>> {
        match value {
            Value::Object(index) => self.objects.get(index),
            _ => None,
        }
    }

    /// Every storage that the pickle names.
    pub(in crate::torch) fn storages(&self) -> impl Iterator<Item = StorageClaim<'a>> {
        self.objects.iter().filter_map(|object| match object {
            Object::Storage(claim) => Some(*claim),
            _ => None,
        })
    }
}

pub(in crate::torch) struct Machine<'r, 'a> {
    record: &'r str,
    bytes: &'a [u8],
    position: usize,
    opcode_at: usize,
    stack: Vec<Value<'a>>,
    /// Heights of the stack at each MARK.
    marks: Vec<usize>,
    memo: HashMap<u32, Value<'a>>,
    objects: Vec<Object<'a>>,
    /// Nesting depth of each object when it last changed.
    depths: Vec<u16>,
    /// How many values calls may still copy out of their arguments. A value takes at least a byte
    /// and needs to be copied once, so an honest pickle never runs out; one that copies the same
    /// arguments over and over does.
    copies_left: usize,
}

type Step<T> = Result<T, TorchError>;

impl<'a> Machine<'_, 'a> {
    fn run(&mut self) -> Step<Value<'a>> {
        for _ in 0..MAX_OPCODES {
            self.opcode_at = self.position;
            let [opcode] = self.array()?;
            if opcode == b'.' {
                return self.pop();
            }
            self.step(opcode)?;
        }
        Err(self.limit("opcodes", MAX_OPCODES))
    }

    fn step(&mut self, opcode: u8) -> Step<()> {
        match opcode {
            // PROTO, FRAME
            0x80 => {
                let [version] = self.array()?;
                if version > 5 {
                    return Err(self.malformed(format!("protocol {version}, 5 is the newest")));
                }
            }
            0x95 => {
                let length = self.length8()?;
                if length > self.bytes.len() - self.position {
                    return Err(self.malformed(format!("a frame of {length} bytes is cut short")));
                }
            }
            // MARK, POP, POP_MARK, DUP
            b'(' => {
                if self.marks.len() >= usize::from(MAX_DEPTH) {
                    return Err(self.limit("open marks", usize::from(MAX_DEPTH)));
                }
                self.marks.push(self.stack.len());
            }
            b'0' => {
                // As in CPython, POP right behind a MARK takes the mark.
                if self.marks.last() == Some(&self.stack.len()) {
                    self.marks.pop();
                } else {
                    self.pop()?;
                }
            }
            b'1' => {
                self.pop_mark()?;
            }
            b'2' => {
                let top = self.top()?;
                self.stack.push(top);
            }
            // constants and numbers
            b'N' => self.stack.push(Value::None),
            0x88 | 0x89 => self.stack.push(Value::Bool),
            b'J' => {
                let value = i32::from_le_bytes(self.array()?);
                self.stack.push(Value::Int(i64::from(value)));
            }
            b'K' => {
                let [value] = self.array()?;
                self.stack.push(Value::Int(i64::from(value)));
            }
            b'M' => {
                let value = u16::from_le_bytes(self.array()?);
                self.stack.push(Value::Int(i64::from(value)));
            }
            0x8a => {
                let length = self.length1()?;
                self.long(length)?;
            }
            0x8b => {
                let length = self.length4()?;
                self.long(length)?;
            }
            b'G' => {
                let value = f64::from_be_bytes(self.array()?);
                self.stack.push(Value::Float(value));
            }
            // text and bytes
            b'X' => {
                let length = self.length4()?;
                self.text(length)?;
            }
            0x8c => {
                let length = self.length1()?;
                self.text(length)?;
            }
            0x8d => {
                let length = self.length8()?;
                self.text(length)?;
            }
            b'T' => {
                let length = self.length4()?;
                self.text_of_python_2(length)?;
            }
            b'U' => {
                let length = self.length1()?;
                self.text_of_python_2(length)?;
            }
            b'B' => {
                let length = self.length4()?;
                self.raw_bytes(length)?;
            }
            b'C' => {
                let length = self.length1()?;
                self.raw_bytes(length)?;
            }
            0x8e | 0x96 => {
                let length = self.length8()?;
                self.raw_bytes(length)?;
            }
            // tuples
            b')' => self.tuple(Vec::new())?,
            b't' => {
                let items = self.pop_mark()?;
                self.tuple(items)?;
            }
            0x85..=0x87 => {
                let items = self.pop_many(usize::from(opcode - 0x84))?;
                self.tuple(items)?;
            }
            // lists, dicts, sets
            b']' => self.push_object(Object::List(Vec::new()), 1),
            b'l' => {
                let items = self.pop_mark()?;
                let depth = self.depth_above(&items)?;
                self.push_object(Object::List(items), depth);
            }
            b'a' => {
                let item = self.pop()?;
                self.append(vec![item])?;
            }
            b'e' | 0x90 => {
                let items = self.pop_mark()?;
                self.append(items)?;
            }
            b'}' => self.push_object(Object::Dict(Vec::new()), 1),
            b'd' => {
                let items = self.pop_mark()?;
                self.push_object(Object::Dict(Vec::new()), 1);
                self.set_items(&items)?;
            }
            b's' => {
                let items = self.pop_many(2)?;
                self.set_items(&items)?;
            }
            b'u' => {
                let items = self.pop_mark()?;
                self.set_items(&items)?;
            }
            0x8f => self.push_object(Object::Set(Vec::new()), 1),
            0x91 => {
                let items = self.pop_mark()?;
                let depth = self.depth_above(&items)?;
                self.push_object(Object::Set(items), depth);
            }
            // memo
            b'q' => {
                let [key] = self.array()?;
                self.memoize(u32::from(key))?;
            }
            b'r' => {
                let key = u32::from_le_bytes(self.array()?);
                self.memoize(key)?;
            }
            0x94 => {
                // Bounded by the number of opcodes, far below 2^32.
                let key = self.memo.len() as u32;
                self.memoize(key)?;
            }
            b'h' => {
                let [key] = self.array()?;
                self.recall(u32::from(key))?;
            }
            b'j' => {
                let key = u32::from_le_bytes(self.array()?);
                self.recall(key)?;
            }
            // names and calls
            b'c' => {
                let module = self.line()?;
                let name = self.line()?;
                self.global(module, name)?;
            }
            0x93 => {
                let name = self.pop()?;
                let module = self.pop()?;
                let (Value::Str(module), Value::Str(name)) = (module, name) else {
                    return Err(self.malformed(format!(
                        "a name made of {} and {}",
                        module.kind(),
                        name.kind()
                    )));
                };
                self.global(module, name)?;
            }
            b'R' | 0x81 => self.call()?,
            b'b' => self.build()?,
            b'Q' => {
                let id = self.pop()?;
                let claim = rebuild::storage(self, id)?;
                self.push_object(Object::Storage(claim), 1);
            }
            _ => {
                return Err(TorchError::Opcode {
                    record: self.record.to_owned(),
                    offset: self.opcode_at,
                    opcode,
                });
            }
        }
        Ok(())
    }

    fn global(&mut self, module: &str, name: &str) -> Step<()> {
        let Some(global) = Global::resolve(module, name) else {
            return Err(TorchError::Global {
                record: self.record.to_owned(),
                offset: self.opcode_at,
                name: shortened(&format!("{module}.{name}")),
            });
        };
        self.stack.push(Value::Global(global));
        Ok(())
    }

    /// REDUCE and NEWOBJ: builds what the call of a listed name would give.
    fn call(&mut self) -> Step<()> {
        let arguments = self.pop()?;
        let callee = self.pop()?;
        let Value::Global(global) = callee else {
            return Err(self.malformed(format!("{} is called", callee.kind())));
        };
        let arguments = match self.tuple_items(arguments)? {
            arguments if arguments.len() <= MAX_ARGUMENTS => arguments.to_vec(),
            _ => return Err(self.limit("arguments of a call", MAX_ARGUMENTS)),
        };
        match global {
            Global::OrderedDict | Global::Counter => {
                let entries = rebuild::dict_entries(self, &arguments)?;
                self.charge(entries.len())?;
                let parts: Vec<_> = entries.iter().map(|entry| entry.1).collect();
                let depth = self.depth_above(&parts)?;
                self.push_object(Object::Dict(entries), depth);
            }
            Global::RebuildTensor => self.tensor(&arguments, None)?,
            Global::RebuildTensorV3 => {
                let Some(Value::Global(Global::Dtype(dtype))) = arguments.get(6) else {
                    return Err(self.malformed("_rebuild_tensor_v3 without a dtype".to_owned()));
                };
                self.tensor(&arguments, Some(*dtype))?;
            }
            Global::RebuildParameter => match arguments.first() {
                Some(tensor) if matches!(self.object(*tensor), Some(Object::Tensor(_))) => {
                    self.stack.push(*tensor);
                }
                _ => return Err(self.malformed("a parameter without a tensor".to_owned())),
            },
            Global::Size => match arguments.first() {
                // A tuple cannot change, so the argument itself will do.
                Some(items) => {
                    self.tuple_items(*items)?;
                    self.stack.push(*items);
                }
                None => self.tuple(Vec::new())?,
            },
            Global::Device => self.push_object(Object::Device, 1),
            Global::Storage(_) | Global::Dtype(_) => {
                return Err(self.malformed(format!("{global:?} is called")));
            }
        }
        Ok(())
    }

    fn tensor(&mut self, arguments: &[Value<'a>], dtype: Option<TorchDtype>) -> Step<()> {
        let claim = rebuild::tensor(self, arguments, dtype)?;
        self.charge(1 + claim.shape.len() + claim.stride.len())?;
        self.push_object(Object::Tensor(Box::new(claim)), 1);
        Ok(())
    }

    fn charge(&mut self, n_values: usize) -> Step<()> {
        match self.copies_left.checked_sub(n_values) {
            Some(left) => {
                self.copies_left = left;
                Ok(())
            }
            None => Err(self.malformed("the same arguments are copied over and over".to_owned())),
        }
    }

    /// BUILD: the attributes of a dict (`_metadata` of a state dict) are passed over.
    fn build(&mut self) -> Step<()> {
        self.pop()?;
        let target = self.top()?;
        match self.object(target) {
            Some(Object::Dict(_)) => Ok(()),
            _ => Err(self.malformed(format!("attributes for {}", target.kind()))),
        }
    }

    fn append(&mut self, items: Vec<Value<'a>>) -> Step<()> {
        let target = self.top()?;
        let depth = self.depth_above(&items)?;
        if let Value::Object(index) = target
            && let Some(Object::List(list) | Object::Set(list)) = self.objects.get_mut(index)
        {
            list.extend(items);
            self.depths[index] = self.depths[index].max(depth);
            return Ok(());
        }
        Err(self.malformed(format!("items for {}", target.kind())))
    }

    fn set_items(&mut self, items: &[Value<'a>]) -> Step<()> {
        let target = self.top()?;
        let depth = self.depth_above(items)?;
        let (pairs, rest) = items.as_chunks::<2>();
        if !rest.is_empty() {
            return Err(self.malformed("a key without a value".to_owned()));
        }
        if let Value::Object(index) = target
            && let Some(Object::Dict(entries)) = self.objects.get_mut(index)
        {
            entries.extend(pairs.iter().map(|[key, value]| (*key, *value)));
            self.depths[index] = self.depths[index].max(depth);
            return Ok(());
        }
        Err(self.malformed(format!("entries for {}", target.kind())))
    }

    fn memoize(&mut self, key: u32) -> Step<()> {
        let top = self.top()?;
        self.memo.insert(key, top);
        Ok(())
    }

    fn recall(&mut self, key: u32) -> Step<()> {
        match self.memo.get(&key) {
            Some(value) => {
                self.stack.push(*value);
                Ok(())
            }
            None => Err(self.malformed(format!("memo {key} was never filled"))),
        }
    }

    fn tuple(&mut self, items: Vec<Value<'a>>) -> Step<()> {
        let depth = self.depth_above(&items)?;
        self.push_object(Object::Tuple(items), depth);
        Ok(())
    }

    fn push_object(&mut self, object: Object<'a>, depth: u16) {
        self.stack.push(Value::Object(self.objects.len()));
        self.objects.push(object);
        self.depths.push(depth);
    }

    /// The depth of a container that holds `items`.
    fn depth_above(&self, items: &[Value<'a>]) -> Step<u16> {
        let depth = |item: &Value<'a>| match item {
            Value::Object(index) => self.depths.get(*index).copied().unwrap_or(0),
            _ => 0,
        };
        match items.iter().map(depth).max().unwrap_or(0) {
            deepest if deepest >= MAX_DEPTH => {
                Err(self.limit("levels of nesting", usize::from(MAX_DEPTH)))
            }
            deepest => Ok(deepest + 1),
        }
    }
}

/// A text of the file, short enough for an error message.
pub(in crate::torch) fn shortened(text: &str) -> String {
    const MOST: usize = 100;
    match text.char_indices().nth(MOST) {
        Some((end, _)) => format!("{}...", &text[..end]),
        None => text.to_owned(),
    }
}
