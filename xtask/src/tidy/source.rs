//! Rules for Rust files.

use super::Findings;

/// A file longer than this deserves a look,
const LONG: usize = 400;
/// and longer than this it holds more than one subject.
const TOO_LONG: usize = 600;

/// The only place in the house for `unsafe`.
const UNSAFE_HERE: &str = "crates/crosr-model/src/cpu";

/// Checks one file; `shown` is its path from the workspace's root.
pub(super) fn check(shown: &str, text: &str, found: &mut Findings) {
    let lines = text.lines().count();
    if lines > TOO_LONG {
        found.faults.push(format!(
            "{shown}: {lines} lines, {TOO_LONG} at most; split it"
        ));
    } else if lines > LONG {
        found
            .warnings
            .push(format!("{shown}: {lines} lines, better under {LONG}"));
    }
    let crate_root = ["src/lib.rs", "src/main.rs"]
        .iter()
        .any(|end| shown.ends_with(end));
    // The page may stand in the file, or be the README.
    let page = ["//!", "#![doc"]
        .iter()
        .any(|start| text.trim_start().starts_with(start));
    if crate_root && !page {
        found
            .faults
            .push(format!("{shown}: must begin with the crate's page (`//!`)"));
    }
    let here =
        shown == format!("{UNSAFE_HERE}.rs") || shown.starts_with(&format!("{UNSAFE_HERE}/"));
    if here {
        return;
    }
    for (number, line) in (1..).zip(code_of(text).lines()) {
        let words = line.split(|c: char| !c.is_alphanumeric() && c != '_');
        for word in words {
            // Naming the lint allows it somewhere; that is for the same place alone.
            if word == "unsafe" || (word == "unsafe_code" && !line.contains("forbid")) {
                found
                    .faults
                    .push(format!("{shown}:{number}: `{word}` outside {UNSAFE_HERE}"));
            }
        }
    }
}

/// The text without comments and without what stands in string and character literals; line
/// breaks stay where they are.
pub(super) fn code_of(text: &str) -> String {
    let chars: Vec<char> = text.chars().collect();
    let at = |index: usize| chars.get(index).copied().unwrap_or('\0');
    let mut code = String::with_capacity(text.len());
    let mut i = 0;
    while i < chars.len() {
        let start = i;
        match at(i) {
            '/' if at(i + 1) == '/' => {
                while i < chars.len() && at(i) != '\n' {
                    i += 1;
                }
            }
            '/' if at(i + 1) == '*' => {
                let mut depth = 0;
                while i < chars.len() {
                    match (at(i), at(i + 1)) {
                        ('/', '*') => (depth, i) = (depth + 1, i + 2),
                        ('*', '/') => (depth, i) = (depth - 1, i + 2),
                        _ => i += 1,
                    }
                    if depth == 0 {
                        break;
                    }
                }
            }
            // r"…", r#"…"#, br"…"; but r#type is a name.
            'r' if !is_name(at(start.wrapping_sub(1))) || at(start.wrapping_sub(1)) == 'b' => {
                let hashes = (i + 1..).take_while(|&k| at(k) == '#').count();
                if at(i + 1 + hashes) == '"' {
                    i += hashes + 2;
                    let ends = |i: usize| at(i) == '"' && (1..=hashes).all(|k| at(i + k) == '#');
                    while i < chars.len() && !ends(i) {
                        i += 1;
                    }
                    i += hashes + 1;
                } else {
                    code.push('r');
                    i += 1;
                    continue;
                }
            }
            '"' => {
                i += 1;
                while i < chars.len() && at(i) != '"' {
                    i += if at(i) == '\\' { 2 } else { 1 };
                }
                i += 1;
            }
            // 'x' and '\n' are characters, 'a without a second quote is a lifetime.
            '\'' if at(i + 1) == '\\' => {
                i += 3;
                while i < chars.len() && at(i) != '\'' {
                    i += 1;
                }
                i += 1;
            }
            '\'' if at(i + 2) == '\'' => i += 3,
            other => {
                code.push(other);
                i += 1;
                continue;
            }
        }
        let skipped = chars.iter().take(i).skip(start);
        code.push(' ');
        code.extend(skipped.filter(|&&c| c == '\n'));
    }
    code
}

fn is_name(c: char) -> bool {
    c.is_alphanumeric() || c == '_'
}
