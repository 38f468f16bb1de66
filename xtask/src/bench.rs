//! Speed as a ratio: commands that print a rate, run in turns.
//!
//! One run of each, round after round, so that a drifting clock or a neighbour hits all alike;
//! medians and ranges over the rounds, and the ratio to the first command.

use std::process::Command;

use anyhow::{Context, bail};

use crate::args::BenchArgs;
use crate::{UsageError, ui};

/// Names under which programs report their rate.
const RATES: [&str; 2] = ["images_per_second", "images_per_s"];

pub(crate) fn run(args: &BenchArgs) -> anyhow::Result<()> {
    if args.rounds == 0 {
        return Err(UsageError("--rounds must be positive".to_owned()).into());
    }
    let mut rates = vec![Vec::with_capacity(args.rounds); args.commands.len()];
    for round in 1..=args.rounds {
        for (command, rates) in args.commands.iter().zip(&mut rates) {
            let rate = measure(command)?;
            ui::line(&format!("{round}/{}  {rate:10.1}  {command}", args.rounds));
            rates.push(rate);
        }
    }
    ui::line(&format!(
        "\n{:>10}  {:>21}  {:>6}  command",
        "median", "range", "ratio"
    ));
    let first = median(&mut rates[0]);
    for (command, rates) in args.commands.iter().zip(&mut rates) {
        let middle = median(rates);
        let (least, most) = (rates[0], rates[rates.len() - 1]);
        ui::line(&format!(
            "{middle:10.1}  {least:10.1} {most:10.1}  {:6.2}  {command}",
            first / middle
        ));
    }
    Ok(())
}

/// Sorts, and gives the middle.
fn median(rates: &mut [f64]) -> f64 {
    rates.sort_by(f64::total_cmp);
    let middle = rates.len() / 2;
    0.5 * (rates[(rates.len() - 1) / 2] + rates[middle])
}

fn measure(command: &str) -> anyhow::Result<f64> {
    let output = Command::new("sh")
        .args(["-c", command])
        .output()
        .with_context(|| format!("{command}: cannot be started"))?;
    if !output.status.success() {
        let errors = String::from_utf8_lossy(&output.stderr);
        let last = errors.lines().next_back().unwrap_or_default();
        bail!("{command}: {}: {last}", output.status);
    }
    rate(&String::from_utf8_lossy(&output.stdout)).with_context(|| {
        format!(
            "{command}: printed no JSON with a rate ({})",
            RATES.join(" or ")
        )
    })
}

/// The rate in the last line of JSON that has one, or in all of the output as one object.
fn rate(output: &str) -> Option<f64> {
    let of = |text: &str| {
        let value: serde_json::Value = serde_json::from_str(text).ok()?;
        RATES.iter().find_map(|name| value.get(name)?.as_f64())
    };
    of(output).or_else(|| output.lines().rev().find_map(of))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rates_are_found_in_lines_and_whole_objects() {
        assert_eq!(rate("note\n{\"images_per_s\": 3.5}\n"), Some(3.5));
        assert_eq!(rate("{\n\"images_per_second\": 7\n}\n"), Some(7.0));
        assert_eq!(rate("{\"seconds\": 7}"), None);
        assert_eq!(rate(""), None);
    }

    #[test]
    fn the_median_of_an_even_number_lies_between() {
        assert_eq!(median(&mut [4.0, 1.0, 2.0]), 2.0);
        assert_eq!(median(&mut [4.0, 1.0, 2.0, 3.0]), 2.5);
    }

    #[test]
    fn a_failing_command_is_named() {
        let error = measure("echo why >&2; exit 3").expect_err("it fails");
        let text = format!("{error:#}");
        assert!(text.contains("exit 3") && text.contains("why"), "{text}");
        assert_eq!(
            measure("echo '{\"images_per_s\": 12}'").expect("it works"),
            12.0
        );
    }
}
