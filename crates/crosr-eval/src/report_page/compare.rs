//! Evaluations side by side.

use std::io::{self, Write};

use serde::Serialize;

use super::axis::Axis;
use super::drawing::{Drawing, put};
use super::html::{Row, Section, grid, note, paragraph, sections, table};
use super::page::Page;
use super::plot::{Layer, Plot, Spot, USUAL};
use super::svg::{count, escape, percent};
use crate::report::{Evaluation, OutlierEvaluation};

/// An evaluation under the name of its run.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct NamedEvaluation {
    /// The run's name.
    pub name: String,
    /// What sets the run apart: label and value.
    pub facts: Vec<(String, String)>,
    /// Its measurements.
    pub evaluation: Evaluation,
}

/// Several evaluations, to be seen side by side.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Comparison {
    /// The runs, in the order of the columns.
    pub runs: Vec<NamedEvaluation>,
}

/// A figure of an outlier set: its name, its value, whether more is better.
type Measure = (&'static str, fn(&OutlierEvaluation) -> f64, bool);

const MEASURES: [Measure; 8] = [
    ("AUROC", |s| s.auroc, true),
    ("AUPR unknown", |s| s.aupr_unknown, true),
    ("AUPR known", |s| s.aupr_known, true),
    ("FPR at 95 % TPR", |s| s.fpr_at_95_tpr, false),
    ("OSCR", |s| s.oscr, true),
    ("accuracy", |s| s.accuracy, true),
    ("macro-F1", |s| s.macro_f1, true),
    ("F1 unknown", |s| s.f1_unknown, true),
];

impl Comparison {
    /// Names of all outlier sets, in the order in which they first occur.
    fn sets(&self) -> Vec<&str> {
        let mut names: Vec<&str> = Vec::new();
        for set in self.runs.iter().flat_map(|run| &run.evaluation.outliers) {
            if !names.contains(&set.name.as_str()) {
                names.push(&set.name);
            }
        }
        names
    }

    /// A value of each run; `None` where it was not evaluated on the set.
    fn values(&self, set: &str, of: fn(&OutlierEvaluation) -> f64) -> Vec<Option<f64>> {
        self.runs
            .iter()
            .map(|run| {
                let mut sets = run.evaluation.outliers.iter();
                sets.find(|there| there.name == set).map(of)
            })
            .collect()
    }

    /// Whether the runs saw different numbers of pictures under one name.
    fn differing(&self) -> Vec<String> {
        let mut found = Vec::new();
        let differ = |mut counts: Vec<usize>| {
            counts.dedup();
            counts.len() > 1
        };
        if differ(
            self.runs
                .iter()
                .map(|r| r.evaluation.known.samples)
                .collect(),
        ) {
            found.push("known images".to_owned());
        }
        for name in self.sets() {
            let all = self.runs.iter().flat_map(|run| &run.evaluation.outliers);
            if differ(all.filter(|s| s.name == name).map(|s| s.samples).collect()) {
                found.push(name.to_owned());
            }
        }
        found
    }

    /// Writes a table for a terminal: a line per measurement, a column per run, `*` at the best.
    ///
    /// # Errors
    /// Those of the writer.
    pub fn write_table(&self, out: &mut impl Write) -> io::Result<()> {
        // A terminal obeys control characters.
        let clean = |text: &str| text.replace(char::is_control, "\u{fffd}");
        let names: Vec<String> = self.runs.iter().map(|run| clean(&run.name)).collect();
        let widths: Vec<usize> = names.iter().map(|n| n.chars().count().max(9)).collect();
        let mut line = |head: &str, cells: &[String]| {
            write!(out, "{head:24}")?;
            for (cell, width) in cells.iter().zip(&widths) {
                write!(out, "  {cell:>width$}", width = *width)?;
            }
            writeln!(out)
        };
        line("", &names)?;
        let accuracies = self.accuracies();
        line("closed-set accuracy", &marked(&accuracies, true, 4, true))?;
        for set in self.sets() {
            line("", &[])?;
            line(&clean(set), &[])?;
            for (name, of, more) in MEASURES {
                let values = self.values(set, of);
                line(&format!("  {name}"), &marked(&values, more, 4, true))?;
            }
        }
        for name in self.differing() {
            writeln!(
                out,
                "note: the runs saw different numbers of {}",
                clean(&name)
            )?;
        }
        Ok(())
    }

    fn accuracies(&self) -> Vec<Option<f64>> {
        let known = self.runs.iter().map(|run| &run.evaluation.known);
        known.map(|k| Some(k.closed_set_accuracy)).collect()
    }

    /// Draws the page of the comparison. The same values give the same bytes.
    #[must_use]
    pub fn page(&self) -> Page {
        let title = "Comparison of runs";
        let drawings = self.drawings();
        let names = self.runs.iter().map(|run| run.name.as_str());
        let heads: Vec<&str> = std::iter::once("").chain(names).collect();
        let parts = [
            Section {
                id: "runs",
                heading: "What was run",
                body: table("runs", &heads, &self.facts()),
            },
            Section {
                id: "results",
                heading: "Measurements",
                body: self.results(&heads),
            },
            Section {
                id: "charts",
                heading: "Charts",
                body: grid(&drawings, false),
            },
        ];
        let mut body = String::new();
        put(
            &mut body,
            format_args!(
                "<header>\n<h1>{title}</h1>\n<p class=\"headline\">{}</p>\n</header>\n",
                escape(&self.headline())
            ),
        );
        body.push_str(&sections(&parts));
        body.push_str("<footer>Written by crosr.</footer>\n");
        Page::new(title, &body, &drawings.iter().collect::<Vec<_>>())
    }

    /// Which run is ahead, in a sentence.
    fn headline(&self) -> String {
        let mut text = format!("{} runs.", self.runs.len());
        for set in self.sets() {
            let values = self.values(set, |s| s.macro_f1);
            if let Some(best) = best(&values, true) {
                let run = &self.runs[best];
                let value = values[best].unwrap_or_default();
                text.push_str(&format!(
                    " On {set}, {} has the highest macro-F1, {value:.3}.",
                    run.name
                ));
            }
        }
        text
    }

    fn facts(&self) -> Vec<Row> {
        let mut labels: Vec<&str> = Vec::new();
        for (label, _) in self.runs.iter().flat_map(|run| &run.facts) {
            if !labels.contains(&label.as_str()) {
                labels.push(label);
            }
        }
        let value = |run: &NamedEvaluation, label: &str| {
            let mut facts = run.facts.iter();
            let found = facts.find(|(there, _)| there == label);
            found.map_or("–".to_owned(), |(_, value)| value.clone())
        };
        labels
            .into_iter()
            .map(|label| Row::new(label, self.runs.iter().map(|r| value(r, label)).collect()))
            .collect()
    }

    fn results(&self, heads: &[&str]) -> String {
        let mut out = paragraph("The best of each line stands out. A dash: not evaluated there.");
        for name in self.differing() {
            out.push_str(&note(&format!(
                "The runs saw different numbers of {name}: these figures do not compare."
            )));
        }
        let known = self.runs.iter().map(|r| count(r.evaluation.known.samples));
        let rows = [
            Row::new("images", known.collect()),
            Row::new(
                "closed-set accuracy",
                marked(&self.accuracies(), true, 4, false),
            ),
        ];
        out.push_str("<h3>Known images</h3>\n");
        out.push_str(&table("known", heads, &rows));
        for set in self.sets() {
            put(&mut out, format_args!("<h3>{}</h3>\n", escape(set)));
            let rows: Vec<Row> = MEASURES
                .iter()
                .map(|&(name, of, more)| {
                    Row::new(name, marked(&self.values(set, of), more, 4, false))
                })
                .collect();
            out.push_str(&table("measures", heads, &rows));
        }
        out
    }

    /// A chart per measurement: sets along the axis, runs in colours.
    fn drawings(&self) -> Vec<Drawing> {
        let sets = self.sets();
        if sets.is_empty() {
            return Vec::new();
        }
        let n = self.runs.len() as f64;
        let draw = |&(name, of, _): &Measure| {
            let mut layers = Vec::new();
            let mut all = Vec::new();
            for (r, run) in self.runs.iter().enumerate() {
                let mut spots = Vec::new();
                for (k, set) in sets.iter().enumerate() {
                    if let Some(y) = self.values(set, of)[r] {
                        all.push(y);
                        spots.push(Spot {
                            x: k as f64 + 0.2 + 0.6 * (r as f64 + 0.5) / n,
                            y,
                            title: format!("{}, {set}: {name} {}", run.name, percent(y)),
                        });
                    }
                }
                layers.push(Layer::Marks { colour: r, spots });
            }
            let places = sets.iter().enumerate();
            let id: String = name
                .chars()
                .map(|c| {
                    if c.is_ascii_alphanumeric() {
                        c.to_ascii_lowercase()
                    } else {
                        '-'
                    }
                })
                .collect();
            Plot {
                id: format!("compare-{}", id.replace("--", "-").trim_matches('-')),
                title: name.to_owned(),
                size: (USUAL.0, 320.0),
                x: Axis::new("", (0.0, sets.len() as f64)).named(
                    places
                        .map(|(k, set)| (k as f64 + 0.5, (*set).to_owned()))
                        .collect(),
                ),
                y: Axis::around(name, all.into_iter()),
                layers,
                legend: self
                    .runs
                    .iter()
                    .enumerate()
                    .map(|(r, run)| (r, run.name.clone()))
                    .collect(),
            }
            .draw()
        };
        MEASURES.iter().map(draw).collect()
    }
}

/// The place of the best finite value; `None` without two different ones to choose from.
fn best(values: &[Option<f64>], more: bool) -> Option<usize> {
    let there = |&i: &usize| values[i].is_some_and(f64::is_finite);
    if (0..values.len()).filter(there).count() < 2 {
        return None;
    }
    let value = |i: usize| values[i].unwrap_or_default() * if more { 1.0 } else { -1.0 };
    let first = values.iter().flatten().find(|v| v.is_finite());
    if values
        .iter()
        .flatten()
        .all(|v| !v.is_finite() || Some(v) == first)
    {
        return None;
    }
    // The first of equals.
    (0..values.len())
        .rev()
        .filter(there)
        .max_by(|&a, &b| value(a).total_cmp(&value(b)))
}

/// The values as text, a star at the best: behind it for a terminal, before it for a table that
/// shows it otherwise.
fn marked(values: &[Option<f64>], more: bool, decimals: usize, behind: bool) -> Vec<String> {
    let best = best(values, more).and_then(|i| values[i]);
    values
        .iter()
        .map(|value| match value {
            None => "–".to_owned(),
            Some(v) => {
                let star = if Some(*v) == best { "*" } else { "" };
                if behind {
                    format!("{v:.decimals$}{}", if star.is_empty() { " " } else { star })
                } else {
                    format!("{star}{v:.decimals$}")
                }
            }
        })
        .collect()
}
