//! Checkpoints built by hand.

pub(crate) use std::io::{Cursor, Write};
pub(crate) use std::path::Path;

pub(crate) use crosr_model::{TorchCheckpoint, TorchDtype, TorchError};
pub(crate) use zip::write::SimpleFileOptions;
pub(crate) use zip::{CompressionMethod, ZipArchive, ZipWriter};

// Files by hand.

pub(crate) const TINY: [&str; 8] = [
    "tiny_bare.pt",
    "tiny_bf16.pt",
    "tiny_cuda_tag.pt",
    "tiny_f16.pt",
    "tiny_f64.pt",
    "tiny_legacy.pt",
    "tiny_views.pt",
    "tiny_zip.pt",
];

pub(crate) fn tiny(name: &str) -> Vec<u8> {
    let dir = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data/torch");
    std::fs::read(dir.join(name)).unwrap()
}

pub(crate) fn zipped_with(records: &[(&str, &[u8])], method: CompressionMethod) -> Vec<u8> {
    let mut writer = ZipWriter::new(Cursor::new(Vec::new()));
    for (name, bytes) in records {
        writer
            .start_file(
                *name,
                SimpleFileOptions::default().compression_method(method),
            )
            .unwrap();
        writer.write_all(bytes).unwrap();
    }
    writer.finish().unwrap().into_inner()
}

pub(crate) fn zipped(records: &[(&str, &[u8])]) -> Vec<u8> {
    zipped_with(records, CompressionMethod::Stored)
}

pub(crate) fn unzipped(bytes: &[u8]) -> Vec<(String, Vec<u8>)> {
    let mut archive = ZipArchive::new(Cursor::new(bytes)).unwrap();
    (0..archive.len())
        .map(|index| {
            let mut file = archive.by_index(index).unwrap();
            let mut content = Vec::new();
            std::io::Read::read_to_end(&mut file, &mut content).unwrap();
            (file.name().unwrap().into_owned(), content)
        })
        .collect()
}

/// A checkpoint with this pickle and one storage, `0`, of the floats 0, 1, ..., 11.
pub(crate) fn with_pickle(pickle: &[u8]) -> Vec<u8> {
    zipped(&[("archive/data.pkl", pickle), ("archive/data/0", &floats())])
}

pub(crate) fn floats() -> Vec<u8> {
    (0..12_u8)
        .flat_map(|n| f32::from(n).to_le_bytes())
        .collect()
}

pub(crate) fn read_pickle(pickle: &[u8]) -> Result<TorchCheckpoint, TorchError> {
    TorchCheckpoint::from_bytes(&with_pickle(pickle))
}

// Pickles by hand.

pub(crate) fn joined(parts: &[&[u8]]) -> Vec<u8> {
    parts.concat()
}

pub(crate) fn text(text: &str) -> Vec<u8> {
    joined(&[b"X", &(text.len() as u32).to_le_bytes(), text.as_bytes()])
}

pub(crate) fn int(number: i64) -> Vec<u8> {
    joined(&[b"\x8a\x08", &number.to_le_bytes()])
}

pub(crate) fn ints(numbers: &[i64]) -> Vec<u8> {
    let items: Vec<u8> = numbers.iter().flat_map(|n| int(*n)).collect();
    joined(&[b"(", &items, b"t"])
}

pub(crate) fn storage(class: &str, key: &str, n_elements: i64) -> Vec<u8> {
    joined(&[
        b"(",
        &text("storage"),
        class.as_bytes(),
        &text(key),
        &text("cpu"),
        &int(n_elements),
        b"tQ",
    ])
}

pub(crate) fn tensor_in(storage: &[u8], offset: i64, shape: &[i64], stride: &[i64]) -> Vec<u8> {
    joined(&[
        b"ctorch._utils\n_rebuild_tensor_v2\n(",
        storage,
        &int(offset),
        &ints(shape),
        &ints(stride),
        b"\x89ccollections\nOrderedDict\n)RtR",
    ])
}

pub(crate) fn tensor(offset: i64, shape: &[i64], stride: &[i64]) -> Vec<u8> {
    tensor_in(
        &storage("ctorch\nFloatStorage\n", "0", 12),
        offset,
        shape,
        stride,
    )
}

/// A dict of the given entries, as a whole pickle.
pub(crate) fn dict(entries: &[(&str, Vec<u8>)]) -> Vec<u8> {
    let items: Vec<u8> = entries
        .iter()
        .flat_map(|(key, value)| joined(&[&text(key), value]))
        .collect();
    joined(&[b"\x80\x02}(", &items, b"u."])
}

pub(crate) fn honest() -> Vec<u8> {
    tensor(0, &[3, 4], &[4, 1])
}

// Honest forms.

/// Largest memory of this process so far; `None` where the system does not say.
pub(crate) fn peak_mebibytes() -> Option<u64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find(|line| line.starts_with("VmHWM:"))?;
    Some(line.split_whitespace().nth(1)?.parse::<u64>().ok()? / 1024)
}
