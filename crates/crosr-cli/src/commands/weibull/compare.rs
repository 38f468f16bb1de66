//! `crosr weibull compare`.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use crosr_libmr::{Border, Comparison, Family, TailDistribution, compare};
use serde::Serialize;

use super::{charts, figure, numbers, params, show};
use crate::args::WeibullCompareArgs;
use crate::error::{CliError, Result, with_causes};
use crate::output;

/// The comparison in the machine-readable form.
#[derive(Serialize)]
struct ComparisonJson {
    tail: usize,
    families: Vec<FamilyJson>,
}

/// A family; `error` stands alone where there is no fit.
#[derive(Serialize)]
struct FamilyJson {
    family: &'static str,
    #[serde(flatten, skip_serializing_if = "Option::is_none")]
    fit: Option<FitJson>,
    #[serde(skip_serializing_if = "Option::is_none")]
    error: Option<String>,
}

#[derive(Serialize)]
struct FitJson {
    parameters: BTreeMap<&'static str, f64>,
    log_likelihood: f64,
    aic: f64,
    kolmogorov_smirnov: f64,
    /// None where the statistic is infinite.
    anderson_darling: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    border: Option<&'static str>,
}

pub(super) fn run(args: &WeibullCompareArgs) -> Result<()> {
    let numbers = numbers(&args.numbers)?;
    let params = params(&args.extremes, numbers.len())?;
    let families = if args.families.is_empty() {
        Family::ALL.to_vec()
    } else {
        let parse = |name: &String| name.parse().map_err(|e| CliError::usage(format!("{e}")));
        args.families.iter().map(parse).collect::<Result<_>>()?
    };
    let file = &args.numbers.file;
    let comparison =
        compare(&numbers, params, &families).map_err(|e| CliError::file(file, with_causes(&e)))?;
    let json = json(&comparison);
    if args.json {
        output::json(&json)?;
    } else {
        output::text(&table(&json, numbers.len(), args.extremes.low))?;
    }
    let fits: Vec<(String, &dyn TailDistribution)> = comparison
        .families
        .iter()
        .filter_map(|compared| {
            let fit = compared.result.as_ref().ok()?;
            Some((compared.family.to_string(), &*fit.distribution))
        })
        .collect();
    if fits.is_empty() {
        return Err(CliError::file(file, "no family has a fit to this tail"));
    }
    show(args.plot, args.svg.as_deref(), || {
        let tail = charts::extremes(&numbers, params.tail_size(), params.side());
        let [density, _, quantiles] = charts::charts(&tail, &fits[..1]);
        let all = charts::charts(&tail, &fits);
        (all.to_vec(), vec![density, quantiles])
    })
}

fn json(comparison: &Comparison) -> ComparisonJson {
    let families = comparison.families.iter().map(|compared| {
        let family = compared.family.name();
        match &compared.result {
            Ok(fit) => FamilyJson {
                family,
                fit: Some(FitJson {
                    parameters: fit.distribution.parameters().into_iter().collect(),
                    log_likelihood: fit.log_likelihood,
                    aic: fit.aic,
                    kolmogorov_smirnov: fit.kolmogorov_smirnov,
                    anderson_darling: Some(fit.anderson_darling).filter(|a| a.is_finite()),
                    border: fit.distribution.border().map(border),
                }),
                error: None,
            },
            Err(error) => FamilyJson {
                family,
                fit: None,
                error: Some(with_causes(error)),
            },
        }
    });
    ComparisonJson {
        tail: comparison.tail_size,
        families: families.collect(),
    }
}

fn border(border: Border) -> &'static str {
    match border {
        Border::Shape => "shape at its limit",
        Border::Location => "location at its limit",
        _ => "at a border of its parameters",
    }
}

fn table(comparison: &ComparisonJson, count: usize, low: bool) -> String {
    let mut text = format!(
        "tail: the {} {} of {count} numbers; the smallest AIC first\n\n\
         family           AIC  log-likelihood  KS distance  Anderson-Darling  parameters\n",
        comparison.tail,
        if low { "smallest" } else { "largest" }
    );
    for family in &comparison.families {
        let name = family.family;
        match (&family.fit, &family.error) {
            (Some(fit), _) => {
                let darling = fit.anderson_darling.unwrap_or(f64::INFINITY);
                let parameters: Vec<String> = fit
                    .parameters
                    .iter()
                    .map(|(name, value)| format!("{name} {}", figure(*value, 5)))
                    .chain(fit.border.iter().map(|border| format!("({border})")))
                    .collect();
                writeln!(
                    text,
                    "{name:9}  {:9.3}  {:14.4}  {:11.4}  {darling:16.4}  {}",
                    fit.aic,
                    fit.log_likelihood,
                    fit.kolmogorov_smirnov,
                    parameters.join(", ")
                )
                .ok();
            }
            (None, Some(error)) => {
                writeln!(text, "{name:9}  no fit: {error}").ok();
            }
            (None, None) => {}
        }
    }
    text
}
