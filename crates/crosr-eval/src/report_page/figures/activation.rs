//! The activation vector of a class.

use crate::report_page::axis::Axis;
use crate::report_page::data::RunReport;
use crate::report_page::drawing::Drawing;
use crate::report_page::plot::{Bar, Layer, Plot, WIDE};
use crate::report_page::svg::{number, short};

/// Values of the class's mean vector as bars, the means of each set's images as dots.
pub(in crate::report_page) fn activation(report: &RunReport) -> Option<Drawing> {
    let activation = report.activation.as_ref()?;
    let class = report.class_names.get(activation.class)?;
    let dim = activation.mean.len();
    let part_of = |i: usize| {
        let mut first = 0;
        for (name, length) in &activation.parts {
            if i < first + length {
                return (name.as_str(), i - first);
            }
            first += length;
        }
        ("", i)
    };
    let label = |i: usize| match part_of(i) {
        ("logits", k) => report
            .class_names
            .get(k)
            .map_or_else(|| format!("logit {k}"), |name| format!("logit of {name}")),
        (part, k) => format!("{part}, channel {k}"),
    };
    let mut layers = vec![Layer::Bars {
        colour: 0,
        bars: activation
            .mean
            .iter()
            .enumerate()
            .map(|(i, &value)| Bar {
                from: i as f64 + 0.1,
                to: i as f64 + 0.9,
                height: f64::from(value),
                title: format!("{}: {}", label(i), number(f64::from(value))),
            })
            .collect(),
    }];
    let mut legend = vec![(0, format!("mean of class {}", short(class, 16)))];
    let sets = report.evaluation.outliers.iter().map(|set| &set.name);
    for (i, (name, values)) in sets.zip(activation.sets.iter().skip(1)).enumerate() {
        if values.is_empty() {
            continue;
        }
        layers.push(Layer::Dots {
            large: true,
            colour: i + 1,
            points: values
                .iter()
                .enumerate()
                .map(|(k, &value)| (k as f64 + 0.5, f64::from(value)))
                .collect(),
            title: format!("{name}: mean of the images closest to {class}"),
        });
        legend.push((i + 1, name.clone()));
    }
    let mut names = Vec::new();
    let mut first = 0;
    for (name, length) in &activation.parts {
        names.push(((first as f64) + *length as f64 / 2.0, name.clone()));
        first += length;
        if first < dim {
            layers.push(Layer::Rule {
                x: Some(first as f64),
                y: None,
                title: format!("end of {name}"),
            });
        }
    }
    let values = activation
        .mean
        .iter()
        .chain(activation.sets.iter().flatten());
    let all = values.map(|&v| f64::from(v)).chain([0.0]);
    Some(
        Plot {
            id: "activation".to_owned(),
            title: format!("Activation vector of class {class}"),
            size: WIDE,
            x: Axis::new("position in the vector", (0.0, dim as f64)).named(names),
            y: Axis::around("activation", all),
            layers,
            legend,
        }
        .draw(),
    )
}
