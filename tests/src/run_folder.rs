//! What lies in a run folder, and whether it is whole.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use safetensors::SafeTensors;
use serde_json::Value;

/// How the name of a file begins that is not complete yet.
pub const UNFINISHED: &str = ".writing-";

/// What in `history.jsonl` is measured, not computed.
const TIMES: [&str; 3] = ["images_per_second", "seconds", "data_wait_seconds"];
/// What in a report depends on the time of day: the text before and after it.
const MOMENTS: [(&str, char); 4] = [
    ("\"evaluated\",\"", '"'),
    ("\"training took\",\"", '"'),
    ("<th>evaluated</th><td>", '<'),
    ("<th>training took</th><td>", '<'),
];

/// Every file in a folder and below, by its path from there.
pub type Files = BTreeMap<String, Vec<u8>>;

/// The files of a folder.
///
/// # Panics
/// When one cannot be read.
#[must_use]
pub fn files(folder: &Path) -> Files {
    let mut files = Files::new();
    for entry in fs::read_dir(folder).expect("a folder") {
        let path = entry.expect("readable").path();
        let name = path.file_name().expect("a name").to_string_lossy();
        if path.is_dir() {
            let inner = self::files(&path).into_iter();
            files.extend(inner.map(|(path, bytes)| (format!("{name}/{path}"), bytes)));
        } else {
            files.insert(name.into_owned(), fs::read(&path).expect("readable"));
        }
    }
    files
}

/// Puts files where [`files`] has found them, and takes away all others.
///
/// # Panics
/// When the folder cannot be written.
pub fn restore(folder: &Path, files: &Files) {
    if folder.exists() {
        fs::remove_dir_all(folder).expect("ours");
    }
    for (name, bytes) in files {
        let path = folder.join(name);
        fs::create_dir_all(path.parent().expect("in the folder")).expect("writable");
        fs::write(path, bytes).expect("writable");
    }
}

/// Checks that every file is complete, and counts those that say by their names that they are not.
///
/// # Panics
/// Naming a file that is half of one.
#[must_use]
pub fn unfinished(files: &Files) -> usize {
    let mut count = 0;
    for (path, bytes) in files {
        let name = path.rsplit('/').next().unwrap_or(path);
        if name.starts_with(UNFINISHED) {
            count += 1;
        } else if let Err(fault) = complete(name, bytes) {
            panic!("{path}, {} bytes: {fault}", bytes.len());
        }
    }
    count
}

/// Whether a file is all that its ending says.
fn complete(name: &str, bytes: &[u8]) -> Result<(), String> {
    let told = |e: &dyn std::fmt::Display| e.to_string();
    let text = || str::from_utf8(bytes).map_err(|e| told(&e));
    let ends = |with: &str| {
        let whole = text()?.trim_end().ends_with(with);
        whole.then_some(()).ok_or(format!("no {with:?} at its end"))
    };
    match name.rsplit_once('.').map_or("", |(_, ending)| ending) {
        "safetensors" => SafeTensors::deserialize(bytes)
            .map(drop)
            .map_err(|e| told(&e)),
        "toml" => text()?
            .parse::<toml::Table>()
            .map(drop)
            .map_err(|e| told(&e)),
        "json" => serde_json::from_slice::<Value>(bytes)
            .map(drop)
            .map_err(|e| told(&e)),
        "jsonl" => text()?.split_terminator('\n').try_for_each(|line| {
            serde_json::from_str::<Value>(line)
                .map(drop)
                .map_err(|e| told(&e))
        }),
        "csv" => {
            let text = text()?;
            let commas = |line: &str| line.matches(',').count();
            let columns = commas(text.lines().next().unwrap_or_default());
            let even = text.lines().all(|line| commas(line) == columns);
            (even && text.ends_with('\n'))
                .then_some(())
                .ok_or("uneven lines".to_owned())
        }
        "png" => image::load_from_memory(bytes)
            .map(drop)
            .map_err(|e| told(&e)),
        "html" => ends("</html>"),
        "svg" => ends("</svg>"),
        _ => Err("does not belong here".to_owned()),
    }
}

/// The lines of `history.jsonl` without the times that they took.
///
/// # Panics
/// When there is no history, or something else in it.
#[must_use]
pub fn history(run: &Path) -> Vec<Value> {
    let text = fs::read_to_string(run.join("history.jsonl")).expect("a history");
    text.lines().map(without_times).collect()
}

fn without_times(line: &str) -> Value {
    let mut line: Value = serde_json::from_str(line).expect("a line of JSON");
    let figures = line.as_object_mut().expect("an object");
    figures.retain(|name, _| !TIMES.contains(&name.as_str()));
    line
}

/// Epochs that a resumed training need not do again; 0 where there is nothing to resume.
///
/// # Panics
/// When `last.safetensors` is there but is not a training's state.
#[must_use]
pub fn epochs_saved(run: &Path) -> usize {
    let Ok(bytes) = fs::read(run.join("last.safetensors")) else {
        return 0;
    };
    let (_, header) = SafeTensors::read_metadata(&bytes).expect("a complete file");
    let metadata = header.metadata().as_ref().expect("metadata");
    metadata["epochs_done"].parse().expect("a number")
}

/// A file of a run without what depends on when it was made and how long that took.
///
/// # Panics
/// When it is not what its name says.
#[must_use]
pub fn timeless(path: &str, bytes: &[u8]) -> Vec<u8> {
    if path.ends_with(".jsonl") {
        let text = str::from_utf8(bytes).expect("UTF-8");
        let lines = text.lines().map(|line| without_times(line).to_string());
        return lines.collect::<Vec<_>>().join("\n").into_bytes();
    }
    if !path.ends_with(".html") && !path.ends_with(".json") {
        return bytes.to_vec();
    }
    let mut text = str::from_utf8(bytes).expect("UTF-8").to_owned();
    for (before, after) in MOMENTS {
        if let Some(found) = text.find(before) {
            let from = found + before.len();
            let to = text[from..]
                .find(after)
                .map_or(text.len(), |length| from + length);
            text.replace_range(from..to, "");
        }
    }
    text.into_bytes()
}

/// Checks that two runs left the same files, byte for byte but for times.
///
/// # Panics
/// Naming what differs.
pub fn same(found: &Files, expected: &Files) {
    let names = |files: &Files| files.keys().cloned().collect::<Vec<_>>();
    assert_eq!(names(found), names(expected));
    for (path, bytes) in found {
        let same = timeless(path, bytes) == timeless(path, &expected[path]);
        assert!(same, "{path} differs");
    }
}
