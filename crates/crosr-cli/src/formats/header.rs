//! Safetensors files in memory, opened so that no header can lead astray.

use std::collections::HashMap;
use std::path::Path;

use safetensors::tensor::{Metadata, SafeTensors};

use crate::error::{CliError, Result};

/// The tensors of a file and its metadata.
pub(super) fn opened<'a>(
    file: &'a [u8],
    path: &Path,
) -> Result<(SafeTensors<'a>, HashMap<String, String>)> {
    let unreadable =
        |what: String| CliError::file(path, format!("not a readable safetensors file: {what}"));
    let (length, rest) = file
        .split_first_chunk::<8>()
        .ok_or_else(|| unreadable("it is too short".to_owned()))?;
    let header = usize::try_from(u64::from_le_bytes(*length))
        .ok()
        .and_then(|length| rest.get(..length))
        .ok_or_else(|| unreadable("the header is longer than the file".to_owned()))?;
    let header: Metadata = serde_json::from_slice(header).map_err(|e| unreadable(e.to_string()))?;
    // The library adds these up without asking whether the sum can be held.
    let mut places = header.tensors().into_values().map(|info| info.data_offsets);
    if places.any(|(from, to)| from > to || to > file.len()) {
        return Err(unreadable("a tensor lies beyond its end".to_owned()));
    }
    let metadata = header.metadata().clone().unwrap_or_default();
    let tensors = SafeTensors::deserialize(file).map_err(|e| unreadable(e.to_string()))?;
    Ok((tensors, metadata))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lying_headers_are_refused() {
        let file = |header: &str, data: &[u8]| {
            let length = (header.len() as u64).to_le_bytes();
            [&length[..], header.as_bytes(), data].concat()
        };
        let tensor = |shape: &str, to: u64| {
            format!(r#"{{"x":{{"dtype":"F64","shape":{shape},"data_offsets":[0,{to}]}}}}"#)
        };
        let open = |bytes: &[u8]| opened(bytes, Path::new("a.safetensors")).map(drop);
        open(&file(&tensor("[1]", 8), &[0; 8])).expect("sound");
        // Eight times this many elements is just below what an address can be.
        let huge = tensor("[2305843009213693951]", u64::MAX - 7);
        for bytes in [
            file(&huge, &[]),
            file(&tensor("[2]", 16), &[0; 8]),
            file("{", &[]),
            u64::MAX.to_le_bytes().to_vec(),
            vec![1, 2],
        ] {
            let error = open(&bytes).map_err(|e| e.one_line());
            assert!(error.is_err_and(|e| e.contains("a.safetensors: not a readable")));
        }
    }
}
