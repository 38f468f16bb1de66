//! Arguments of `crosr report` and `crosr compare`.

use std::path::PathBuf;

use clap::Args as ClapArgs;

/// Flags of `crosr report`.
#[derive(ClapArgs)]
#[command(after_help = "Examples:
  crosr report runs/cifar10
  crosr report runs/cifar10 --out cifar10.html")]
pub(crate) struct ReportArgs {
    /// Run folder that `crosr eval` has evaluated
    #[arg(value_name = "RUN")]
    pub(crate) run: PathBuf,
    /// Where to write the page [default: RUN/report.html]
    #[arg(long, value_name = "FILE")]
    pub(crate) out: Option<PathBuf>,
}

/// Flags of `crosr compare`.
#[derive(ClapArgs)]
#[command(after_help = "Examples:
  crosr compare runs/cifar10 runs/cifar10-wide
  crosr compare runs/a runs/b runs/c --report comparison.html
  crosr compare runs/a runs/b --json")]
pub(crate) struct CompareArgs {
    /// Run folders that `crosr eval` has evaluated
    #[arg(value_name = "RUN", required = true, num_args = 2..)]
    pub(crate) runs: Vec<PathBuf>,
    /// Also write the comparison as one HTML page
    #[arg(long, value_name = "FILE")]
    pub(crate) report: Option<PathBuf>,
    /// Print one JSON object on standard output and nothing else there
    #[arg(long)]
    pub(crate) json: bool,
}
