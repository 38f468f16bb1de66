//! `crosr weibull`.

use std::fmt::Write as _;
use std::path::Path;

use crosr_libmr::{FitReport, TailSide, Weibull, WeibullParams, WeibullParts};
use serde::{Deserialize, Serialize};

use crate::args::{WeibullCommand, WeibullFitArgs, WeibullScoreArgs};
use crate::error::{CliError, Result};
use crate::formats::numbers::read_numbers;
use crate::output;
use crate::run_folder::read_text;

/// Tail size where none is asked for: that of the original OpenMax.
const TAIL: usize = 20;

/// A fitted Weibull in the machine-readable form.
#[derive(Serialize, Deserialize)]
struct WeibullJson {
    scale: f64,
    shape: f64,
    small_score: f64,
    translate: f64,
    sign: i8,
    tail: usize,
    #[serde(default)]
    log_likelihood: f64,
    #[serde(skip_deserializing)]
    ci95: Intervals,
}

#[derive(Default, Serialize)]
struct Intervals {
    scale: [f64; 2],
    shape: [f64; 2],
}

impl WeibullJson {
    fn new(weibull: &Weibull, report: &FitReport) -> Result<Self> {
        let ci = report.confidence(0.95)?;
        Ok(Self {
            scale: weibull.scale(),
            shape: weibull.shape(),
            small_score: weibull.small_score(),
            translate: weibull.translate(),
            sign: if weibull.side() == TailSide::Low {
                -1
            } else {
                1
            },
            tail: weibull.tail_size(),
            log_likelihood: report.log_likelihood,
            ci95: Intervals {
                scale: [ci.scale.0, ci.scale.1],
                shape: [ci.shape.0, ci.shape.1],
            },
        })
    }
}

fn fit(args: &WeibullFitArgs) -> Result<()> {
    let numbers = read_numbers(&args.file)?;
    let tail = args.tail.unwrap_or(TAIL.min(numbers.len()));
    let side = if args.low {
        TailSide::Low
    } else {
        TailSide::High
    };
    let params = WeibullParams::new(tail)
        .side(side)
        .translate(args.translate)
        .check()?;
    let (weibull, report) = params
        .fit(&numbers)
        .map_err(|e| CliError::file(&args.file, e.to_string()))?;
    if args.libmr {
        let text = weibull.to_text(&report);
        return output::text(&if text.ends_with('\n') {
            text
        } else {
            text + "\n"
        });
    }
    let json = WeibullJson::new(&weibull, &report)?;
    if args.json {
        return output::json(&json);
    }
    let [low, high] = json.ci95.scale;
    let [shape_low, shape_high] = json.ci95.shape;
    output::text(&format!(
        "                    estimate   95 % confidence interval\n\
         scale         {:14.6}   {low:.6} to {high:.6}\n\
         shape         {:14.6}   {shape_low:.6} to {shape_high:.6}\n\
         small score   {:14.6}\n\
         tail          {:14}   of {} numbers, the {}\n\
         log-likelihood{:14.6}\n",
        json.scale,
        json.shape,
        json.small_score,
        json.tail,
        numbers.len(),
        if args.low { "smallest" } else { "largest" },
        json.log_likelihood,
    ))
}

fn model(path: &Path) -> Result<Weibull> {
    let text = read_text(path)?;
    if !text.trim_start().starts_with('{') {
        return Weibull::from_text(&text)
            .map_err(|e| CliError::file(path, format!("neither JSON nor libMR's text form: {e}")));
    }
    let json: WeibullJson =
        serde_json::from_str(&text).map_err(|e| CliError::file(path, e.to_string()))?;
    let side = match json.sign {
        1 => TailSide::High,
        -1 => TailSide::Low,
        other => {
            return Err(CliError::file(
                path,
                format!("sign is {other}, 1 or -1 is expected"),
            ));
        }
    };
    Weibull::from_parts(WeibullParts {
        scale: json.scale,
        shape: json.shape,
        small_score: json.small_score,
        translate: json.translate,
        side,
        tail_size: json.tail,
    })
    .map_err(|e| CliError::file(path, e.to_string()))
}

fn score(args: &WeibullScoreArgs) -> Result<()> {
    let weibull = model(&args.model)?;
    let mut text = String::new();
    for number in read_numbers(&args.file)? {
        writeln!(text, "{}", weibull.w_score(number)).ok();
    }
    output::text(&text)
}

pub(super) fn run(command: &WeibullCommand) -> Result<()> {
    match command {
        WeibullCommand::Fit(args) => fit(args),
        WeibullCommand::Score(args) => score(args),
    }
}
