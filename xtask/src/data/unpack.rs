//! Unpacking an archive that nobody vouches for.
//!
//! Only files and folders come out, only under the folder asked for, and only so many bytes and
//! entries. Names that could lead elsewhere, links and special files end the unpacking.

use std::fs::{self, File, OpenOptions};
use std::io::{self, BufReader, BufWriter, Read, Write};
use std::path::{Path, PathBuf};

use flate2::read::MultiGzDecoder;
use tar::EntryType;
use zip::ZipArchive;

use super::digest::Hashing;
use super::manifest::Manifest;
use super::sources::Format;

/// Why an archive was refused.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub(crate) enum UnpackError {
    /// The archive itself is broken.
    #[error("{archive}: damaged: {source}", archive = archive.display())]
    Damaged { archive: PathBuf, source: io::Error },
    /// An entry's name leads elsewhere, or is no name at all.
    #[error("{archive}: refused: entry {name:?} {why}", archive = archive.display())]
    Name {
        archive: PathBuf,
        name: String,
        why: &'static str,
    },
    /// An entry is neither a file nor a folder.
    #[error("{archive}: refused: entry {name:?} is a {what}", archive = archive.display())]
    Kind {
        archive: PathBuf,
        name: String,
        what: &'static str,
    },
    /// More comes out than may.
    #[error("{archive}: refused: holds more than {limit} {what}", archive = archive.display())]
    Bomb {
        archive: PathBuf,
        limit: u64,
        what: &'static str,
    },
    /// What was asked for is not in it.
    #[error("{archive}: holds no file under {root:?}", archive = archive.display())]
    Empty { archive: PathBuf, root: String },
    /// A file cannot be written.
    #[error("{path}: {source}", path = path.display())]
    Disk { path: PathBuf, source: io::Error },
}

/// What may come out of an archive.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Limits {
    pub(crate) bytes: u64,
    pub(crate) entries: u64,
}

/// Unpacks the folder `root` of all archives as `into`, which must not exist; plain files are
/// copied there.
///
/// Entries outside `root` are looked at like all others, and left out. Nothing but content is
/// taken over: no owner, no permission, no time.
///
/// # Errors
/// Any of [`UnpackError`]; what was written until then stays in `into` for the caller to remove.
pub(crate) fn unpack(
    archives: &[PathBuf],
    format: Format,
    root: &str,
    into: &Path,
    limits: Limits,
) -> Result<Manifest, UnpackError> {
    fs::create_dir(into).map_err(|source| UnpackError::Disk {
        path: into.to_owned(),
        source,
    })?;
    let mut manifest = Manifest::default();
    for archive in archives {
        let mut unpacking = Unpacking {
            archive,
            root,
            into,
            limits,
            entries: 0,
            bytes: 0,
            manifest: Manifest::default(),
        };
        let file = File::open(archive).map_err(|error| unpacking.damaged(error))?;
        let mut file = BufReader::new(file);
        match format {
            Format::TarGz => unpacking.tar(MultiGzDecoder::new(file))?,
            Format::Zip => unpacking.zip(file)?,
            Format::Plain => {
                let name = archive.file_name().unwrap_or_default();
                unpacking.file(&Path::new(root).join(name), &mut file)?;
            }
        }
        if unpacking.manifest.is_empty() {
            return Err(UnpackError::Empty {
                archive: archive.clone(),
                root: root.to_owned(),
            });
        }
        manifest.extend(unpacking.manifest);
    }
    Ok(manifest)
}

struct Unpacking<'a> {
    archive: &'a Path,
    root: &'a str,
    into: &'a Path,
    limits: Limits,
    entries: u64,
    bytes: u64,
    manifest: Manifest,
}

impl Unpacking<'_> {
    fn tar(&mut self, stream: impl Read) -> Result<(), UnpackError> {
        // Names, headers and entries that are left out take room in the stream too; nothing of it
        // is read beyond this, whatever its headers promise.
        let headers = self
            .limits
            .entries
            .saturating_mul(2048)
            .saturating_add(1 << 16);
        let most = self.limits.bytes.saturating_add(headers);
        let mut archive = tar::Archive::new(Bounded {
            inner: stream,
            left: most,
        });
        for entry in archive.entries().map_err(|error| self.damaged(error))? {
            let mut entry = entry.map_err(|error| self.damaged(error))?;
            self.count()?;
            let kind = entry.header().entry_type();
            if kind == EntryType::XGlobalHeader {
                continue;
            }
            let path = self.safe(&entry.path_bytes())?;
            match kind {
                EntryType::Directory => self.folder(&path)?,
                EntryType::Regular | EntryType::Continuous => self.file(&path, &mut entry)?,
                other => {
                    let what = match other {
                        EntryType::Symlink => "symbolic link",
                        EntryType::Link => "hard link",
                        EntryType::Fifo => "pipe",
                        EntryType::Char | EntryType::Block => "device",
                        _ => "special entry",
                    };
                    return Err(self.kind(&path, what));
                }
            }
        }
        // The rest is padding; reading it lets the decoder compare its own checksum.
        let mut rest = archive.into_inner();
        io::copy(&mut rest, &mut io::sink()).map_err(|error| self.damaged(error))?;
        Ok(())
    }

    fn zip(&mut self, file: BufReader<File>) -> Result<(), UnpackError> {
        let mut archive = ZipArchive::new(file).map_err(|error| self.damaged(error.into()))?;
        for index in 0..archive.len() {
            let mut entry = archive
                .by_index(index)
                .map_err(|error| self.damaged(error.into()))?;
            self.count()?;
            let path = self.safe(entry.name_raw())?;
            if entry.is_symlink() {
                return Err(self.kind(&path, "symbolic link"));
            }
            if entry.is_dir() {
                self.folder(&path)?;
            } else {
                self.file(&path, &mut entry)?;
            }
        }
        Ok(())
    }

    fn count(&mut self) -> Result<(), UnpackError> {
        self.entries += 1;
        if self.entries > self.limits.entries {
            return Err(self.bomb(self.limits.entries, "entries"));
        }
        Ok(())
    }

    /// The name as a path that can only lead downwards.
    fn safe(&self, raw: &[u8]) -> Result<PathBuf, UnpackError> {
        safe_path(raw).map_err(|why| UnpackError::Name {
            archive: self.archive.to_owned(),
            name: String::from_utf8_lossy(raw).into_owned(),
            why,
        })
    }

    /// Where an entry goes; `None` if it lies outside the folder asked for.
    fn place(&self, path: &Path) -> Option<PathBuf> {
        path.strip_prefix(self.root)
            .ok()
            .map(|inner| self.into.join(inner))
    }

    fn folder(&self, path: &Path) -> Result<(), UnpackError> {
        let Some(place) = self.place(path) else {
            return Ok(());
        };
        fs::create_dir_all(&place).map_err(|source| UnpackError::Disk {
            path: place,
            source,
        })
    }

    fn file(&mut self, path: &Path, content: &mut impl Read) -> Result<(), UnpackError> {
        let Some(place) = self.place(path) else {
            return Ok(());
        };
        let disk = |source| UnpackError::Disk {
            path: place.clone(),
            source,
        };
        if path == Path::new(self.root) {
            return Err(self.name(path, "is a file, a folder is wanted"));
        }
        if let Some(parent) = place.parent() {
            fs::create_dir_all(parent).map_err(disk)?;
        }
        // An entry that comes twice is no accident: never over what is there.
        let file = match OpenOptions::new().write(true).create_new(true).open(&place) {
            Ok(file) => file,
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {
                return Err(self.name(path, "comes twice"));
            }
            Err(source) => return Err(disk(source)),
        };
        let mut writer = Hashing::new(BufWriter::with_capacity(1 << 16, file));
        let mut buffer = [0; 1 << 14];
        loop {
            let count = match content.read(&mut buffer) {
                Ok(0) => break,
                Ok(count) => count,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
                Err(error) => return Err(self.damaged(error)),
            };
            self.bytes += count as u64;
            if self.bytes > self.limits.bytes {
                return Err(self.bomb(self.limits.bytes, "bytes"));
            }
            writer.write_all(&buffer[..count]).map_err(disk)?;
        }
        let (writer, sha256) = writer.finish();
        writer
            .into_inner()
            .map_err(|error| disk(error.into_error()))?;
        // `place` has put it there, so the prefix is there.
        let inner = path.strip_prefix(self.root).unwrap_or(path);
        self.manifest.insert(inner, sha256);
        Ok(())
    }

    fn damaged(&self, error: io::Error) -> UnpackError {
        let bounded = error.get_ref().is_some_and(|inner| inner.is::<Exceeded>());
        if bounded {
            return self.bomb(self.limits.bytes, "bytes");
        }
        UnpackError::Damaged {
            archive: self.archive.to_owned(),
            source: error,
        }
    }

    fn bomb(&self, limit: u64, what: &'static str) -> UnpackError {
        UnpackError::Bomb {
            archive: self.archive.to_owned(),
            limit,
            what,
        }
    }

    fn name(&self, path: &Path, why: &'static str) -> UnpackError {
        let name = path.display().to_string();
        UnpackError::Name {
            archive: self.archive.to_owned(),
            name,
            why,
        }
    }

    fn kind(&self, path: &Path, what: &'static str) -> UnpackError {
        let name = path.display().to_string();
        UnpackError::Kind {
            archive: self.archive.to_owned(),
            name,
            what,
        }
    }
}

/// An entry's name as a relative path of plain names, the same on every system.
fn safe_path(raw: &[u8]) -> Result<PathBuf, &'static str> {
    let name = str::from_utf8(raw).map_err(|_| "has a name that is not UTF-8")?;
    if name.starts_with('/') {
        return Err("has an absolute path");
    }
    if name.contains(['\\', ':']) {
        return Err("has a backslash or colon in its name");
    }
    if name.chars().any(char::is_control) {
        return Err("has a control character in its name");
    }
    let mut path = PathBuf::new();
    for part in name.split('/') {
        match part {
            "" | "." => {}
            ".." => return Err("leads out of the folder"),
            part => path.push(part),
        }
    }
    Ok(path)
}

/// A stream that ends in an error, not in silence, when too much comes out of it.
struct Bounded<R> {
    inner: R,
    left: u64,
}

#[derive(Debug, thiserror::Error)]
#[error("more comes out of the archive than may")]
struct Exceeded;

impl<R: Read> Read for Bounded<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let count = self.inner.read(buffer)?;
        self.left = self
            .left
            .checked_sub(count as u64)
            .ok_or_else(|| io::Error::other(Exceeded))?;
        Ok(count)
    }
}
