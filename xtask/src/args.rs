//! The command line.

use std::path::PathBuf;

use clap::{Parser, Subcommand};

/// Repository tasks
#[derive(Debug, Parser)]
#[command(name = "cargo xtask", bin_name = "cargo xtask")]
pub(crate) struct Args {
    #[command(subcommand)]
    pub(crate) task: Task,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Task {
    /// Downloads datasets, checks and unpacks them; does nothing for what is there
    FetchData(FetchArgs),
    /// Checks what lies in the data folder, byte by byte
    VerifyData(VerifyArgs),
    /// Checks which crate may depend on which
    Deps,
    /// Checks sources and Markdown: names, paths, commands, file lengths, module docs, unsafe
    Tidy,
    /// Runs everything that is checked before the tests: format, clippy, docs, deps, tidy
    Ci,
    /// Runs commands in turns and compares the rates that they print as JSON
    Bench(BenchArgs),
}

#[derive(Debug, clap::Args)]
pub(crate) struct BenchArgs {
    /// Rounds; each runs every command once
    #[arg(long, default_value_t = 5)]
    pub(crate) rounds: usize,

    /// Shell commands, each as one argument; the first is what the others are compared with
    #[arg(required = true)]
    pub(crate) commands: Vec<String>,
}

#[derive(Debug, clap::Args)]
pub(crate) struct FetchArgs {
    /// Datasets to fetch; without a name CIFAR-10 and the TinyImageNet-crop outliers
    pub(crate) names: Vec<String>,

    /// Shows what there is, how large, and what is here already
    #[arg(long, conflicts_with_all = ["names", "mirror", "offline"])]
    pub(crate) list: bool,

    /// Another place to download from: the file's name is put behind this address
    #[arg(long, value_name = "URL", conflicts_with = "offline")]
    pub(crate) mirror: Option<String>,

    /// How many datasets to fetch at a time
    #[arg(long, value_name = "N", default_value_t = 4)]
    pub(crate) jobs: usize,

    /// Where the data goes, in place of the repository's data folder
    #[arg(long, value_name = "DIR")]
    pub(crate) data_dir: Option<PathBuf>,

    /// Unpacks what is already downloaded and never touches the network
    #[arg(long)]
    pub(crate) offline: bool,

    /// Another list of datasets, in place of data/sources.toml
    #[arg(long, value_name = "FILE")]
    pub(crate) sources: Option<PathBuf>,
}

#[derive(Debug, clap::Args)]
pub(crate) struct VerifyArgs {
    /// Datasets to check; without a name, all that are here
    pub(crate) names: Vec<String>,

    /// Where the data is, in place of the repository's data folder
    #[arg(long, value_name = "DIR")]
    pub(crate) data_dir: Option<PathBuf>,

    /// Another list of datasets, in place of data/sources.toml
    #[arg(long, value_name = "FILE")]
    pub(crate) sources: Option<PathBuf>,
}
