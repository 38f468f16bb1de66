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
    let json = WeibullJson::new(&weibull, &report)?;
    if args.json {
        output::json(&json)?;
    } else if args.libmr {
        let text = weibull.to_text(&report);
        output::text(&format!("{}\n", text.trim_end()))?;
    } else {
        output::text(&format!(
            "                    estimate   {} % confidence interval\n\
             scale         {:14.6}   {:.6} to {:.6}\n\
             shape         {:14.6}   {:.6} to {:.6}\n\
             small score   {:14.6}\n\
             tail          {:14}   of {} numbers, the {}\n\
             log-likelihood{:14.6}\n",
            100.0 * interval.level,
            json.scale,
            interval.scale.0,
            interval.scale.1,
            json.shape,
            interval.shape.0,
            interval.shape.1,
            json.small_score,
            json.tail,
            numbers.len(),
            if args.extremes.low {
                "smallest"
            } else {
                "largest"
            },
            json.log_likelihood,
        ))?;
    }
    show(args.plot, args.svg.as_deref(), || {
        let tail = charts::extremes(&numbers, params.tail_size(), params.side());
        let charts = charts::charts(&tail, &[("weibull".to_owned(), &weibull)]);
        let [density, _, quantiles] = charts.clone();
        (charts.to_vec(), vec![density, quantiles])
    })
}

fn score(args: &WeibullScoreArgs) -> Result<()> {
    let weibull = model::read(&args.model)?;
    let mut text = String::new();
    for number in numbers(&args.numbers)? {
        writeln!(text, "{}", weibull.w_score(number)).ok();
    }
    output::text(&text)
}
