//! Archives: as they come, and with entries drawn from the input, since no change of an archive
//! survives its checksums.
#![no_main]

include!("house.rs");
#[allow(dead_code)]
#[path = "../../src/data/unpack.rs"]
mod unpack;

use std::fs;
use std::io::{Cursor, Write};
use std::path::Path;

use flate2::{Compression, write::GzEncoder};
use libfuzzer_sys::fuzz_target;
use manifest::Manifest;
use sources::Format;
use unpack::{Limits, unpack};
use zip::{ZipWriter, write::SimpleFileOptions};

const LIMITS: Limits = Limits {
    bytes: 1 << 12,
    entries: 16,
};
const ROOT: &str = "top";
/// Parts of names: good ones, and all that could lead astray.
const PARTS: [&[u8]; 16] = [
    b"top", b"top", b"top", b"a", b"b", b"..", b".", b"", b"a/b", b"c:", b"\\", b"\xff", b"\0",
    b"\n", b"-", b".hidden",
];

/// An entry: its kind, its name, its content.
type Entry = (u8, Vec<u8>, Vec<u8>);

/// Entries of four bytes each: kind, two or three parts of a name, length.
fn drawn(data: &[u8]) -> Vec<Entry> {
    let entries = data.as_chunks::<4>().0.iter().take(24);
    let entry = |&[kind, first, second, length]: &[u8; 4]| {
        let part = |byte: u8| PARTS[usize::from(byte) % PARTS.len()];
        let mut name = [part(first), b"/", part(first >> 4), b"/", part(second)].concat();
        if second >= 128 {
            name.extend_from_slice(&[b'x'; 90]);
        }
        (kind, name, vec![b'.'; 8 * usize::from(length)])
    };
    entries.map(entry).collect()
}

fn tar(entries: &[Entry]) -> Vec<u8> {
    let mut file = Vec::new();
    for (kind, name, content) in entries {
        let mut header = tar::Header::new_gnu();
        let length = name.len().min(100);
        header.as_old_mut().name[..length].copy_from_slice(&name[..length]);
        // Sizes that lie, now and then.
        let size = content.len() as u64 + u64::from(*kind >= 200) * u64::from(*kind);
        header.set_size(size);
        header.set_mode(0o777);
        header.as_old_mut().linkname[..5].copy_from_slice(b"../up");
        let kinds = b"0000000005512LKxg34S7\0";
        header.as_old_mut().linkflag[0] = kinds[usize::from(*kind) % kinds.len()];
        header.set_cksum();
        file.extend_from_slice(header.as_bytes());
        file.extend_from_slice(content);
        file.resize(file.len().next_multiple_of(512), 0);
    }
    file
}

fn gz(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
    encoder.write_all(bytes).expect("in memory");
    encoder.finish().expect("in memory")
}

/// `None` for names that the writer itself refuses.
fn zip(entries: &[Entry]) -> Option<Vec<u8>> {
    let mut writer = ZipWriter::new(Cursor::new(Vec::new()));
    let options = SimpleFileOptions::default();
    for (kind, name, content) in entries {
        let name = String::from_utf8(name.clone()).ok()?;
        if *kind >= 240 {
            writer.add_symlink(name, "../up", options).ok()?;
        } else {
            writer.start_file(name, options).ok()?;
            writer.write_all(content).ok()?;
        }
    }
    Some(writer.finish().ok()?.into_inner())
}

/// Files below a folder and their bytes; nothing there may be a link.
fn census(folder: &Path) -> (usize, u64) {
    let (mut files, mut bytes) = (0, 0);
    for entry in fs::read_dir(folder).expect("a folder") {
        let entry = entry.expect("readable");
        let kind = entry.file_type().expect("readable");
        assert!(!kind.is_symlink(), "{:?}", entry.path());
        if kind.is_dir() {
            let (more_files, more_bytes) = census(&entry.path());
            (files, bytes) = (files + more_files, bytes + more_bytes);
        } else {
            let length = entry.metadata().expect("readable").len();
            (files, bytes) = (files + 1, bytes + length);
        }
    }
    (files, bytes)
}

/// Whatever the archive, nothing comes out beside `into`, and no more than may.
fn check(archive: &[u8], format: Format) {
    let room = tempfile::tempdir().expect("writable");
    let (file, into) = (room.path().join("archive"), room.path().join("into"));
    fs::write(&file, archive).expect("writable");
    let unpacked = unpack(&[file], format, ROOT, &into, LIMITS);
    assert_eq!(fs::read_dir(room.path()).expect("there").count(), 2);
    let (files, bytes) = census(&into);
    assert!(bytes <= LIMITS.bytes && files as u64 <= LIMITS.entries);
    let Ok(list) = unpacked else { return };
    assert_eq!(list.len(), files);
    assert_eq!(list.compare(&into).expect("readable"), [""; 0]);
    let written = room.path().join("list.sha256");
    list.write(&written, "folder").expect("writable");
    assert_eq!(
        Manifest::read(&written, "folder").expect("just written"),
        list
    );
}

fuzz_target!(|data: &[u8]| {
    match data {
        [0x1f, 0x8b, ..] => check(data, Format::TarGz),
        [b'P', b'K', ..] => check(data, Format::Zip),
        // Not an archive: the content of one, and what to make of entries.
        [b't', rest @ ..] => check(&gz(&tar(&drawn(rest))), Format::TarGz),
        [b'z', rest @ ..] => {
            if let Some(archive) = zip(&drawn(rest)) {
                check(&archive, Format::Zip);
            }
        }
        _ => check(&gz(data), Format::TarGz),
    }
});
