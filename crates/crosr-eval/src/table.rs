//! The evaluation as text, aligned for a terminal.

use std::io::{Result, Write};

use crate::report::{Evaluation, OutlierEvaluation};

fn optional(value: Option<f64>) -> String {
    value.map_or_else(|| "undefined".to_owned(), |v| format!("{v:.4}"))
}

/// A name fit for one cell: names come from folders, and a terminal obeys control characters.
fn cell(name: &str) -> String {
    name.replace(char::is_control, "\u{fffd}")
}

/// Width in characters of the longest name, at least that of `title`.
fn width<'a>(names: impl Iterator<Item = &'a str>, title: &str) -> usize {
    let title = title.chars().count();
    names
        .map(|name| name.chars().count())
        .fold(title, usize::max)
}

impl Evaluation {
    /// Writes a line per outlier set with its headline figures, then a classification report of
    /// each: the K + 1 classes, their averages, the accuracy. Shares and areas lie in [0, 1].
    ///
    /// # Errors
    /// Those of the writer.
    pub fn write_table(&self, out: &mut impl Write) -> Result<()> {
        writeln!(
            out,
            "known: {} samples, closed-set accuracy {:.4}",
            self.known.samples, self.known.closed_set_accuracy
        )?;
        if self.outliers.is_empty() {
            return Ok(());
        }
        let title = "outliers";
        let width = width(self.outliers.iter().map(|set| set.name.as_str()), title);
        writeln!(
            out,
            "\n{title:width$}  samples   AUROC  AUPR unknown  AUPR known  FPR@95TPR    OSCR  \
             accuracy  macro F1  F1 unknown"
        )?;
        for set in &self.outliers {
            writeln!(
                out,
                "{:width$}  {:7}  {:.4}  {:12.4}  {:10.4}  {:9.4}  {:.4}  {:8.4}  {:8.4}  {:10.4}",
                cell(&set.name),
                set.samples,
                set.auroc,
                set.aupr_unknown,
                set.aupr_known,
                set.fpr_at_95_tpr,
                set.oscr,
                set.accuracy,
                set.macro_f1,
                set.f1_unknown,
            )?;
        }
        self.outliers
            .iter()
            .try_for_each(|set| classification_report(set, out))
    }
}

/// The classes of one set, then their averages.
fn classification_report(set: &OutlierEvaluation, out: &mut impl Write) -> Result<()> {
    let names = set.classes.iter().map(|class| class.name.as_str());
    let width = width(names.chain([set.name.as_str()]), "weighted average");
    writeln!(
        out,
        "\n{:width$}  precision  recall      F1  support      AUROC  Youden threshold   F1 there",
        cell(&set.name)
    )?;
    for class in &set.classes {
        writeln!(
            out,
            "{:width$}  {:9.4}  {:.4}  {:.4}  {:7}  {:>9}  {:>16}  {:>9}",
            cell(&class.name),
            class.precision,
            class.recall,
            class.f1,
            class.support,
            optional(class.auroc),
            optional(class.youden_threshold),
            optional(class.f1_at_youden),
        )?;
    }
    for (name, mean) in [
        ("macro average", set.macro_average),
        ("weighted average", set.weighted_average),
    ] {
        writeln!(
            out,
            "{name:width$}  {:9.4}  {:.4}  {:.4}  {:7}",
            mean.precision, mean.recall, mean.f1, mean.support
        )?;
    }
    let (name, blank) = ("accuracy", "");
    let total = set.macro_average.support;
    writeln!(
        out,
        "{name:width$}  {blank:9}  {blank:6}  {:.4}  {total:7}",
        set.accuracy
    )
}
