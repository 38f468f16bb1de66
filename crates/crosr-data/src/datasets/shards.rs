//! Tar files in WebDataset's layout: the files of a sample lie together and share their name up to
//! the first dot (`0001.png`, `0001.cls`).

use std::fs::File;
use std::io::{BufRead, Read, Seek, SeekFrom};
use std::path::{Path, PathBuf};

use flate2::bufread::MultiGzDecoder;
use tar::{Archive, Entries, Entry};

use crate::dataset::{Dataset, Sample, in_range};
use crate::decode::{MAX_BYTES, decode};
use crate::error::{DataError, Result};
use crate::formats::{damaged, is_gzipped, malformed, names, open, read_text};
use crate::image::Image;
use crate::walk::{ending, entries};

/// Names of the classes, a line each, in a file beside the shards.
const CLASS_NAMES: &str = "classnames.txt";
/// Most bytes of a label.
const MAX_LABEL: u64 = 64;
/// Most classes that a label may imply where no file names them.
const MAX_CLASSES: usize = 1 << 20;

/// Pictures in tar files, at any position: where each lies is listed when the dataset is opened,
/// and one is read when a sample is asked for. 40 bytes a sample stay in memory.
///
/// A sample is a PNG or JPEG file and, if it belongs to a class, a `.cls` file with the class's
/// number. Names of classes come from `classnames.txt` beside the first shard, a line each;
/// without that file, the numbers serve. Compressed shards can be read from their start only, by
/// [`read_shard`].
#[derive(Clone, Debug)]
pub struct TarShards {
    class_names: Vec<String>,
    shards: Vec<PathBuf>,
    members: Vec<Member>,
}

/// Where a picture lies.
#[derive(Clone, Copy, Debug)]
struct Member {
    shard: usize,
    offset: u64,
    len: u64,
    label: Option<usize>,
}

impl TarShards {
    /// All `.tar` files in `folder`, sorted by name.
    ///
    /// # Errors
    /// As [`TarShards::open`]; [`DataError::NoPictures`] where there is none.
    pub fn folder(folder: &Path) -> Result<Self> {
        let shards: Vec<PathBuf> = entries(folder)?
            .into_iter()
            .filter(|path| ending(path) == "tar")
            .collect();
        if shards.is_empty() {
            return Err(DataError::NoPictures {
                path: folder.to_owned(),
            });
        }
        Self::open(shards)
    }

    /// These tar files, one after the other.
    ///
    /// # Errors
    /// [`DataError::Missing`], [`DataError::Io`], [`DataError::Malformed`] for what is no tar file
    /// or cut off, and for a label that is no number or has no name, [`DataError::NoPictures`].
    pub fn open(shards: Vec<PathBuf>) -> Result<Self> {
        let mut members = Vec::new();
        for (shard, path) in shards.iter().enumerate() {
            let mut file = open(path)?;
            if is_gzipped(&mut file, path)? {
                let what = "a compressed shard has no places to jump to; unpack it with gunzip";
                return Err(malformed(path, what));
            }
            let end = file.get_ref().metadata();
            let end = end
                .map_err(|source| DataError::unreadable(path, source))?
                .len();
            let mut archive = Archive::new(file);
            let listed = archive.entries_with_seek();
            grouped(
                listed.map_err(|source| damaged(path, source))?,
                path,
                |entry| {
                    let (offset, len) = (entry.raw_file_position(), entry.size());
                    match offset.checked_add(len) {
                        Some(last) if last <= end => Ok((offset, len)),
                        _ => Err(malformed(path, "cut off within its last picture")),
                    }
                },
                |(offset, len), label| {
                    members.push(Member {
                        shard,
                        offset,
                        len,
                        label,
                    });
                    Ok(())
                },
            )?;
        }
        let first = shards.first().cloned().unwrap_or_default();
        if members.is_empty() {
            return Err(DataError::NoPictures { path: first });
        }
        let highest = members.iter().filter_map(|member| member.label).max();
        let class_names = class_names(&first, highest)?;
        Ok(Self {
            class_names,
            shards,
            members,
        })
    }
}

/// The names beside the shards, which must be enough; numbers where there is no such file.
fn class_names(shard: &Path, highest: Option<usize>) -> Result<Vec<String>> {
    let Some(highest) = highest else {
        return Ok(Vec::new());
    };
    let list = shard.with_file_name(CLASS_NAMES);
    if !list.is_file() {
        return Ok((0..=highest).map(|class| class.to_string()).collect());
    }
    let names = names(&read_text(&list)?);
    if names.len() <= highest {
        let named = names.len();
        let what = format!("{named} names, the shards have samples of class {highest}");
        return Err(malformed(&list, what));
    }
    Ok(names)
}

/// Reads a shard from its start, plain or gzipped, and hands over sample after sample: nothing is
/// kept, so a shard of any length, or a pipe, takes the memory of one picture. `path` is named in
/// errors.
///
/// ```
/// use std::path::Path;
///
/// # fn main() -> Result<(), crosr_data::DataError> {
/// # let mut png = Vec::new();
/// # let grey = image::GrayImage::from_raw(1, 1, vec![7]).unwrap();
/// # grey.write_to(&mut std::io::Cursor::new(&mut png), image::ImageFormat::Png).unwrap();
/// # let mut tar = tar::Builder::new(Vec::new());
/// # for (name, data) in [("a.png", &png[..]), ("a.cls", b"3")] {
/// #     let mut header = tar::Header::new_ustar();
/// #     header.set_size(data.len() as u64);
/// #     tar.append_data(&mut header, name, data).unwrap();
/// # }
/// # let shard = tar.into_inner().unwrap();
/// let mut labels = Vec::new();
/// crosr_data::read_shard(&shard[..], Path::new("shard.tar"), |sample| {
///     labels.push(sample.label);
///     Ok(())
/// })?;
/// assert_eq!(labels, [Some(3)]);
/// # Ok(())
/// # }
/// ```
///
/// # Errors
/// As [`TarShards::open`], [`DataError::Picture`] and its like for a picture that cannot be
/// decoded, and whatever `each` returns.
pub fn read_shard(
    reader: impl BufRead,
    path: &Path,
    mut each: impl FnMut(Sample) -> Result<()>,
) -> Result<()> {
    let mut reader = reader;
    let plain: Box<dyn Read + '_> = if is_gzipped(&mut reader, path)? {
        Box::new(MultiGzDecoder::new(reader))
    } else {
        Box::new(reader)
    };
    let mut archive = Archive::new(plain);
    let listed = archive.entries().map_err(|source| damaged(path, source))?;
    grouped(
        listed,
        path,
        |entry| {
            let name = entry.path().map(|name| path.join(name));
            let name = name.map_err(|source| damaged(path, source))?;
            let bytes = content(entry, MAX_BYTES, path)?;
            decode(bytes, &name)
        },
        |image, label| each(Sample { image, label }),
    )
}

/// Walks through a tar file's samples: `picture` makes something of each picture's entry, `emit`
/// gets it with its label once all files of the sample have been seen.
fn grouped<R: Read, T>(
    listed: Entries<'_, R>,
    path: &Path,
    mut picture: impl FnMut(&mut Entry<'_, R>) -> Result<T>,
    mut emit: impl FnMut(T, Option<usize>) -> Result<()>,
) -> Result<()> {
    let mut key: Option<PathBuf> = None;
    let (mut found, mut label) = (None, None);
    for entry in listed {
        let mut entry = entry.map_err(|source| damaged(path, source))?;
        if !entry.header().entry_type().is_file() {
            continue;
        }
        let name = entry.path().map_err(|source| damaged(path, source))?;
        let file = name.file_name().unwrap_or_default().to_string_lossy();
        let stem = file.split('.').next().unwrap_or_default();
        if stem.is_empty() {
            continue;
        }
        let (here, kind) = (name.with_file_name(stem), ending(&name));
        if key.as_deref() != Some(here.as_path()) {
            if let Some(picture) = found.take() {
                emit(picture, label)?;
            }
            label = None;
            key = Some(here);
        }
        match kind.as_str() {
            "png" | "jpg" | "jpeg" if found.is_none() => found = Some(picture(&mut entry)?),
            "cls" => label = Some(class(&mut entry, path)?),
            _ => {}
        }
    }
    match found {
        Some(picture) => emit(picture, label),
        None => Ok(()),
    }
}

/// A class's number, as text.
fn class<R: Read>(entry: &mut Entry<'_, R>, path: &Path) -> Result<usize> {
    let bytes = content(entry, MAX_LABEL, path)?;
    let text = String::from_utf8_lossy(&bytes);
    let class = text
        .trim()
        .parse()
        .ok()
        .filter(|&class| class < MAX_CLASSES);
    class.ok_or_else(|| {
        let name = entry.path().unwrap_or_default().display().to_string();
        malformed(
            path,
            format!("{name}: {:?} is no class's number", text.trim()),
        )
    })
}

/// An entry's bytes, at most so many.
fn content<R: Read>(entry: &mut Entry<'_, R>, most: u64, path: &Path) -> Result<Vec<u8>> {
    let len = entry.size();
    if len > most {
        let name = entry.path().unwrap_or_default().display().to_string();
        return Err(malformed(
            path,
            format!("{name}: {len} bytes, at most {most} are read"),
        ));
    }
    let mut bytes = Vec::new();
    let read = entry.read_to_end(&mut bytes);
    read.map_err(|source| damaged(path, source))?;
    if bytes.len() as u64 != len {
        return Err(malformed(path, "cut off"));
    }
    Ok(bytes)
}

impl Dataset for TarShards {
    fn class_names(&self) -> &[String] {
        &self.class_names
    }

    fn len(&self) -> usize {
        self.members.len()
    }

    fn sample(&self, index: usize) -> Result<Sample> {
        in_range(index, self.len())?;
        let member = self.members[index];
        let path = &self.shards[member.shard];
        Ok(Sample {
            image: picture_at(path, member)?,
            label: member.label,
        })
    }

    fn label(&self, index: usize) -> Result<Option<usize>> {
        in_range(index, self.len())?;
        Ok(self.members[index].label)
    }
}

fn picture_at(path: &Path, member: Member) -> Result<Image> {
    let unreadable = |source| DataError::unreadable(path, source);
    if member.len > MAX_BYTES {
        return Err(unreadable(std::io::ErrorKind::FileTooLarge.into()));
    }
    let mut file = File::open(path).map_err(unreadable)?;
    file.seek(SeekFrom::Start(member.offset))
        .map_err(unreadable)?;
    let mut bytes = vec![0; member.len as usize];
    file.read_exact(&mut bytes)
        .map_err(|source| damaged(path, source))?;
    decode(bytes, path)
}
