//! Verdicts as a table, CSV or JSON lines.

use std::io::IsTerminal;

use console::{Style, measure_text_width};
use crosr_data::{DataError, Listed};
use crosr_openmax::{EvidenceReading, Recalibrated, Verdict};
use serde::{Serialize, Serializer};

use super::UNKNOWN;
use crate::error::{CliError, Result, with_causes};
use crate::output;

/// What is printed.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Format {
    Table,
    Csv,
    JsonLines,
}

/// One picture: what the model says of it, or what is wrong with it.
pub(super) struct Row {
    path: String,
    pub(super) outcome: Result<(Recalibrated, Option<EvidenceReading>), String>,
}

impl Row {
    /// A picture that the model has not seen.
    pub(super) fn unread(picture: Listed) -> Self {
        let error = match &picture.error {
            None => String::new(),
            Some(DataError::Missing { .. }) => "no such file or folder".to_owned(),
            Some(error) => {
                // The path stands beside it.
                let text = with_causes(error).replace(['\n', '\r'], " ");
                let prefix = format!("{}: ", picture.path.display());
                text.strip_prefix(&prefix).unwrap_or(&text).to_owned()
            }
        };
        Self {
            path: picture.path.to_string_lossy().into_owned(),
            outcome: Err(error),
        }
    }
}

/// A line of JSON for a picture that was read.
#[derive(Serialize)]
struct Prediction<'a> {
    path: &'a str,
    /// The verdict.
    class: &'a str,
    unknown: bool,
    probabilities: Probabilities<'a>,
    /// Of the predicted class.
    w_score: f64,
    /// The known class with the largest logit.
    predicted_class: &'a str,
    /// The known class whose mean is nearest.
    nearest_class: &'a str,
    distance: f64,
    nearest_w_score: f64,
    /// The strongest evidence, where evidence decides.
    #[serde(skip_serializing_if = "Option::is_none")]
    reason: Option<Reason>,
}

#[derive(Clone, Copy, Serialize)]
struct Reason {
    evidence: &'static str,
    /// Part of the known pictures that are as far out.
    tail_probability: f64,
    share: f64,
}

/// A line of JSON for a picture that was not.
#[derive(Serialize)]
struct Failure<'a> {
    path: &'a str,
    error: &'a str,
}

/// Probabilities by name, unknown last.
struct Probabilities<'a> {
    names: &'a [String],
    values: &'a [f64],
}

impl Serialize for Probabilities<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let names = self.names.iter().map(String::as_str).chain([UNKNOWN]);
        serializer.collect_map(names.zip(self.values))
    }
}

impl<'a> Prediction<'a> {
    fn new(
        path: &'a str,
        names: &'a [String],
        sample: &'a Recalibrated,
        strongest: Option<EvidenceReading>,
    ) -> Self {
        let name = |class: usize| names.get(class).map_or("", String::as_str);
        let value = |of: &[f64], class: usize| of.get(class).copied().unwrap_or_default();
        let (predicted, nearest) = (sample.closed_set_class, sample.nearest_class());
        Self {
            path,
            class: match sample.verdict {
                Verdict::Known(class) => name(class),
                Verdict::Unknown => UNKNOWN,
            },
            unknown: sample.verdict == Verdict::Unknown,
            probabilities: Probabilities {
                names,
                values: &sample.probabilities,
            },
            w_score: value(&sample.w_scores, predicted),
            predicted_class: name(predicted),
            nearest_class: name(nearest),
            distance: value(&sample.distances, nearest),
            nearest_w_score: value(&sample.w_scores, nearest),
            reason: strongest.map(|reading| Reason {
                evidence: reading.evidence.name(),
                tail_probability: reading.tail_probability,
                share: reading.share,
            }),
        }
    }

    /// Probability of the verdict.
    fn probability(&self) -> f64 {
        let mut names = self.probabilities.names.iter();
        let class = names.position(|name| name == self.class);
        let values = self.probabilities.values;
        let value = class.map_or(values.last(), |class| values.get(class));
        value.copied().unwrap_or_default()
    }

    /// Why it is unknown, in words.
    fn words(&self) -> String {
        let mut text = String::new();
        if self.predicted_class != self.nearest_class {
            text = format!("classified as {}, ", self.predicted_class);
        }
        text += &format!(
            "nearest to {} (distance {:.3}, w-score {:.3})",
            self.nearest_class, self.distance, self.nearest_w_score
        );
        if let Some(reason) = self.reason {
            let percent = 100.0 * reason.tail_probability;
            let part = if percent < 0.01 {
                "under 0.01".to_owned()
            } else {
                format!("{percent:.2}")
            };
            text += &format!(
                "; strongest evidence: {} ({part} % of known pictures are as far out)",
                reason.evidence
            );
        }
        text
    }
}

/// Prints rows to standard output.
pub(super) struct Writer<'a> {
    format: Format,
    names: &'a [String],
    begun: bool,
    /// Columns of the table that the widest path and the widest class take.
    path_width: usize,
    class_width: usize,
    colours: bool,
}

impl<'a> Writer<'a> {
    pub(super) fn new(format: Format, names: &'a [String]) -> Self {
        let names_and = names.iter().map(String::as_str).chain([UNKNOWN, "class"]);
        Self {
            format,
            names,
            begun: false,
            path_width: "path".len(),
            class_width: names_and.map(measure_text_width).max().unwrap_or(0),
            // NO_COLOR is heard by `console`.
            colours: std::io::stdout().is_terminal() && console::colors_enabled(),
        }
    }

    /// Prints some more rows.
    pub(super) fn write(&mut self, rows: &[Row]) -> Result<()> {
        let first = !std::mem::replace(&mut self.begun, true);
        let text = match self.format {
            Format::Table => self.table(rows, first).into_bytes(),
            Format::Csv => self.csv(rows, first)?,
            Format::JsonLines => self.json_lines(rows)?,
        };
        output::bytes(&text)
    }

    fn prediction(&self, row: &'a Row) -> Result<Prediction<'a>, &'a str> {
        match &row.outcome {
            Ok((sample, strongest)) => {
                Ok(Prediction::new(&row.path, self.names, sample, *strongest))
            }
            Err(error) => Err(error),
        }
    }

    fn json_lines(&self, rows: &[Row]) -> Result<Vec<u8>> {
        let mut text = Vec::new();
        for row in rows {
            let path = &row.path;
            let written = match self.prediction(row) {
                Ok(prediction) => serde_json::to_writer(&mut text, &prediction),
                Err(error) => serde_json::to_writer(&mut text, &Failure { path, error }),
            };
            written.map_err(|e| CliError::Output(e.into()))?;
            text.push(b'\n');
        }
        Ok(text)
    }

    fn csv(&self, rows: &[Row], first: bool) -> Result<Vec<u8>> {
        let mut csv = csv::Writer::from_writer(Vec::new());
        let failed = |e: csv::Error| CliError::Output(e.into());
        if first {
            let fixed = [
                "path",
                "class",
                "unknown",
                "w_score",
                "predicted_class",
                "nearest_class",
                "distance",
                "nearest_w_score",
                "strongest_evidence",
                "its_tail_probability",
                "error",
            ];
            let names = self.names.iter().map(String::as_str).chain([UNKNOWN]);
            let header = fixed.iter().map(|name| (*name).to_owned());
            let header = header.chain(names.map(|name| format!("p_{name}")));
            csv.write_record(header).map_err(failed)?;
        }
        for row in rows {
            let mut record: Vec<String> = match self.prediction(row) {
                Ok(p) => vec![
                    p.path.to_owned(),
                    p.class.to_owned(),
                    p.unknown.to_string(),
                    p.w_score.to_string(),
                    p.predicted_class.to_owned(),
                    p.nearest_class.to_owned(),
                    p.distance.to_string(),
                    p.nearest_w_score.to_string(),
                    p.reason.map_or("", |reason| reason.evidence).to_owned(),
                    p.reason
                        .map_or(String::new(), |r| r.tail_probability.to_string()),
                    String::new(),
                ],
                Err(error) => {
                    let mut record = vec![String::new(); 11];
                    record[0].clone_from(&row.path);
                    record[10] = error.to_owned();
                    record
                }
            };
            match &row.outcome {
                Ok((sample, _)) => {
                    record.extend(sample.probabilities.iter().map(ToString::to_string));
                }
                Err(_) => record.resize(record.len() + self.names.len() + 1, String::new()),
            }
            csv.write_record(record).map_err(failed)?;
        }
        csv.into_inner()
            .map_err(|e| CliError::Output(e.into_error()))
    }

    fn table(&mut self, rows: &[Row], first: bool) -> String {
        let paths: Vec<String> = rows.iter().map(|row| visible(&row.path)).collect();
        let widest = paths.iter().map(|path| measure_text_width(path)).max();
        self.path_width = self.path_width.max(widest.unwrap_or(0));
        let mut text = String::new();
        let mut line = |path: &str, class: &str, style: &Style, rest: &str| {
            let class = style
                .clone()
                .force_styling(self.colours)
                .apply_to(padded(class, self.class_width));
            text += format!("{}  {class}  {rest}", padded(path, self.path_width)).trim_end();
            text.push('\n');
        };
        if first {
            let plain = Style::new();
            line("path", "class", &plain, "probability  w-score  why unknown");
        }
        for (row, path) in rows.iter().zip(&paths) {
            match self.prediction(row) {
                Ok(p) => {
                    let (style, words) = if p.unknown {
                        (Style::new().yellow().bold(), visible(&p.words()))
                    } else {
                        (Style::new().green(), String::new())
                    };
                    let rest = format!("{:11.4}  {:7.4}  {words}", p.probability(), p.w_score);
                    line(path, &visible(p.class), &style, &rest);
                }
                Err(error) => {
                    let rest = format!("{:>11}  {:>7}  error: {}", "-", "-", visible(error));
                    line(path, "-", &Style::new().red(), &rest);
                }
            }
        }
        text
    }
}

/// Names come from anywhere, and must not move the cursor or ring the bell.
fn visible(text: &str) -> String {
    let shown = |c: char| {
        let escaped = c.is_control().then(|| c.escape_default());
        let plain = escaped.is_none().then_some(c);
        escaped.into_iter().flatten().chain(plain)
    };
    text.chars().flat_map(shown).collect()
}

fn padded(text: &str, width: usize) -> String {
    let missing = width.saturating_sub(measure_text_width(text));
    format!("{text}{}", " ".repeat(missing))
}
