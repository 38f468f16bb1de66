//! TinyImageNet as Stanford's course distributes it.

use std::collections::HashMap;
use std::fs;
use std::path::{Path, PathBuf};

use super::cifar::Split;
use super::folder::{ImageFolder, pictures};
use super::idx::inside;
use crate::error::{DataError, Result};
use crate::formats::{malformed, read_text};

/// TinyImageNet-200 (Le & Yang, 2015): 200 classes of 64 x 64 pictures, 100,000 to train; the
/// 10,000 of the validation part serve as test pictures, since the test part has no labels.
#[derive(Clone, Debug)]
pub struct TinyImageNet;

impl TinyImageNet {
    /// Lists the pictures below `folder` or the `tiny-imagenet-200` inside it.
    ///
    /// Classes have the order of `wnids.txt`, by which published class splits number them, and the
    /// first name that `words.txt` gives, or their identifier where that name is taken.
    ///
    /// # Errors
    /// [`DataError::Missing`], [`DataError::Io`], [`DataError::NoPictures`] for a class without
    /// pictures, [`DataError::Malformed`] for a list that names an unknown class.
    pub fn open(folder: &Path, split: Split) -> Result<ImageFolder> {
        let folder = inside(folder, "tiny-imagenet-200");
        let list = folder.join("wnids.txt");
        let identifiers: Vec<String> = read_text(&list)?
            .split_whitespace()
            .map(str::to_owned)
            .collect();
        if identifiers.len() < 2 {
            return Err(DataError::NoClasses {
                path: list,
                found: identifiers.len(),
            });
        }
        let files = match split {
            Split::Train => {
                let mut files = Vec::new();
                for (label, identifier) in identifiers.iter().enumerate() {
                    let found = pictures(&folder.join("train").join(identifier))?;
                    files.extend(found.into_iter().map(|path| (path, Some(label))));
                }
                files
            }
            Split::Test => validation(&folder.join("val"), &identifiers)?,
        };
        Ok(ImageFolder::labelled(
            names(&folder.join("words.txt"), &identifiers),
            files,
        ))
    }
}

/// The pictures that `val_annotations.txt` lists: name, class, and a box that is of no use here.
fn validation(folder: &Path, identifiers: &[String]) -> Result<Vec<(PathBuf, Option<usize>)>> {
    let list = folder.join("val_annotations.txt");
    let classes: HashMap<&str, usize> = identifiers
        .iter()
        .enumerate()
        .map(|(label, identifier)| (identifier.as_str(), label))
        .collect();
    let text = read_text(&list)?;
    let mut files = Vec::new();
    for (line, entry) in text.lines().enumerate() {
        let mut fields = entry.split('\t');
        let (Some(file), Some(class)) = (fields.next(), fields.next()) else {
            let what = format!("line {}: a file and a class are expected", line + 1);
            return Err(malformed(&list, what));
        };
        let Some(&label) = classes.get(class) else {
            let what = format!("line {}: {class:?} is not in wnids.txt", line + 1);
            return Err(malformed(&list, what));
        };
        // A name, never a path that leads elsewhere.
        let name = Path::new(file).file_name().unwrap_or_default();
        files.push((folder.join("images").join(name), Some(label)));
    }
    if files.is_empty() {
        return Err(DataError::NoPictures { path: list });
    }
    Ok(files)
}

/// A name for each class: the first of its synonyms, unless an earlier class has it.
fn names(words: &Path, identifiers: &[String]) -> Vec<String> {
    // The words are for people; the data are complete without.
    let text = fs::read_to_string(words).unwrap_or_default();
    let known: HashMap<&str, &str> = text
        .lines()
        .filter_map(|line| line.split_once('\t'))
        .filter_map(|(identifier, names)| Some((identifier, names.split(',').next()?.trim())))
        .collect();
    let mut names: Vec<String> = Vec::with_capacity(identifiers.len());
    for identifier in identifiers {
        let name = known.get(identifier.as_str()).copied().unwrap_or_default();
        let taken = name.is_empty() || names.iter().any(|there| there == name);
        names.push(if taken {
            identifier.clone()
        } else {
            name.to_owned()
        });
    }
    names
}
