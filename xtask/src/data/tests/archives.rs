//! Archives made on the spot, good ones and bad ones.

use std::io::Write;

use flate2::Compression;
use flate2::write::GzEncoder;
use tar::EntryType;
use zip::write::SimpleFileOptions;

/// An entry of a tar file: its name as it stands there, its kind, its content or link target.
pub(crate) type Entry<'a> = (&'a str, EntryType, &'a [u8]);

/// The name is written as it is: `tar::Builder` itself refuses what these tests are about.
pub(crate) fn tar(entries: &[Entry<'_>]) -> Vec<u8> {
    let mut builder = tar::Builder::new(Vec::new());
    for &(name, kind, content) in entries {
        let mut header = tar::Header::new_gnu();
        header.as_old_mut().name[..name.len()].copy_from_slice(name.as_bytes());
        header.set_entry_type(kind);
        header.set_mode(0o644);
        let link = matches!(kind, EntryType::Symlink | EntryType::Link);
        if link {
            header.as_old_mut().linkname[..content.len()].copy_from_slice(content);
        }
        let content = if link { &[][..] } else { content };
        header.set_size(content.len() as u64);
        header.set_cksum();
        builder.append(&header, content).unwrap();
    }
    builder.into_inner().unwrap()
}

pub(crate) fn gz(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

/// A `.tar.gz` of plain files and nothing else.
pub(crate) fn tar_gz(files: &[(&str, &[u8])]) -> Vec<u8> {
    let entries: Vec<Entry<'_>> = files
        .iter()
        .map(|&(name, content)| (name, EntryType::Regular, content))
        .collect();
    gz(&tar(&entries))
}

/// A `.zip` of files; a name that ends in `@` becomes a symbolic link.
pub(crate) fn zip(files: &[(&str, &[u8])]) -> Vec<u8> {
    let mut writer = zip::ZipWriter::new(std::io::Cursor::new(Vec::new()));
    for &(name, content) in files {
        let options = SimpleFileOptions::default();
        if let Some(name) = name.strip_suffix('@') {
            writer
                .add_symlink(name, str::from_utf8(content).unwrap(), options)
                .unwrap();
        } else {
            writer.start_file(name, options).unwrap();
            writer.write_all(content).unwrap();
        }
    }
    writer.finish().unwrap().into_inner()
}
