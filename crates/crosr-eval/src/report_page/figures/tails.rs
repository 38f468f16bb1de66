//! The fitted tails: density and quantiles of each class, and what other tail sizes would give.

use crate::report_page::axis::{Axis, Scale};
use crate::report_page::data::{ClassTail, RunReport};
use crate::report_page::drawing::Drawing;
use crate::report_page::plot::{Bar, Layer, Plot, SMALL, Spot};
use crate::report_page::svg::{count, number};
use crate::report_page::thin;

/// Classes drawn at most.
pub(in crate::report_page) const DRAWN: usize = 24;

/// AUROC over the tail size, a line for each outlier set.
pub(in crate::report_page) fn tail_sizes(report: &RunReport) -> Option<Drawing> {
    let tails = report.tail_sizes.as_ref()?;
    let (first, last) = (tails.sizes.first()?, tails.sizes.last()?);
    if report.outliers.is_empty() {
        return None;
    }
    let mut layers = vec![Layer::Rule {
        x: Some(tails.fitted as f64),
        y: None,
        title: format!("fitted: {}", count(tails.fitted)),
    }];
    let mut legend = Vec::new();
    for (i, (set, areas)) in report
        .evaluation
        .outliers
        .iter()
        .zip(&tails.auroc)
        .enumerate()
    {
        let points: Vec<(f64, f64)> = tails
            .sizes
            .iter()
            .zip(areas)
            .map(|(&size, &area)| (size as f64, area))
            .collect();
        let spots = points.iter().map(|&(x, y)| Spot {
            x,
            y,
            title: format!("{}: tail {x}, AUROC {y:.4}", set.name),
        });
        let spots = spots.collect();
        layers.push(Layer::Line {
            colour: i + 1,
            points: points.clone(),
            title: format!("{}: AUROC by tail size", set.name),
        });
        layers.push(Layer::Dots {
            large: true,
            colour: i + 1,
            points,
            title: set.name.clone(),
        });
        layers.push(Layer::Hover(spots));
        legend.push((i + 1, set.name.clone()));
    }
    let plot = Plot {
        id: "tail-sizes".to_owned(),
        title: "AUROC of OpenMax by tail size".to_owned(),
        size: (540.0, 320.0),
        x: Axis::new(
            "tail size: distances fitted to in each class",
            (
                *first as f64 * 0.9,
                (*last as f64 * 1.1).max(*first as f64 + 1.0),
            ),
        )
        .scale(Scale::Log),
        y: Axis::around("AUROC", tails.auroc.iter().flatten().copied()),
        layers,
        legend,
    };
    Some(plot.draw())
}

/// How far the quantiles are from the line, in units of the tail's spread.
fn misfit(tail: &ClassTail) -> f64 {
    let spread = match (tail.distances.first(), tail.distances.last()) {
        (Some(first), Some(last)) if last > first => last - first,
        _ => return 0.0,
    };
    let apart = tail.distances.iter().zip(&tail.quantiles);
    apart
        .map(|(d, q)| (d - q).abs() / spread)
        .fold(0.0, f64::max)
}

/// Density and quantiles of each class; with many classes, of those that fit worst.
pub(in crate::report_page) fn tails(report: &RunReport) -> Vec<Drawing> {
    let mut order: Vec<usize> = (0..report.tails.len())
        .filter(|&class| !report.tails[class].distances.is_empty())
        .collect();
    if order.len() > DRAWN {
        order.sort_by(|&a, &b| misfit(&report.tails[b]).total_cmp(&misfit(&report.tails[a])));
        order.truncate(DRAWN);
        order.sort_unstable();
    }
    order
        .into_iter()
        .flat_map(|class| {
            let tail = &report.tails[class];
            [density(class, tail), quantiles(class, tail)]
        })
        .collect()
}

fn density(class: usize, tail: &ClassTail) -> Drawing {
    let n = tail.distances.len();
    let values = || tail.distances.iter().copied();
    let x = Axis::around("distance from the class mean", values());
    let range = thin::range(values())
        .filter(|(a, b)| a < b)
        .unwrap_or(x.range);
    let bins = ((n as f64).sqrt().ceil() as usize).clamp(3, 30);
    let width = (range.1 - range.0) / bins as f64;
    let shares = thin::histogram(values(), range, bins);
    let bars: Vec<Bar> = shares
        .iter()
        .enumerate()
        .filter(|(_, share)| **share > 0.0)
        .map(|(k, &share)| {
            let from = range.0 + k as f64 * width;
            Bar {
                from,
                to: from + width,
                height: share / width,
                title: format!(
                    "{} distances from {} to {}",
                    (share * n as f64).round(),
                    number(from),
                    number(from + width)
                ),
            }
        })
        .collect();
    let top = bars.iter().map(|bar| bar.height).fold(0.0, f64::max);
    let parameters: Vec<String> = tail
        .parameters
        .iter()
        .map(|(name, value)| format!("{name} {}", number(*value)))
        .collect();
    // A shape below one has no bound at its left end.
    let shown = tail
        .density
        .iter()
        .copied()
        .filter(|(_, y)| *y <= 3.0 * top);
    Plot {
        id: format!("tail-density-{}", class + 1),
        title: format!("{}: tail and fit", tail.name),
        size: SMALL,
        y: Axis::new(
            "density",
            (
                0.0,
                1.1 * shown.clone().map(|(_, y)| y).fold(top, f64::max).max(1e-9),
            ),
        ),
        x,
        layers: vec![
            Layer::Bars { colour: 0, bars },
            Layer::Line {
                colour: 1,
                points: shown.collect(),
                title: format!("{}: {}", tail.name, parameters.join(", ")),
            },
        ],
        legend: Vec::new(),
    }
    .draw()
}

fn quantiles(class: usize, tail: &ClassTail) -> Drawing {
    let both = || tail.distances.iter().chain(&tail.quantiles).copied();
    let axis = |label| Axis::around(label, both());
    let (from, to) = axis("").range;
    Plot {
        id: format!("tail-quantiles-{}", class + 1),
        title: format!("{}: quantiles", tail.name),
        size: SMALL,
        x: axis("quantile of the fit"),
        y: axis("distance"),
        layers: vec![
            Layer::Guide(vec![(from, from), (to, to)]),
            Layer::Dots {
                large: true,
                colour: 0,
                points: tail
                    .quantiles
                    .iter()
                    .copied()
                    .zip(tail.distances.iter().copied())
                    .collect(),
                title: format!(
                    "{}: {} distances against the fit; at most {} of their spread apart",
                    tail.name,
                    tail.distances.len(),
                    crate::report_page::svg::percent(misfit(tail))
                ),
            },
        ],
        legend: Vec::new(),
    }
    .draw()
}
