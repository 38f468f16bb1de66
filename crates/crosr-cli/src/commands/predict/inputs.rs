//! From paths on the command line to pictures, one after the other.

use std::io::{self, BufRead, Read};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use crosr_data::{DataError, Listed, is_named_picture, walk};
use glob::MatchOptions;

/// Longest line of a list of paths, in bytes.
const MAX_LINE: u64 = 1 << 16;

/// As a shell has it, but that case counts everywhere.
const MATCHING: MatchOptions = MatchOptions {
    case_sensitive: true,
    require_literal_separator: true,
    require_literal_leading_dot: true,
};

/// Pictures that are listed as they are asked for.
type Pictures = Box<dyn Iterator<Item = Listed> + Send>;

/// What the paths stand for, in their order; files in folders that are not named as pictures are
/// counted in `skipped`.
pub(super) fn list(paths: Vec<PathBuf>, skipped: Arc<AtomicUsize>) -> Pictures {
    Box::new(paths.into_iter().flat_map(move |path| {
        let skipped = skipped.clone();
        if path.as_os_str() == "-" {
            Box::new(lines().flat_map(move |line| match line.error {
                None => place(line.path, &skipped),
                Some(_) => one(line),
            }))
        } else if path.symlink_metadata().is_ok() {
            place(path, &skipped)
        } else {
            pattern(path, skipped)
        }
    }))
}

fn one(listed: Listed) -> Pictures {
    Box::new(std::iter::once(listed))
}

/// A picture, or the pictures of a folder.
fn place(path: PathBuf, skipped: &Arc<AtomicUsize>) -> Pictures {
    if path.is_dir() {
        Box::new(folder(path, skipped.clone()))
    } else {
        one(path.into())
    }
}

/// All that matches, if it is a pattern at all.
fn pattern(path: PathBuf, skipped: Arc<AtomicUsize>) -> Pictures {
    let text = path.to_str().filter(|text| text.contains(['*', '?', '[']));
    let Some(Ok(paths)) = text.map(|text| glob::glob_with(text, MATCHING)) else {
        return one(path.into());
    };
    let mut paths = paths.peekable();
    if paths.peek().is_none() {
        let what = io::Error::new(io::ErrorKind::NotFound, "nothing matches this pattern");
        return one(failed(&path, what));
    }
    Box::new(paths.flat_map(move |found| match found {
        Ok(path) => place(path, &skipped),
        Err(error) => {
            let path = error.path().to_owned();
            one(failed(&path, error.into()))
        }
    }))
}

fn folder(path: PathBuf, skipped: Arc<AtomicUsize>) -> impl Iterator<Item = Listed> + Send {
    let mut files = walk(&path);
    let mut empty = true;
    std::iter::from_fn(move || {
        for listed in files.by_ref() {
            if listed.error.is_some() || is_named_picture(&listed.path) {
                empty = false;
                return Some(listed);
            }
            skipped.fetch_add(1, Ordering::Relaxed);
        }
        let nothing = DataError::NoPictures { path: path.clone() };
        std::mem::take(&mut empty).then(|| Listed::failed(&path, nothing))
    })
}

/// Lines of standard input that are not empty.
fn lines() -> impl Iterator<Item = Listed> + Send {
    let mut ended = false;
    std::iter::from_fn(move || {
        while !ended {
            let mut line = Vec::new();
            // Locked for a line at a time: the lock cannot go to another thread.
            let read = io::stdin()
                .lock()
                .take(MAX_LINE)
                .read_until(b'\n', &mut line);
            if let Err(error) = read {
                ended = true;
                return Some(failed(Path::new("-"), error));
            }
            let whole = line.ends_with(b"\n");
            if line.len() as u64 == MAX_LINE && !whole {
                ended = true;
                let what = format!("a line of more than {MAX_LINE} bytes is no path");
                let what = io::Error::new(io::ErrorKind::InvalidData, what);
                return Some(failed(Path::new("-"), what));
            }
            ended = !whole;
            if whole {
                line.pop();
            }
            if line.ends_with(b"\r") {
                line.pop();
            }
            if !line.is_empty() {
                return Some(path_of(line).into());
            }
        }
        None
    })
}

#[cfg(unix)]
fn path_of(line: Vec<u8>) -> PathBuf {
    use std::os::unix::ffi::OsStringExt;
    std::ffi::OsString::from_vec(line).into()
}

#[cfg(not(unix))]
fn path_of(line: Vec<u8>) -> PathBuf {
    String::from_utf8_lossy(&line).into_owned().into()
}

fn failed(path: &Path, source: io::Error) -> Listed {
    let error = DataError::Io {
        path: path.to_owned(),
        source,
    };
    Listed::failed(path, error)
}
