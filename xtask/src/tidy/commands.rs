//! Commands as Markdown shows them, against what there is to run.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use anyhow::Context;
use clap::CommandFactory;

use crate::args::Args;
use crate::deps;

/// cargo's own commands that a page may tell a reader to run.
const CARGO: &[&str] = &[
    "add", "bench", "build", "check", "clippy", "doc", "fetch", "fmt", "install", "metadata",
    "run", "test", "tree", "update",
];

/// What can be named.
#[derive(Debug, Default)]
pub(super) struct Known {
    /// Packages of the workspace.
    pub(super) packages: BTreeSet<String>,
    /// Targets as `example NAME`, `bench NAME`, `test NAME`, `bin NAME`.
    pub(super) targets: BTreeSet<String>,
    /// Cargo features of any package.
    pub(super) features: BTreeSet<String>,
    /// Commands of `crosr`, one module each. Empty where there is no such crate.
    pub(super) crosr: BTreeSet<String>,
    /// The text of the command line's sources, in which every flag stands.
    pub(super) crosr_source: String,
}

impl Known {
    /// Everything in the workspace in `root`.
    pub(super) fn of(root: &Path) -> anyhow::Result<Self> {
        let mut known = Self::default();
        for package in deps::metadata(root)?.packages {
            known.packages.insert(package.name.to_string());
            known.features.extend(package.features.into_keys());
            for target in package.targets {
                known.targets.extend(
                    target
                        .kind
                        .iter()
                        .map(|kind| format!("{kind} {}", target.name)),
                );
            }
        }
        let source = root.join("crates/crosr-cli/src");
        let mut folders = vec![source.clone()];
        while let Some(folder) = folders.pop() {
            if !folder.is_dir() {
                continue;
            }
            for entry in fs::read_dir(&folder).with_context(|| folder.display().to_string())? {
                let path = entry.with_context(|| folder.display().to_string())?.path();
                let stem = path
                    .file_stem()
                    .unwrap_or_default()
                    .to_string_lossy()
                    .into_owned();
                if folder == source.join("commands") && stem != "mod" {
                    known.crosr.insert(stem);
                }
                if path.is_dir() {
                    folders.push(path);
                } else if path.extension().is_some_and(|extension| extension == "rs") {
                    let text = fs::read_to_string(&path);
                    known.crosr_source += &text.with_context(|| path.display().to_string())?;
                }
            }
        }
        Ok(known)
    }

    /// What is wrong with a line, if it is a `cargo` or `crosr` command.
    pub(super) fn fault(&self, line: &str) -> Option<String> {
        let line = line.trim().trim_start_matches("$ ");
        // A comment ends a command, a pipe begins another.
        let line = line.split(" #").next().unwrap_or_default();
        line.split(['|', ';', '&']).find_map(|command| {
            let words: Vec<&str> = command.split_whitespace().collect();
            // VARIABLE=value before the command.
            let skip = words.iter().take_while(|word| is_assignment(word)).count();
            match &words[skip..] {
                ["cargo", rest @ ..] => self.cargo(rest),
                ["crosr", rest @ ..] => self.crosr(rest),
                _ => None,
            }
        })
    }

    fn cargo(&self, words: &[&str]) -> Option<String> {
        let words = match words {
            [toolchain, rest @ ..] if toolchain.starts_with('+') => rest,
            all => all,
        };
        let (&command, rest) = words.split_first()?;
        if is_placeholder(command) || command.starts_with('-') {
            return None;
        }
        if command == "xtask" {
            return xtask(rest);
        }
        if !CARGO.contains(&command) {
            return Some(format!("`cargo {command}` is no command"));
        }
        let end = rest
            .iter()
            .position(|&word| word == "--")
            .unwrap_or(rest.len());
        let (own, passed) = rest.split_at(end);
        let mut package = None;
        let mut i = 0;
        while let Some(&word) = own.get(i) {
            let (flag, value) = match word.split_once('=') {
                Some((flag, value)) => (flag, Some(value)),
                None => (word, own.get(i + 1).copied()),
            };
            i += 1;
            let Some(value) = value.filter(|value| !is_placeholder(value)) else {
                continue;
            };
            let known = match flag {
                "-p" | "--package" => {
                    package = Some(value);
                    self.packages.contains(value)
                }
                "--features" | "-F" => value.split(',').all(|feature| {
                    self.features
                        .contains(feature.rsplit('/').next().unwrap_or(feature))
                }),
                "--example" | "--bench" | "--test" | "--bin" => self
                    .targets
                    .contains(&format!("{} {value}", flag.trim_start_matches('-'))),
                _ => true,
            };
            if !known {
                return Some(format!("`{flag} {value}` names nothing in the workspace"));
            }
        }
        match passed.split_first() {
            Some((_, passed)) if command == "run" && package == Some("crosr-cli") => {
                self.crosr(passed)
            }
            _ => None,
        }
    }

    fn crosr(&self, words: &[&str]) -> Option<String> {
        let (&command, rest) = words.split_first()?;
        if self.crosr.is_empty() || is_placeholder(command) {
            return None;
        }
        if !command.starts_with('-') && command != "help" && !self.crosr.contains(command) {
            return Some(format!("`crosr {command}` is no command"));
        }
        rest.iter().find_map(|word| {
            let flag = word.strip_prefix("--")?.split('=').next()?;
            let flag = flag.trim_end_matches(|c: char| !c.is_ascii_alphanumeric());
            let field = flag.replace('-', "_");
            let built_in = ["", "help", "version"].contains(&flag);
            let known = built_in
                || contains_word(&self.crosr_source, &field)
                || self.crosr_source.contains(&format!("\"{flag}\""));
            (!known).then(|| format!("`crosr {command}` has no flag `--{flag}`"))
        })
    }
}

fn xtask(words: &[&str]) -> Option<String> {
    let (&name, rest) = words.split_first()?;
    let tasks = Args::command();
    if is_placeholder(name) || name.starts_with('-') {
        return None;
    }
    let Some(task) = tasks.find_subcommand(name) else {
        return Some(format!("`cargo xtask {name}` is no task"));
    };
    rest.iter().find_map(|word| {
        let flag = word.strip_prefix("--")?.split('=').next()?;
        let known = flag == "help" || task.get_arguments().any(|arg| arg.get_long() == Some(flag));
        (!known).then(|| format!("`cargo xtask {name}` has no flag `--{flag}`"))
    })
}

/// `NAME`, `…`, `[FLAGS]`, `<x>`, `{a,b}`: stands for something else.
fn is_placeholder(word: &str) -> bool {
    word.contains(['…', '[', ']', '<', '>', '{', '}', '*', '$'])
        || word == "..."
        || word
            .bytes()
            .all(|c| c.is_ascii_uppercase() || c == b'_' || c == b',')
}

fn is_assignment(word: &str) -> bool {
    word.split_once('=').is_some_and(|(name, _)| {
        !name.is_empty() && name.bytes().all(|c| c.is_ascii_uppercase() || c == b'_')
    })
}

/// Whether a name stands in a text as a whole word.
fn contains_word(text: &str, word: &str) -> bool {
    let part_of_name = |c: char| c.is_alphanumeric() || c == '_';
    text.match_indices(word).any(|(start, _)| {
        let before = text[..start].chars().next_back();
        let after = text[start + word.len()..].chars().next();
        !before.is_some_and(part_of_name) && !after.is_some_and(part_of_name)
    })
}
