//! PyTorch's two containers: the zip archive, and what came before PyTorch 1.6.

use std::borrow::Cow;
use std::collections::HashMap;
use std::io::{Cursor, Read};

use crosr_pickle::{Object, Pickle, Value, shortened};
use zip::{CompressionMethod, ZipArchive, result::ZipError};

use super::error::TorchError;
use super::rebuild::Torch;
use super::value::{Made, StorageClaim};

/// Most bytes of the pickle in a zip archive; a state dict takes about 300 a tensor.
const MAX_PICKLE_BYTES: usize = 64 << 20;
/// `0x1950a86a20f9469cfc6c` in little-endian order, the first pickle of the older container.
const MAGIC: [u8; 10] = [0x6c, 0xfc, 0x9c, 0x46, 0xf9, 0x20, 0x6a, 0xa8, 0x50, 0x19];
/// The only version of the older container.
const PROTOCOL: i64 = 1001;
/// How errors name the older container, which has no records.
const LEGACY: &str = "legacy container";

/// Where the numbers of the storages come from.
pub(super) enum Storages<'a> {
    /// Records `<folder>data/<key>` of a zip archive.
    Zip {
        archive: Archive<'a>,
        folder: String,
        /// How many bytes may still be read: honest records do not overlap.
        bytes_left: usize,
    },
    /// Slices of the file, by key.
    Legacy(HashMap<&'a str, &'a [u8]>),
}

impl<'a> Storages<'a> {
    /// The bytes of a storage, `n_bytes` or a fraction of an element more.
    pub(super) fn read(
        &mut self,
        claim: &StorageClaim<'_>,
        n_bytes: usize,
    ) -> Result<Cow<'a, [u8]>, TorchError> {
        let wrong = |what: String| TorchError::Storage {
            key: shortened(claim.key),
            what,
        };
        let bytes = match self {
            Self::Legacy(slices) => match slices.get(claim.key) {
                Some(slice) => Cow::Borrowed(*slice),
                None => return Err(wrong("it is not in the file".to_owned())),
            },
            Self::Zip {
                archive,
                folder,
                bytes_left,
            } => {
                if n_bytes > *bytes_left {
                    return Err(wrong(
                        "all storages together are larger than the file".to_owned(),
                    ));
                }
                let record = format!("{folder}data/{}", claim.key);
                let most = n_bytes + claim.dtype.size() - 1;
                let bytes = archive.record(record.as_bytes(), most)?;
                *bytes_left = bytes_left.saturating_sub(bytes.len());
                Cow::Owned(bytes)
            }
        };
        if bytes.len() < n_bytes {
            return Err(wrong(format!(
                "{} bytes, {n_bytes} are claimed",
                bytes.len()
            )));
        }
        Ok(bytes)
    }
}

/// A zip archive whose records are read whole, within bounds.
pub(super) struct Archive<'a>(ZipArchive<Cursor<&'a [u8]>>);

impl<'a> Archive<'a> {
    pub(super) fn open(bytes: &'a [u8]) -> Result<Self, TorchError> {
        let zip = |source| TorchError::Zip {
            record: "directory".to_owned(),
            source,
        };
        let archive = ZipArchive::new(Cursor::new(bytes)).map_err(zip)?;
        if archive.has_duplicate_names() {
            return Err(zip(ZipError::InvalidArchive(
                "two records of the same name".into(),
            )));
        }
        Ok(Self(archive))
    }

    /// The folder in which `data.pkl` lies, with the slash behind it. `torch.save` names it after
    /// the file, or `archive`.
    pub(super) fn folder(&self) -> Result<String, TorchError> {
        let missing = |what: &str| TorchError::Record {
            record: "data.pkl".to_owned(),
            what: format!("{what}; give a file written by torch.save"),
        };
        let mut folders = self.0.file_names_raw().filter_map(|name| {
            let folder = name.strip_suffix(b"data.pkl")?;
            let is_top = matches!(folder, [] | [.., b'/'])
                && folder.iter().filter(|byte| **byte == b'/').count() <= 1;
            is_top.then_some(folder)
        });
        match (folders.next(), folders.next()) {
            (Some(folder), None) => String::from_utf8(folder.to_vec())
                .map_err(|_| missing("its folder's name is not UTF-8")),
            (None, _) => Err(missing("the zip archive has none in its top folder")),
            (Some(_), Some(_)) => Err(missing("the zip archive has more than one")),
        }
    }

    /// Whether multi-byte numbers are stored most significant byte first.
    pub(super) fn is_big_endian(&mut self, folder: &str) -> Result<bool, TorchError> {
        let record = format!("{folder}byteorder");
        if self.0.index_for_name_raw(record.as_bytes()).is_none() {
            return Ok(false); // before PyTorch 2.1
        }
        match self.record(record.as_bytes(), 16)?.as_slice() {
            b"little" => Ok(false),
            b"big" => Ok(true),
            _ => Err(TorchError::Record {
                record,
                what: "neither little nor big".to_owned(),
            }),
        }
    }

    /// The pickle of the archive.
    pub(super) fn pickle(&mut self, folder: &str) -> Result<(String, Vec<u8>), TorchError> {
        let record = format!("{folder}data.pkl");
        let bytes = self.record(record.as_bytes(), MAX_PICKLE_BYTES)?;
        Ok((record, bytes))
    }

    /// A record of `most` bytes at most, its checksum verified. Compressed records are refused,
    /// so no record is larger than the file.
    fn record(&mut self, name: &[u8], most: usize) -> Result<Vec<u8>, TorchError> {
        let record = || shortened(&String::from_utf8_lossy(name));
        let zip = |source| TorchError::Zip {
            record: record(),
            source,
        };
        let wrong = |what| TorchError::Record {
            record: record(),
            what,
        };
        let Some(index) = self.0.index_for_name_raw(name) else {
            return Err(wrong(
                "missing from the zip archive; fetch the file again".to_owned(),
            ));
        };
        let file = self.0.by_index(index).map_err(zip)?;
        if file.compression() != CompressionMethod::Stored {
            return Err(wrong(
                "compressed, torch.save never does that; load the file in PyTorch and save it again"
                    .to_owned(),
            ));
        }
        let size = file.size();
        if usize::try_from(size).map_or(true, |size| size > most) {
            return Err(wrong(format!("{size} bytes, {most} are the most")));
        }
        let mut bytes = Vec::new();
        file.take(size.saturating_add(1))
            .read_to_end(&mut bytes)
            .map_err(|error| zip(ZipError::Io(error)))?;
        if bytes.len() as u64 != size {
            return Err(wrong(format!("not the {size} bytes of the zip directory")));
        }
        Ok(bytes)
    }
}

/// The pickle of a checkpoint, and where its numbers are.
type Found<'a> = (Pickle<'a, Torch>, Storages<'a>);

/// The container from before PyTorch 1.6: the pickles of a magic number, a version, the writing
/// machine, the object and the list of storage keys; then the storages in that order, each behind
/// the number of its elements (i64), all little-endian whatever machine wrote them.
///
/// `None` if the magic number is not there.
pub(super) fn legacy(bytes: &[u8]) -> Result<Option<Found<'_>>, TorchError> {
    // Any protocol: PROTO, version, LONG1, length, number, STOP.
    if !matches!(bytes, [0x80, _, 0x8a, 10, rest @ ..] if rest.starts_with(&MAGIC)) {
        return Ok(None);
    }
    let malformed = |offset: usize, what: String| TorchError::Pickle {
        record: LEGACY.to_owned(),
        offset,
        what,
    };
    let read =
        |start| Pickle::<Torch>::read(bytes, start).map_err(|error| TorchError::of(error, LEGACY));
    let magic = read(0)?;
    let version = read(magic.end)?;
    if !matches!(version.root, Value::Int(PROTOCOL)) {
        return Err(malformed(
            magic.end,
            format!("a version other than {PROTOCOL}"),
        ));
    }
    let machine = read(version.end)?;
    let object = read(machine.end)?;
    let keys = read(object.end)?;
    let Some(Object::List(key_list)) = keys.object(keys.root) else {
        return Err(malformed(object.end, "no list of storage keys".to_owned()));
    };

    let mut claims: HashMap<&str, StorageClaim<'_>> = HashMap::new();
    let storages = object.objects.iter().filter_map(|object| match object {
        Object::Made(Made::Storage(claim)) => Some(*claim),
        _ => None,
    });
    for claim in storages {
        let first = claims.entry(claim.key).or_insert(claim);
        if first.dtype != claim.dtype || first.n_elements != claim.n_elements {
            return Err(TorchError::Storage {
                key: shortened(claim.key),
                what: "named with two types or sizes".to_owned(),
            });
        }
    }

    let mut slices = HashMap::new();
    let mut position = keys.end;
    for key in key_list {
        let Value::Str(key) = *key else {
            return Err(malformed(
                object.end,
                format!("{} as a storage key", key.kind()),
            ));
        };
        let wrong = |what| TorchError::Storage {
            key: shortened(key),
            what,
        };
        let Some(claim) = claims.get(key) else {
            return Err(wrong(
                "in the list of keys, but no tensor names it".to_owned(),
            ));
        };
        let rest = &bytes[position..];
        let Some((count, rest)) = rest.split_first_chunk::<8>() else {
            return Err(wrong(format!("the file ends at {} before it", bytes.len())));
        };
        let count = i64::from_le_bytes(*count);
        if count != claim.n_elements {
            return Err(wrong(format!(
                "{count} elements at offset {position}, {} are claimed",
                claim.n_elements
            )));
        }
        let n_bytes = usize::try_from(count)
            .ok()
            .and_then(|n| n.checked_mul(claim.dtype.size()));
        let Some(slice) = n_bytes.and_then(|n_bytes| rest.get(..n_bytes)) else {
            return Err(wrong(format!(
                "{count} elements at offset {position}, the file ends at {}",
                bytes.len()
            )));
        };
        position += 8 + slice.len();
        if slices.insert(key, slice).is_some() {
            return Err(wrong("twice in the list of keys".to_owned()));
        }
    }
    Ok(Some((object, Storages::Legacy(slices))))
}
