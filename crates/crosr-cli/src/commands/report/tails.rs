//! The report's view of the fitted tails: the fits, and what other tail sizes would have given.

use crosr_eval::{ClassTail, Ranking, TailSizes};
use crosr_libmr::{Weibull, WeibullParams};
use crosr_openmax::{Recalibration, recalibrate};
use rayon::prelude::*;

use crate::commands::eval::Judged;
use crate::error::Result;
use crate::formats::openset::OpenSet;

/// Points of a drawn density.
const STEPS: u32 = 80;

/// Tail sizes that are tried, as far as every class has as many distances.
const SIZES: [usize; 13] = [5, 10, 20, 35, 50, 75, 100, 150, 200, 350, 500, 1000, 2000];

/// Pictures of a set that are scored at each tail size.
const SCORED: usize = 4_000;

/// The fit of each class over what it was fitted to.
pub(super) fn class_tails(openset: &OpenSet) -> Vec<ClassTail> {
    let weibulls = openset.model.weibulls().iter();
    let all = openset.class_names.iter().zip(weibulls);
    all.enumerate()
        .map(|(class, (name, weibull))| {
            let recorded = openset.tails.get(class).map_or(&[][..], Vec::as_slice);
            let fitted = weibull.tail_size().min(recorded.len());
            let mut distances = recorded[..fitted].to_vec();
            distances.reverse();
            class_tail(name, weibull, distances)
        })
        .collect()
}

fn class_tail(name: &str, weibull: &Weibull, distances: Vec<f64>) -> ClassTail {
    let n = distances.len();
    let quantile = |i: usize| weibull.inv((i as f64 + 0.5) / n as f64);
    let density = match (distances.first(), distances.last()) {
        (Some(first), Some(last)) => (0..=STEPS)
            .map(|i| first + (last - first) * f64::from(i) / f64::from(STEPS))
            .map(|x| (x, weibull.pdf(x)))
            .filter(|(_, y)| y.is_finite())
            .collect(),
        _ => Vec::new(),
    };
    ClassTail {
        name: name.to_owned(),
        parameters: [
            ("tail size", weibull.tail_size() as f64),
            ("scale", weibull.scale()),
            ("shape", weibull.shape()),
            ("smallest distance", weibull.small_score()),
        ]
        .map(|(name, value)| (name.to_owned(), value))
        .to_vec(),
        quantiles: (0..n).map(quantile).collect(),
        distances,
        density,
    }
}

/// AUROC of OpenMax's unknown probability with Weibulls refitted to other numbers of distances.
/// `None` without recorded distances or outliers.
pub(super) fn tail_sizes(
    openset: &OpenSet,
    recalibration: &Recalibration,
    judged: &[Judged],
) -> Result<Option<TailSizes>> {
    let most = openset.tails.iter().map(Vec::len).min().unwrap_or(0);
    let weibulls = openset.model.weibulls();
    let fitted = weibulls.iter().map(Weibull::tail_size).max().unwrap_or(0);
    let mut sizes: Vec<usize> = SIZES.into_iter().filter(|&size| size <= most).collect();
    if fitted <= most && !sizes.contains(&fitted) {
        sizes.push(fitted);
        sizes.sort_unstable();
    }
    let Some((known, outliers)) = judged.split_first() else {
        return Ok(None);
    };
    if sizes.len() < 2 || outliers.is_empty() {
        return Ok(None);
    }
    let mut kept = Vec::new();
    let mut auroc = vec![Vec::new(); outliers.len()];
    for size in sizes {
        // A tail without a fit, such as a constant one, leaves its size out.
        let refitted = openset.tails.iter().map(|tail| {
            let params = WeibullParams::new(size).check().ok()?;
            Some(params.fit(&tail[..size]).ok()?.0)
        });
        let Some(refitted) = refitted.collect::<Option<Vec<Weibull>>>() else {
            continue;
        };
        let unknown = |set: &Judged| unknown_probabilities(set, &refitted, recalibration);
        let known = unknown(known)?;
        for (set, areas) in outliers.iter().zip(&mut auroc) {
            let scores = [known.clone(), unknown(set)?].concat();
            let sides: Vec<bool> = (0..scores.len()).map(|i| i >= known.len()).collect();
            areas.push(Ranking::new(&scores, &sides)?.auroc());
        }
        kept.push(size);
    }
    Ok((!kept.is_empty()).then_some(TailSizes {
        sizes: kept,
        auroc,
        fitted,
    }))
}

fn unknown_probabilities(
    set: &Judged,
    weibulls: &[Weibull],
    recalibration: &Recalibration,
) -> Result<Vec<f64>> {
    let n = set.recalibrated.len();
    let count = n.min(SCORED);
    (0..count)
        .into_par_iter()
        .map(|k| {
            let i = k * n / count;
            let distances = &set.recalibrated[i].distances;
            let pairs = weibulls.iter().zip(distances);
            let w_scores: Vec<f64> = pairs.map(|(w, &d)| w.w_score(d)).collect();
            let logits = &set.features.row(i)[..weibulls.len()];
            let probabilities = recalibrate(logits, &w_scores, recalibration)?;
            Ok(probabilities.last().copied().unwrap_or_default())
        })
        .collect()
}
