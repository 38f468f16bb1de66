//! `crosr weibull`: extreme-value fitting on a column of numbers.

mod charts;
mod compare;
mod model;
mod tail;

use std::fmt::Write as _;
use std::path::Path;

use crosr_eval::Chart;
use crosr_libmr::{CheckedParams, TailSide, WeibullParams};

use crate::args::{ColumnArgs, ExtremesArgs, WeibullCommand, WeibullFitArgs, WeibullScoreArgs};
use crate::error::{CliError, Result};
use crate::formats::numbers::read_numbers;
use crate::run_folder::write_atomically;
use crate::{output, text_plot};

use self::model::WeibullJson;

/// Tail size where none is asked for: that of the original OpenMax.
const TAIL: usize = 20;
/// Pixels of one chart.
const CHART: (u32, u32) = (480, 400);

pub(super) fn run(command: &WeibullCommand) -> Result<()> {
    match command {
        WeibullCommand::Fit(args) => fit(args),
        WeibullCommand::Score(args) => score(args),
        WeibullCommand::Compare(args) => compare::run(args),
        WeibullCommand::Tail(args) => tail::run(args),
    }
}

fn numbers(args: &ColumnArgs) -> Result<Vec<f64>> {
    read_numbers(&args.file, args.column.as_deref())
}

fn side(low: bool) -> TailSide {
    if low { TailSide::Low } else { TailSide::High }
}

fn params(args: &ExtremesArgs, count: usize) -> Result<CheckedParams> {
    let params = WeibullParams::new(args.tail.unwrap_or(TAIL.min(count)))
        .side(side(args.low))
        .translate(args.translate);
    Ok(params.check()?)
}

/// Draws on the terminal and into a file what was asked for; `charts` makes those of the file and
/// those of the terminal, if any is wanted.
fn show(
    plot: bool,
    svg: Option<&Path>,
    charts: impl FnOnce() -> (Vec<Chart>, Vec<Chart>),
) -> Result<()> {
    if !plot && svg.is_none() {
        return Ok(());
    }
    let (in_file, on_terminal) = charts();
    if plot {
        let text: Vec<String> = on_terminal.iter().map(text_plot::draw).collect();
        output::text(&format!("\n{}", text.join("\n")))?;
    }
    if let Some(path) = svg {
        write_atomically(path, Chart::row(&in_file, CHART)?.as_bytes())?;
    }
    Ok(())
}

fn fit(args: &WeibullFitArgs) -> Result<()> {
    let numbers = numbers(&args.numbers)?;
    let params = params(&args.extremes, numbers.len())?;
    let (weibull, report) = params
        .fit(&numbers)
        .map_err(|e| CliError::file(&args.numbers.file, e.to_string()))?;
    let interval = report.confidence(args.level)?;
    let json = WeibullJson::new(&weibull, &report, args.level)?;
    if args.json {
        output::json(&json)?;
    } else if args.libmr {
        let text = weibull.to_text(&report);
        output::text(&format!("{}\n", text.trim_end()))?;
    } else {
        output::text(&format!(
            "                    estimate   {} % confidence interval\n\
             scale         {:>14}   {} to {}\n\
             shape         {:>14}   {} to {}\n\
             small score   {:>14}\n\
             tail          {:14}   of {} numbers, the {}\n\
             log-likelihood{:>14}\n",
            100.0 * interval.level,
            figure(json.scale, 6),
            figure(interval.scale.0, 6),
            figure(interval.scale.1, 6),
            figure(json.shape, 6),
            figure(interval.shape.0, 6),
            figure(interval.shape.1, 6),
            figure(json.small_score, 6),
            json.tail,
            numbers.len(),
            if args.extremes.low {
                "smallest"
            } else {
                "largest"
            },
            figure(json.log_likelihood, 6),
        ))?;
    }
    show(args.plot, args.svg.as_deref(), || {
        let tail = charts::extremes(&numbers, params.tail_size(), params.side());
        let charts = charts::charts(&tail, &[("weibull".to_owned(), &weibull)]);
        let [density, _, quantiles] = charts.clone();
        (charts.to_vec(), vec![density, quantiles])
    })
}

/// A number in a table: with an exponent where decimals alone would be all zeros or too long.
fn figure(value: f64, decimals: usize) -> String {
    if value == 0.0 || (1e-3..1e9).contains(&value.abs()) {
        format!("{value:.decimals$}")
    } else {
        format!("{value:.decimals$e}")
    }
}

fn score(args: &WeibullScoreArgs) -> Result<()> {
    let model = model::read(&args.model)?;
    let mut text = String::new();
    for number in numbers(&args.numbers)? {
        writeln!(text, "{}", model.w_score(number)).ok();
    }
    output::text(&text)
}

#[cfg(test)]
mod tests {
    use super::figure;

    #[test]
    fn figures_of_any_size_are_readable() {
        for (value, shown) in [
            (2.135_808_1, "2.135808"),
            (0.0, "0.000000"),
            (-123_456_789.0, "-123456789.000000"),
            (2.258_586e300, "2.258586e300"),
            (-1e-300, "-1.000000e-300"),
            (f64::INFINITY, "inf"),
        ] {
            assert_eq!(figure(value, 6), shown);
        }
    }
}
