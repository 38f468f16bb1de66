//! Plain data as a pickle.

use std::collections::HashMap;

use crosr_pickle::{Object, Pickle, PlainData, Value, ValueOf};

/// Writes every object once and refers back to it, so that sharing and cycles stay; `None` where an
/// integer is too long to be known.
pub fn write(pickle: &Pickle<'_, PlainData>) -> Option<Vec<u8>> {
    let mut writer = Writer {
        pickle,
        bytes: vec![0x80, 4],
        memo: HashMap::new(),
        n_places: 0,
    };
    writer.value(&pickle.root)?;
    writer.bytes.push(b'.');
    Some(writer.bytes)
}

struct Writer<'p, 'a> {
    pickle: &'p Pickle<'a, PlainData>,
    bytes: Vec<u8>,
    /// Place in the memo of each object.
    memo: HashMap<usize, u32>,
    /// Places taken; a tuple that holds itself is written twice and takes two.
    n_places: u32,
}

impl Writer<'_, '_> {
    fn sized(&mut self, opcode: u8, bytes: &[u8]) {
        self.bytes.push(opcode);
        self.bytes
            .extend_from_slice(&(bytes.len() as u64).to_le_bytes());
        self.bytes.extend_from_slice(bytes);
    }

    fn value(&mut self, value: &ValueOf<'_, PlainData>) -> Option<()> {
        match *value {
            Value::None => self.bytes.push(b'N'),
            Value::Bool(truth) => self.bytes.push(if truth { 0x88 } else { 0x89 }),
            Value::Int(number) => {
                self.bytes.extend_from_slice(&[0x8a, 8]);
                self.bytes.extend_from_slice(&number.to_le_bytes());
            }
            Value::Long => return None,
            Value::Float(number) => {
                self.bytes.push(b'G');
                self.bytes.extend_from_slice(&number.to_be_bytes());
            }
            Value::Str(text) => self.sized(0x8d, text.as_bytes()),
            Value::Bytes(bytes) => self.sized(0x8e, bytes),
            Value::Global(name) => match name {},
            Value::Object(index) => return self.object(index),
        }
        Some(())
    }

    fn object(&mut self, index: usize) -> Option<()> {
        if let Some(place) = self.memo.get(&index) {
            self.bytes.push(b'j');
            self.bytes.extend_from_slice(&place.to_le_bytes());
            return Some(());
        }
        let pickle = self.pickle;
        match &pickle.objects[index] {
            // A tuple is finished once it is there, and can hold itself by way of others only.
            Object::Tuple(items) => {
                self.bytes.push(b'(');
                items.iter().try_for_each(|item| self.value(item))?;
                self.bytes.push(b't');
                self.memoise(index);
            }
            Object::List(items) => self.filled(index, b']', items, b'e')?,
            Object::Set(items) => self.filled(index, 0x8f, items, 0x90)?,
            Object::Dict(entries) => {
                let items: Vec<_> = entries.iter().flat_map(|(k, v)| [*k, *v]).collect();
                self.filled(index, b'}', &items, b'u')?;
            }
            Object::Made(name) => match *name {},
        }
        Some(())
    }

    /// Pushes an empty container, remembers it, fills it.
    fn filled(
        &mut self,
        index: usize,
        empty: u8,
        items: &[ValueOf<'_, PlainData>],
        fill: u8,
    ) -> Option<()> {
        self.bytes.push(empty);
        self.memoise(index);
        self.bytes.push(b'(');
        items.iter().try_for_each(|item| self.value(item))?;
        self.bytes.push(fill);
        Some(())
    }

    fn memoise(&mut self, index: usize) {
        self.bytes.push(0x94);
        self.memo.insert(index, self.n_places);
        self.n_places += 1;
    }
}
