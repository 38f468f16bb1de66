//! Changes that JSON, and safetensors with their header of JSON, survive: libFuzzer's own changes
//! of bytes hardly ever leave either readable.

use std::mem;

use libfuzzer_sys::fuzzer_mutate;
use serde_json::{Map, Value, json};

/// Most bytes of tensors that a changed header is given.
const MOST_BYTES: usize = 1 << 14;

/// Few numbers out of a seed (SplitMix64).
struct Draw(u64);

impl Draw {
    fn below(&mut self, n: usize) -> usize {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let z = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        let z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        ((z ^ (z >> 31)) % n.max(1) as u64) as usize
    }
}

/// Changes a JSON text in its structure; anything else, and one time in eight, in its bytes.
pub fn change_json(data: &mut [u8], size: usize, most: usize, seed: u32) -> usize {
    let mut draw = Draw(seed.into());
    if draw.below(8) > 0
        && let Ok(mut value) = serde_json::from_slice::<Value>(&data[..size])
    {
        change(&mut value, &mut draw);
        if let Some(size) = put(data, most, &[value.to_string().as_bytes()]) {
            return size;
        }
    }
    fuzzer_mutate(data, size, most)
}

/// Changes the header or the data of a safetensors file; anything else, and one time in eight, its
/// bytes.
pub fn change_safetensors(data: &mut [u8], size: usize, most: usize, seed: u32) -> usize {
    let mut draw = Draw(seed.into());
    if draw.below(8) > 0
        && let Some((mut header, mut values)) = parts(&data[..size])
    {
        let n_changes = 1 + draw.below(3);
        match draw.below(4) {
            0 if !values.is_empty() => {
                let n = values.len();
                fuzzer_mutate(&mut values, n, n);
            }
            choice => {
                (0..n_changes).for_each(|_| change(&mut header, &mut draw));
                if choice > 1 {
                    fit(&mut header, &mut values);
                }
            }
        }
        let text = header.to_string();
        let length = (text.len() as u64).to_le_bytes();
        if let Some(size) = put(data, most, &[&length, text.as_bytes(), &values]) {
            return size;
        }
    }
    fuzzer_mutate(data, size, most)
}

fn parts(file: &[u8]) -> Option<(Value, Vec<u8>)> {
    let (length, rest) = file.split_first_chunk::<8>()?;
    let length = usize::try_from(u64::from_le_bytes(*length)).ok()?;
    let (header, values) = rest.split_at_checked(length)?;
    Some((serde_json::from_slice(header).ok()?, values.to_vec()))
}

/// Writes it, if it has room.
fn put(data: &mut [u8], most: usize, parts: &[&[u8]]) -> Option<usize> {
    let all = parts.concat();
    if all.len() > most.min(data.len()) {
        return None;
    }
    data[..all.len()].copy_from_slice(&all);
    Some(all.len())
}

/// Makes offsets and data follow from the shapes, as far as these are small.
fn fit(header: &mut Value, values: &mut Vec<u8>) {
    let Some(entries) = header.as_object_mut() else {
        return;
    };
    let mut end = 0;
    for (_, entry) in entries.iter_mut().filter(|(key, _)| *key != "__metadata__") {
        let size = match entry["dtype"].as_str() {
            Some("F64" | "I64" | "U64") => 8,
            Some("F32" | "I32" | "U32") => 4,
            Some("F16" | "BF16" | "I16") => 2,
            _ => 1,
        };
        let extents = entry["shape"].as_array().map_or(&[][..], Vec::as_slice);
        let n_bytes = extents.iter().try_fold(size, |n: usize, extent| {
            n.checked_mul(usize::try_from(extent.as_u64()?).ok()?)
        });
        if let Some(n_bytes) = n_bytes.filter(|n| *n <= MOST_BYTES - end)
            && let Some(entry) = entry.as_object_mut()
        {
            entry.insert("data_offsets".to_owned(), json!([end, end + n_bytes]));
            end += n_bytes;
        }
    }
    values.resize(end, 0);
}

/// Changes one value, somewhere in it.
fn change(root: &mut Value, draw: &mut Draw) {
    let n = count(root);
    let other = nth(root, &mut draw.below(n)).cloned();
    let place = draw.below(n);
    let Some(value) = nth(root, &mut place.clone()) else {
        return;
    };
    if draw.below(8) == 0 {
        // A copy of another place, or nothing.
        *value = other
            .filter(|v| count(v) < 64 && draw.below(4) > 0)
            .unwrap_or(Value::Null);
        return;
    }
    match value {
        Value::Null | Value::Bool(_) => *value = json!(draw.below(2) == 0),
        Value::Number(_) => *value = number(value.as_f64().unwrap_or_default(), draw),
        Value::String(text) => change_text(text, draw),
        Value::Array(items) => change_items(items, other, draw),
        Value::Object(entries) => change_entries(entries, other, draw),
    }
}

fn number(x: f64, draw: &mut Draw) -> Value {
    match draw.below(16) {
        0 => json!(0),
        1 => json!(1),
        2 => json!(-1),
        3 => json!(-0.0),
        4 => json!(0.5),
        5 => json!(1e300),
        6 => json!(1e39),
        7 => json!(u64::MAX),
        8 => json!(i64::MIN),
        9 => json!(1_u64 << draw.below(64)),
        10 => json!(x * 2.0),
        11 => json!(-x),
        12 => json!(x / 3.0),
        13 => json!(draw.below(16)),
        14 => json!((x as i64).saturating_sub(1)),
        _ => json!((x as i64).saturating_add(1)),
    }
}

fn change_text(text: &mut String, draw: &mut Draw) {
    // Metadata are JSON inside of texts.
    if let Ok(mut inner) = serde_json::from_str::<Value>(text)
        && (inner.is_object() || inner.is_array())
        && draw.below(8) > 0
    {
        change(&mut inner, draw);
        *text = inner.to_string();
        return;
    }
    const TEXTS: [&str; 12] = [
        "", "0", "-1", "true", "null", "<b>&\"'", "]]>", "\u{0}", "\u{fffe}", "é", "F16", "I64",
    ];
    let more = TEXTS[draw.below(TEXTS.len())];
    match draw.below(3) {
        0 => more.clone_into(text),
        1 => text.push_str(more),
        _ => {
            let end = draw.below(text.chars().count());
            *text = text.chars().take(end).collect();
        }
    }
}

fn change_items(items: &mut Vec<Value>, other: Option<Value>, draw: &mut Draw) {
    let place = draw.below(items.len());
    match draw.below(4) {
        0 if !items.is_empty() => drop(items.remove(place)),
        1 if !items.is_empty() => items.insert(place, items[place].clone()),
        2 if !items.is_empty() => {
            let to = draw.below(items.len());
            items.swap(place, to);
        }
        _ => items.extend(other.filter(|v| count(v) < 64)),
    }
}

fn change_entries(entries: &mut Map<String, Value>, other: Option<Value>, draw: &mut Draw) {
    let keys: Vec<String> = entries.keys().cloned().collect();
    let mut key = || {
        keys.get(draw.below(keys.len()))
            .cloned()
            .unwrap_or_default()
    };
    let (from, to) = (key(), key());
    match draw.below(4) {
        0 => drop(entries.remove(&from)),
        1 => {
            let value = entries.get_mut(&from).map(mem::take).unwrap_or_default();
            let old = entries.insert(to, value).unwrap_or_default();
            entries.insert(from, old);
        }
        2 => {
            let mut name = from.clone();
            change_text(&mut name, draw);
            if let Some(value) = entries.remove(&from) {
                entries.insert(name, value);
            }
        }
        _ => {
            let mut name = to;
            change_text(&mut name, draw);
            entries.insert(name, other.filter(|v| count(v) < 64).unwrap_or_default());
        }
    }
}

fn count(value: &Value) -> usize {
    1 + match value {
        Value::Array(items) => items.iter().map(count).sum(),
        Value::Object(entries) => entries.values().map(count).sum(),
        _ => 0,
    }
}

/// The value at a place, in the order in which [`count`] counts.
fn nth<'v>(value: &'v mut Value, place: &mut usize) -> Option<&'v mut Value> {
    if *place == 0 {
        return Some(value);
    }
    *place -= 1;
    match value {
        Value::Array(items) => items.iter_mut().find_map(|item| nth(item, place)),
        Value::Object(entries) => entries.values_mut().find_map(|item| nth(item, place)),
        _ => None,
    }
}
