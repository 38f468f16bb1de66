//! Everything that is checked before the tests.

use std::path::Path;
use std::process::Command;
use std::time::Instant;

use anyhow::{Context, bail};

use crate::{deps, tidy, ui};

/// A cargo call: what it is called here, its arguments, and environment it needs.
type Step = (
    &'static str,
    &'static [&'static str],
    &'static [(&'static str, &'static str)],
);

const STEPS: &[Step] = &[
    ("fmt", &["fmt", "--all", "--check"], &[]),
    (
        "clippy",
        &[
            "clippy",
            "--workspace",
            "--all-targets",
            "--",
            "-D",
            "warnings",
        ],
        &[],
    ),
    (
        "doc",
        &["doc", "--workspace", "--no-deps"],
        &[("RUSTDOCFLAGS", "-D warnings")],
    ),
];

/// Runs every check, also after one has failed, and names those that did.
pub(crate) fn run(root: &Path) -> anyhow::Result<()> {
    let mut failed = Vec::new();
    let mut note = |name: &'static str, started: Instant, ok: bool| {
        let seconds = started.elapsed().as_secs_f64();
        ui::line(&format!(
            "ci: {name} {} ({seconds:.1} s)",
            if ok { "ok" } else { "FAILED" }
        ));
        if !ok {
            failed.push(name);
        }
    };
    // The quick ones first.
    for (name, check) in [
        ("deps", deps::run as fn(&Path) -> anyhow::Result<()>),
        ("tidy", tidy::run),
    ] {
        let started = Instant::now();
        let outcome = check(root);
        if let Err(error) = &outcome {
            ui::error(&format!("{error:#}"));
        }
        note(name, started, outcome.is_ok());
    }
    for &(name, arguments, environment) in STEPS {
        let started = Instant::now();
        note(name, started, cargo(root, arguments, environment)?);
    }
    if !failed.is_empty() {
        bail!("ci: {} failed", failed.join(", "));
    }
    Ok(())
}

fn cargo(root: &Path, arguments: &[&str], environment: &[(&str, &str)]) -> anyhow::Result<bool> {
    let program = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let status = Command::new(program)
        .args(arguments)
        .envs(environment.iter().copied())
        .current_dir(root)
        .status()
        .with_context(|| format!("cargo {}: cannot be started", arguments.join(" ")))?;
    Ok(status.success())
}
