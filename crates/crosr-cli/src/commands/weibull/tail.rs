//! `crosr weibull tail`.

use std::fmt::Write as _;

use crosr_eval::{Chart, Mark, Series};
use crosr_libmr::{Family, TailCandidates, TailChoice, TailRule, choose_tail_size};
use serde::Serialize;

use super::{figure, numbers, show, side};
use crate::args::{TailRuleName, WeibullTailArgs};
use crate::error::{CliError, Result};
use crate::output;

/// Tail sizes that are tried.
const POINTS: usize = 50;
/// The smallest of them.
const SMALLEST: usize = 20;

/// The choice in the machine-readable form.
#[derive(Serialize)]
struct ChoiceJson {
    tail: usize,
    least_extreme: f64,
    within_limit: bool,
    rule: &'static str,
    curve: Vec<PointJson>,
    skipped: Vec<SkippedJson>,
}

#[derive(Serialize)]
struct PointJson {
    tail: usize,
    least_extreme: f64,
    value: f64,
    normalised: f64,
}

#[derive(Serialize)]
struct SkippedJson {
    tail: usize,
    error: String,
}

/// What the rule judges by.
fn quantity(rule: TailRuleName) -> &'static str {
    match rule {
        TailRuleName::Ks => "KS distance",
        TailRuleName::MeanExcess => "squared residual of the mean excess",
    }
}

pub(super) fn run(args: &WeibullTailArgs) -> Result<()> {
    let numbers = numbers(&args.numbers)?;
    let rule = match args.rule {
        TailRuleName::Ks => TailRule::KolmogorovSmirnov {
            family: Family::GeneralisedPareto,
        },
        TailRuleName::MeanExcess => TailRule::MeanExcess,
    };
    let candidates = if args.smallest.is_none() && args.largest.is_none() {
        TailCandidates::default()
    } else {
        let smallest = args.smallest.unwrap_or(SMALLEST);
        let largest = args.largest.unwrap_or(numbers.len() / 2);
        TailCandidates::geometric(smallest, largest, POINTS)
            .map_err(|e| CliError::usage(e.to_string()))?
    };
    let choice = choose_tail_size(&numbers, side(args.low), rule, &candidates)
        .map_err(|e| CliError::file(&args.numbers.file, e.to_string()))?;
    if args.json {
        output::json(&json(&choice, args.rule))?;
    } else {
        output::text(&table(&choice, args, numbers.len()))?;
    }
    show(args.plot, args.svg.as_deref(), || {
        let chart = chart(&choice, args.rule);
        (vec![chart.clone()], vec![chart])
    })
}

fn json(choice: &TailChoice, rule: TailRuleName) -> ChoiceJson {
    ChoiceJson {
        tail: choice.tail_size,
        least_extreme: choice.least_extreme,
        within_limit: choice.within_limit,
        rule: match rule {
            TailRuleName::Ks => "ks",
            TailRuleName::MeanExcess => "mean-excess",
        },
        curve: choice
            .curve
            .iter()
            .map(|point| PointJson {
                tail: point.tail_size,
                least_extreme: point.least_extreme,
                value: point.value,
                normalised: point.normalised,
            })
            .collect(),
        skipped: choice
            .skipped
            .iter()
            .map(|skipped| SkippedJson {
                tail: skipped.tail_size,
                error: skipped.error.to_string(),
            })
            .collect(),
    }
}

fn table(choice: &TailChoice, args: &WeibullTailArgs, count: usize) -> String {
    let mut text = format!(
        "tail: the {} {} of {count} numbers, from {}\n",
        choice.tail_size,
        if args.low { "smallest" } else { "largest" },
        choice.least_extreme
    );
    if !choice.within_limit {
        text.push_str("no tail meets the rule's limit; this one comes closest\n");
    }
    writeln!(text, "\n    tail       begins at  {}", quantity(args.rule)).ok();
    for point in &choice.curve {
        let chosen = if point.tail_size == choice.tail_size {
            "  <"
        } else {
            ""
        };
        writeln!(
            text,
            "{:8}  {:>14}  {:.6}{chosen}",
            point.tail_size,
            figure(point.least_extreme, 6),
            point.value
        )
        .ok();
    }
    for skipped in &choice.skipped {
        writeln!(text, "{:8}  {}", skipped.tail_size, skipped.error).ok();
    }
    text
}

fn chart(choice: &TailChoice, rule: TailRuleName) -> Chart {
    let at = |tail_size: usize| (tail_size as f64).log10();
    let curve = choice
        .curve
        .iter()
        .map(|point| (at(point.tail_size), point.value));
    let chosen = choice
        .curve
        .iter()
        .filter(|point| point.tail_size == choice.tail_size)
        .map(|point| (at(point.tail_size), point.value));
    Chart {
        title: "Choice of the tail size".to_owned(),
        x_label: "log10 of the tail size".to_owned(),
        y_label: quantity(rule).to_owned(),
        series: vec![
            Series {
                name: quantity(rule).to_owned(),
                mark: Mark::Line,
                points: curve.collect(),
            },
            Series {
                name: format!("chosen: {}", choice.tail_size),
                mark: Mark::Points,
                points: chosen.collect(),
            },
        ],
    }
}
