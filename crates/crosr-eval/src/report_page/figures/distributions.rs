//! Distributions of what an image is judged by, known images against each outlier set.

use super::set_id;
use crate::report_page::axis::{Axis, Scale};
use crate::report_page::data::{ImageScores, RunReport};
use crate::report_page::drawing::Drawing;
use crate::report_page::plot::{Bar, Layer, Plot, USUAL};
use crate::report_page::svg::{number, percent};
use crate::report_page::thin;

const BINS: usize = 40;

/// Name, id and values of a quantity.
type Quantity = (&'static str, &'static str, fn(&ImageScores) -> Vec<f64>);

const QUANTITIES: [Quantity; 3] = [
    ("unknown probability", "unknown", |s| {
        s.unknown_probability.clone()
    }),
    ("w-score of the predicted class", "w-score", |s| {
        s.w_score.iter().map(|&w| f64::from(w)).collect()
    }),
    ("maximum logit", "logit", |s| {
        s.maximum_logit.iter().map(|&l| f64::from(l)).collect()
    }),
];

/// For each outlier set, a chart of each quantity.
pub(in crate::report_page) fn distributions(report: &RunReport) -> Vec<Drawing> {
    let mut drawings = Vec::new();
    for (i, (set, measured)) in report
        .outliers
        .iter()
        .zip(&report.evaluation.outliers)
        .enumerate()
    {
        for (title, id, values) in QUANTITIES {
            let (known, outliers) = (values(&report.known), values(set));
            let range = if id == "logit" {
                let all = known.iter().chain(&outliers).copied();
                Axis::around("", all).range
            } else {
                (0.0, 1.0)
            };
            let sides = [
                (0, "known", known),
                (i + 1, measured.name.as_str(), outliers),
            ];
            let shares = sides.map(|(colour, name, values)| {
                let bins = thin::histogram(values.into_iter(), range, BINS);
                (colour, name.to_owned(), bins)
            });
            let top = shares
                .iter()
                .flat_map(|(_, _, bins)| bins)
                .fold(0.0f64, |a, &b| a.max(b));
            let width = (range.1 - range.0) / BINS as f64;
            let layers = shares
                .iter()
                .map(|(colour, name, bins)| Layer::Bars {
                    colour: *colour,
                    bars: bins
                        .iter()
                        .enumerate()
                        .filter(|(_, share)| **share > 0.0)
                        .map(|(k, &share)| {
                            let from = range.0 + k as f64 * width;
                            Bar {
                                from,
                                to: from + width,
                                height: share,
                                title: format!(
                                    "{name}: {} from {} to {}",
                                    percent(share),
                                    number(from),
                                    number(from + width)
                                ),
                            }
                        })
                        .collect(),
                })
                .collect();
            let plot = Plot {
                id: format!("{id}-{}", set_id(i)),
                title: format!("{}: {title}", measured.name),
                size: USUAL,
                x: Axis::new(title, range),
                y: Axis::new(
                    "share of the images (root scale)",
                    (0.0, (top * 1.08).max(0.02)),
                )
                .scale(Scale::Root),
                layers,
                legend: shares
                    .iter()
                    .map(|(colour, name, _)| (*colour, name.clone()))
                    .collect(),
            };
            drawings.push(plot.draw());
        }
    }
    drawings
}
