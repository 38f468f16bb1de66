//! The pickle machine: opcodes in, an arena of plain data out.
//!
//! Protocols 2 to 5 (opcodes: CPython, `Lib/pickletools.py`). Nothing is
//! executed: names resolve to a closed list, and a call of one of them builds a value of our own.
//! Every byte of the input costs a bounded amount of memory, and the number of opcodes is bounded.

use std::collections::HashMap;

use crate::error::PickleError;
use crate::value::{Dialect, Object, ObjectOf, Value, ValueOf};

/// Most opcodes of one pickle: about thirty go to a tensor, so this is beyond 100 000 tensors.
const MAX_OPCODES: usize = 1 << 22;
/// Deepest nesting of containers; a state dict needs three or four.
const MAX_DEPTH: u16 = 500;
/// Most arguments of one call; `_rebuild_tensor_v3` takes eight.
const MAX_ARGUMENTS: usize = 16;

/// The outcome of one pickle.
#[derive(Debug)]
pub struct Pickle<'a, D: Dialect> {
    /// What it describes.
    pub root: ValueOf<'a, D>,
    /// The containers, and what calls made, that values mean by index.
    pub objects: Vec<ObjectOf<'a, D>>,
    /// Where the next byte after the pickle lies.
    pub end: usize,
}

impl<'a, D: Dialect> Pickle<'a, D> {
    /// Runs the pickle that starts at `start` of `bytes`.
    ///
    /// # Errors
    /// [`PickleError`]: names and opcodes that are refused, damaged or senseless input.
    pub fn read(bytes: &'a [u8], start: usize) -> Result<Self, PickleError> {
        let mut machine: Machine<'a, D> = Machine {
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
    pub fn dict(&self, value: ValueOf<'a, D>) -> Option<&[Entry<'a, D>]> {
        match self.object(value)? {
            Object::Dict(entries) => Some(entries),
            _ => None,
        }
    }

    /// The value of a dict's key, the last of equal ones.
    pub fn get(&self, dict: ValueOf<'a, D>, key: &str) -> Option<ValueOf<'a, D>> {
        let mut entries = self.dict(dict)?.iter().rev();
        let entry = entries.find(|entry| entry.0.bytes() == Some(key.as_bytes()));
        entry.map(|entry| entry.1)
    }

    /// The object that a value means; `None` for a plain value.
    pub fn object(&self, value: ValueOf<'a, D>) -> Option<&ObjectOf<'a, D>> {
        match value {
            Value::Object(index) => self.objects.get(index),
            _ => None,
        }
    }
}

/// A dict's key and value.
pub type Entry<'a, D> = (ValueOf<'a, D>, ValueOf<'a, D>);

/// The machine at work, for a [`Dialect`] to look things up in and push onto.
#[derive(Debug)]
pub struct Machine<'a, D: Dialect> {
    pub(crate) bytes: &'a [u8],
    pub(crate) position: usize,
    pub(crate) opcode_at: usize,
    pub(crate) stack: Vec<ValueOf<'a, D>>,
    /// Heights of the stack at each MARK.
    pub(crate) marks: Vec<usize>,
    memo: HashMap<u32, ValueOf<'a, D>>,
    pub(crate) objects: Vec<ObjectOf<'a, D>>,
    /// Nesting depth of each object when it last changed.
    depths: Vec<u16>,
    /// How many values calls may still copy out of their arguments. A value takes at least a byte
    /// and needs to be copied once, so an honest pickle never runs out; one that copies the same
    /// arguments over and over does.
    copies_left: usize,
}

pub(crate) type Step<T> = Result<T, PickleError>;

impl<'a, D: Dialect> Machine<'a, D> {
    fn run(&mut self) -> Step<ValueOf<'a, D>> {
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
            0x88 | 0x89 => self.stack.push(Value::Bool(opcode == 0x88)),
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
            b')' => self.push_tuple(Vec::new())?,
            b't' => {
                let items = self.pop_mark()?;
                self.push_tuple(items)?;
            }
            0x85..=0x87 => {
                let items = self.pop_many(usize::from(opcode - 0x84))?;
                self.push_tuple(items)?;
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
                D::persistent(self, id)?;
            }
            _ => {
                return Err(PickleError::Opcode {
                    offset: self.opcode_at,
                    opcode,
                });
            }
        }
        Ok(())
    }

    fn global(&mut self, module: &str, name: &str) -> Step<()> {
        let Some(global) = D::resolve(module, name) else {
            return Err(PickleError::Global {
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
        D::call(self, global, &arguments)
    }

    /// Counts values that a call copies out of its arguments.
    ///
    /// # Errors
    /// When the same arguments have been copied over and over.
    pub fn charge(&mut self, n_values: usize) -> Step<()> {
        match self.copies_left.checked_sub(n_values) {
            Some(left) => {
                self.copies_left = left;
                Ok(())
            }
            None => Err(self.malformed("the same arguments are copied over and over".to_owned())),
        }
    }

    /// Pushes a value: the outcome of a call.
    pub fn push(&mut self, value: ValueOf<'a, D>) {
        self.stack.push(value);
    }

    /// Pushes what a call made.
    pub fn push_made(&mut self, made: D::Made<'a>) {
        self.push_object(Object::Made(made), 1);
    }

    /// Pushes a new dict, as a call of its class would.
    ///
    /// # Errors
    /// Entries that were copied too often or lie too deep.
    pub fn push_dict(&mut self, entries: Vec<Entry<'a, D>>) -> Step<()> {
        self.charge(entries.len())?;
        let parts: Vec<_> = entries.iter().map(|entry| entry.1).collect();
        let depth = self.depth_above(&parts)?;
        self.push_object(Object::Dict(entries), depth);
        Ok(())
    }

    /// BUILD: the state of what lies below it.
    fn build(&mut self) -> Step<()> {
        let state = self.pop()?;
        let target = self.top()?;
        D::build(self, target, state)
    }

    fn append(&mut self, items: Vec<ValueOf<'a, D>>) -> Step<()> {
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

    fn set_items(&mut self, items: &[ValueOf<'a, D>]) -> Step<()> {
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

    /// Pushes a tuple, as a call of its class would.
    ///
    /// # Errors
    /// Items that lie too deep.
    pub fn push_tuple(&mut self, items: Vec<ValueOf<'a, D>>) -> Step<()> {
        let depth = self.depth_above(&items)?;
        self.push_object(Object::Tuple(items), depth);
        Ok(())
    }

    fn push_object(&mut self, object: ObjectOf<'a, D>, depth: u16) {
        self.stack.push(Value::Object(self.objects.len()));
        self.objects.push(object);
        self.depths.push(depth);
    }

    /// The depth of a container that holds `items`.
    fn depth_above(&self, items: &[ValueOf<'a, D>]) -> Step<u16> {
        let depth = |item: &ValueOf<'a, D>| match item {
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

/// A text of a file, short enough for an error message.
pub fn shortened(text: &str) -> String {
    const MOST: usize = 100;
    match text.char_indices().nth(MOST) {
        Some((end, _)) => format!("{}...", &text[..end]),
        None => text.to_owned(),
    }
}
