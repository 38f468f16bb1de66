//! Repository tasks, run as `cargo xtask …`: fetching and checking datasets, and the rules that
//! keep the workspace as it was planned. Links no crosr crate.

mod args;
mod bench;
mod ci;
mod data;
mod deps;
mod tidy;
mod ui;

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::Parser;

use crate::args::{Args, Task};

fn main() -> ExitCode {
    match run(Args::parse()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            ui::error(&format!("xtask: {error:#}"));
            ExitCode::from(if error.is::<UsageError>() { 2 } else { 1 })
        }
    }
}

fn run(args: Args) -> anyhow::Result<()> {
    let root = workspace_root()?;
    match args.task {
        Task::FetchData(flags) => data::fetch(&root, &flags),
        Task::VerifyData(flags) => data::verify(&root, &flags),
        Task::Deps => deps::run(&root),
        Task::Tidy => tidy::run(&root),
        Task::Ci => ci::run(&root),
        Task::Bench(args) => bench::run(&args),
    }
}

/// A mistake in what was asked for: exit code 2, everything else is 1.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
struct UsageError(String);

/// The folder of the root manifest: the parent of xtask's own, as cargo tells it.
fn workspace_root() -> anyhow::Result<PathBuf> {
    let own = std::env::var_os("CARGO_MANIFEST_DIR")
        .map_or_else(|| PathBuf::from(env!("CARGO_MANIFEST_DIR")), PathBuf::from);
    match own.parent() {
        Some(root) if root.join("Cargo.toml").is_file() => Ok(root.to_owned()),
        _ => anyhow::bail!(
            "{}: not the xtask of a workspace; use `cargo xtask`",
            own.display()
        ),
    }
}

/// A path as it is shown: relative to `root` where it lies inside, with forward slashes.
fn shown(root: &Path, path: &Path) -> String {
    path.strip_prefix(root)
        .unwrap_or(path)
        .to_string_lossy()
        .replace('\\', "/")
}
