//! Image by image: unknown probability, w-score, and the maximum logit by class.

use crate::report_page::axis::Axis;
use crate::report_page::data::{ImageScores, RunReport};
use crate::report_page::drawing::{COLOURS, Drawing};
use crate::report_page::plot::{Layer, Plot, WIDE};
use crate::report_page::svg::{count, number};
use crate::report_page::thin;

/// Dots of one set at most: more would hide each other.
const DOTS: usize = 2_000;

/// Classes whose names fit below an axis.
const NAMED_CLASSES: usize = 24;

/// The three figures.
pub(in crate::report_page) fn images(report: &RunReport) -> Vec<Drawing> {
    vec![
        by_set(report, "images-unknown", "unknown probability", |s, i| {
            s.unknown_probability[i]
        }),
        by_class(report),
        by_set(
            report,
            "images-w-score",
            "w-score of the predicted class",
            |s, i| f64::from(s.w_score[i]),
        ),
    ]
}

fn sets(report: &RunReport) -> Vec<(&str, &ImageScores)> {
    let names = report
        .evaluation
        .outliers
        .iter()
        .map(|set| set.name.as_str());
    std::iter::once(("known", &report.known))
        .chain(names.zip(&report.outliers))
        .collect()
}

/// The middle value.
fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    values.get(values.len() / 2).copied().unwrap_or(f64::NAN)
}

fn shown_of(shown: usize, all: usize) -> String {
    if shown < all {
        format!("{} of {} images shown", count(shown), count(all))
    } else {
        format!("{} images", count(all))
    }
}

/// A quantity within [0, 1] of each image, set after set.
fn by_set(
    report: &RunReport,
    id: &str,
    quantity: &str,
    value: impl Fn(&ImageScores, usize) -> f64,
) -> Drawing {
    let sets = sets(report);
    let (mut layers, mut names) = (Vec::new(), Vec::new());
    for (k, (name, scores)) in sets.iter().enumerate() {
        let n = scores.len();
        // Every set is as wide as every other, whatever its size.
        let place = |i: usize| k as f64 + 0.04 + 0.92 * i as f64 / n as f64;
        let all: Vec<f64> = (0..n).map(|i| value(scores, i)).collect();
        let points: Vec<(f64, f64)> = thin::spread(n, DOTS).map(|i| (place(i), all[i])).collect();
        let middle = median(all);
        let title = format!(
            "{name}: {}; median {}",
            shown_of(points.len(), n),
            number(middle)
        );
        layers.push(Layer::Dots {
            large: false,
            colour: k,
            points,
            title: title.clone(),
        });
        layers.push(Layer::Guide(vec![
            (k as f64 + 0.04, middle),
            (k as f64 + 0.96, middle),
        ]));
        names.push((k as f64 + 0.5, (*name).to_owned()));
    }
    let title = capital(quantity);
    Plot {
        id: id.to_owned(),
        title: format!("{title} of each image"),
        size: WIDE,
        x: Axis::new(
            "images, in the order of their set",
            (0.0, sets.len() as f64),
        )
        .named(names),
        y: Axis::new(quantity, (0.0, 1.0)),
        layers,
        legend: Vec::new(),
    }
    .draw()
}

pub(super) fn capital(text: &str) -> String {
    let mut letters = text.chars();
    match letters.next() {
        Some(first) => first.to_uppercase().chain(letters).collect(),
        None => String::new(),
    }
}

/// Maximum logits: known images by their class, then the outlier sets.
fn by_class(report: &RunReport) -> Drawing {
    let k = report.class_names.len();
    let known = &report.known;
    let mut groups: Vec<(String, usize, Vec<f64>)> = (0..k)
        .map(|class| {
            let members = (0..known.len()).filter(|&i| known.truth[i] == Some(class));
            let logits = members.map(|i| f64::from(known.maximum_logit[i])).collect();
            (report.class_names[class].clone(), class, logits)
        })
        .collect();
    for (i, (name, scores)) in sets(report).into_iter().enumerate().skip(1) {
        let logits = scores.maximum_logit.iter().map(|&l| f64::from(l)).collect();
        // In the colour that the set has everywhere.
        groups.push((name.to_owned(), i, logits));
    }
    let y = Axis::around(
        "maximum logit",
        groups.iter().flat_map(|(_, _, logits)| logits).copied(),
    );
    let (mut layers, mut names) = (Vec::new(), Vec::new());
    let most = (3 * DOTS / groups.len().max(1)).max(50);
    for (g, (name, colour, logits)) in groups.iter().enumerate() {
        let n = logits.len();
        let place = |i: usize| g as f64 + 0.1 + 0.8 * i as f64 / n.max(1) as f64;
        let points: Vec<(f64, f64)> = thin::spread(n, most)
            .map(|i| (place(i), logits[i]))
            .collect();
        let title = format!(
            "{name}: {}; median {}",
            shown_of(points.len(), n),
            number(median(logits.clone()))
        );
        layers.push(Layer::Dots {
            large: false,
            // Neighbours differ; the place tells classes apart where colours repeat.
            colour: colour % COLOURS,
            points,
            title,
        });
        if groups.len() <= NAMED_CLASSES || g >= k {
            names.push((g as f64 + 0.5, name.clone()));
        }
    }
    if !report.outliers.is_empty() {
        layers.push(Layer::Rule {
            x: Some(k as f64),
            y: None,
            title: "known classes left, outliers right".to_owned(),
        });
    }
    Plot {
        id: "images-logit".to_owned(),
        title: "Maximum logit of each image, by class".to_owned(),
        size: (WIDE.0, 360.0),
        x: Axis::new("images by class, then outliers", (0.0, groups.len() as f64)).named(names),
        y,
        layers,
        legend: Vec::new(),
    }
    .draw()
}
