//! Arguments of `crosr weibull`.

use std::path::PathBuf;

use clap::{Args as ClapArgs, Subcommand, ValueEnum};

#[derive(Subcommand)]
pub(crate) enum WeibullCommand {
    /// Fit a Weibull to the extreme values of a column of numbers
    Fit(WeibullFitArgs),
    /// Print a w-score for each number
    Score(WeibullScoreArgs),
    /// Fit several families of distributions to the extreme values and rank them
    Compare(WeibullCompareArgs),
    /// Choose how many of the extreme values are the tail
    Tail(WeibullTailArgs),
}

/// Which numbers.
#[derive(ClapArgs)]
pub(crate) struct ColumnArgs {
    /// A number a line, or a table (CSV, TSV); - is standard input
    #[arg(value_name = "FILE", default_value = "-")]
    pub(crate) file: PathBuf,
    /// Column of a table, by its header or by its number counted from 1
    #[arg(long, value_name = "NAME|N")]
    pub(crate) column: Option<String>,
}

/// Which of them, and where they come to lie.
#[derive(ClapArgs)]
pub(crate) struct ExtremesArgs {
    /// Extreme values to fit [default: 20, or all if there are fewer]
    #[arg(long)]
    pub(crate) tail: Option<usize>,
    /// Fit the smallest values instead of the largest
    #[arg(long)]
    pub(crate) low: bool,
    /// Where the smallest value of the tail comes to lie
    #[arg(long, default_value_t = 1.0)]
    pub(crate) translate: f64,
}

/// Flags of `crosr weibull fit`.
#[derive(ClapArgs)]
#[command(after_help = "Examples:
  crosr weibull fit --tail 20 distances.txt
  crosr weibull fit --column distance --plot --svg fit.svg measurements.csv
  seq 1 100 | crosr weibull fit --tail 10 --json -")]
pub(crate) struct WeibullFitArgs {
    #[command(flatten)]
    pub(crate) numbers: ColumnArgs,
    #[command(flatten)]
    pub(crate) extremes: ExtremesArgs,
    /// Level of the confidence intervals
    #[arg(long, default_value_t = 0.95)]
    pub(crate) level: f64,
    /// Print JSON
    #[arg(long, conflicts_with_all = ["libmr", "plot"])]
    pub(crate) json: bool,
    /// Print libMR's one-line text form, whose confidence bounds are those of 95 %
    #[arg(long, conflicts_with_all = ["plot", "level"])]
    pub(crate) libmr: bool,
    /// Also draw density and quantiles on the terminal
    #[arg(long)]
    pub(crate) plot: bool,
    /// Also write density, tail and quantiles as SVG
    #[arg(long, value_name = "FILE")]
    pub(crate) svg: Option<PathBuf>,
}

/// Flags of `crosr weibull score`.
#[derive(ClapArgs)]
#[command(after_help = "Example:
  crosr weibull score --model model.json --column distance measurements.csv")]
pub(crate) struct WeibullScoreArgs {
    /// What `crosr weibull fit` wrote, or libMR's text or binary form
    #[arg(long, value_name = "FILE")]
    pub(crate) model: PathBuf,
    #[command(flatten)]
    pub(crate) numbers: ColumnArgs,
}

/// Flags of `crosr weibull compare`.
#[derive(ClapArgs)]
#[command(after_help = "Example:
  crosr weibull compare --tail 100 --svg compare.svg distances.txt")]
pub(crate) struct WeibullCompareArgs {
    #[command(flatten)]
    pub(crate) numbers: ColumnArgs,
    #[command(flatten)]
    pub(crate) extremes: ExtremesArgs,
    /// Families, comma-separated: weibull, weibull3, gpd, gev [default: all]
    #[arg(long, value_name = "NAMES", value_delimiter = ',')]
    pub(crate) families: Vec<String>,
    /// Print JSON
    #[arg(long, conflicts_with = "plot")]
    pub(crate) json: bool,
    /// Also draw the best family's density and quantiles on the terminal
    #[arg(long)]
    pub(crate) plot: bool,
    /// Also write density, tail and quantiles of all families as SVG
    #[arg(long, value_name = "FILE")]
    pub(crate) svg: Option<PathBuf>,
}

/// How a tail size is chosen.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum TailRuleName {
    /// Least Kolmogorov-Smirnov distance of a generalised Pareto fit (Clauset and others, 2009)
    Ks,
    /// Largest tail whose mean excess is a straight line (Davison and Smith, 1990)
    MeanExcess,
}

/// Flags of `crosr weibull tail`.
#[derive(ClapArgs)]
#[command(after_help = "Example:
  crosr weibull tail --rule mean-excess --plot distances.txt")]
pub(crate) struct WeibullTailArgs {
    #[command(flatten)]
    pub(crate) numbers: ColumnArgs,
    /// The smallest values instead of the largest
    #[arg(long)]
    pub(crate) low: bool,
    /// The rule
    #[arg(long, default_value = "ks")]
    pub(crate) rule: TailRuleName,
    /// Smallest tail size considered [default: 20]
    #[arg(long, value_name = "N")]
    pub(crate) smallest: Option<usize>,
    /// Largest tail size considered [default: half of the numbers]
    #[arg(long, value_name = "N")]
    pub(crate) largest: Option<usize>,
    /// Print JSON
    #[arg(long, conflicts_with = "plot")]
    pub(crate) json: bool,
    /// Also draw the curve on the terminal
    #[arg(long)]
    pub(crate) plot: bool,
    /// Also write the curve as SVG
    #[arg(long, value_name = "FILE")]
    pub(crate) svg: Option<PathBuf>,
}
