//! Rules for Markdown: what it names must be there.

use std::path::Path;

use super::commands::Known;

/// Folders of the workspace; a path in a page that begins with one must exist.
const PLACES: &[&str] = &[
    "crates/",
    "xtask/",
    "tests/",
    "docs/",
    ".ci/",
    "data/pretrained",
];

/// Checks one page; `shown` is its path from `root`, `folder` where it lies.
pub(super) fn check(
    shown: &str,
    text: &str,
    root: &Path,
    folder: &Path,
    known: &Known,
) -> Vec<String> {
    let mut faults = Vec::new();
    let mut fence: Option<&str> = None;
    let mut command = String::new();
    for (number, line) in (1..).zip(text.lines()) {
        let mut fault = |what: String| faults.push(format!("{shown}:{number}: {what}"));
        let trimmed = line.trim_start();
        let mark = ["```", "~~~"]
            .into_iter()
            .find(|mark| trimmed.starts_with(mark));
        match (fence, mark) {
            (None, Some(opened)) => {
                fence = Some(opened);
                command.clear();
                continue;
            }
            (Some(open), Some(closed)) if open == closed => {
                fence = None;
                continue;
            }
            _ => {}
        }
        if fence.is_some() {
            // A command may go on over several lines.
            let (piece, goes_on) = match line.trim_end().strip_suffix('\\') {
                Some(piece) => (piece, true),
                None => (line, false),
            };
            command.push_str(piece);
            command.push(' ');
            if !goes_on {
                known.fault(&command).into_iter().for_each(&mut fault);
                command.clear();
            }
        } else {
            // Indented by four is code too; prose never begins with these two words alone.
            if line.starts_with("    ") {
                known.fault(line).into_iter().for_each(&mut fault);
            }
            for span in code_spans(line) {
                known.fault(span).into_iter().for_each(&mut fault);
                if is_crate_name(span) && !known.packages.contains(span) {
                    fault(format!("`{span}` is no crate of the workspace"));
                }
            }
            for target in link_targets(line) {
                if !link_exists(target, root, folder) {
                    fault(format!("link to {target:?}: not there"));
                }
            }
        }
        for path in paths(line) {
            if !root.join(path).exists() && !folder.join(path).exists() {
                fault(format!("{path:?}: not there"));
            }
        }
    }
    faults
}

/// What stands between backticks on a line.
fn code_spans(line: &str) -> impl Iterator<Item = &str> {
    line.split('`').skip(1).step_by(2)
}

fn is_crate_name(span: &str) -> bool {
    span.strip_prefix("crosr-").is_some_and(|rest| {
        !rest.is_empty() && rest.bytes().all(|c| c.is_ascii_lowercase() || c == b'-')
    })
}

/// Targets of `[text](target)` and `[text]: target`.
fn link_targets(line: &str) -> Vec<&str> {
    let mut targets: Vec<&str> = line
        .match_indices("](")
        .filter_map(|(at, mark)| line[at + mark.len()..].split([')', ' ']).next())
        .collect();
    if line.starts_with('[')
        && let Some((_, target)) = line.split_once("]: ")
    {
        targets.extend(target.split_whitespace().next());
    }
    targets
}

fn link_exists(target: &str, root: &Path, folder: &Path) -> bool {
    let target = target.trim_start_matches('<').trim_end_matches('>');
    let elsewhere = target.contains("://") || target.starts_with("mailto:");
    // In a crate's README, which is its documentation's front page, `Type` and `crate::item` are
    // links that rustdoc resolves and checks.
    let item = target.contains("::") || !target.contains(['/', '.', '#']);
    let path = target.split('#').next().unwrap_or_default();
    if elsewhere || item || path.is_empty() {
        return true;
    }
    match path.strip_prefix('/') {
        Some(from_root) => root.join(from_root).exists(),
        None => folder.join(path).exists(),
    }
}

/// Words that are paths into the workspace. What holds a placeholder is none.
fn paths(line: &str) -> impl Iterator<Item = &str> {
    line.split(|c: char| c.is_whitespace() || "`\"'()[]|,;=".contains(c))
        .filter_map(|word| {
            let path = word.trim_end_matches(['.', ':', '!', '?']);
            let placeholder = path.contains(['*', '<', '>', '{', '}', '$', '…', '#'])
                || path.contains("...")
                || path.split('/').any(|part| {
                    part.len() > 1 && part.bytes().all(|c| c.is_ascii_uppercase() || c == b'_')
                });
            let inside = PLACES
                .iter()
                .any(|place| path.starts_with(place) && path != *place);
            (inside && !placeholder).then_some(path)
        })
}
