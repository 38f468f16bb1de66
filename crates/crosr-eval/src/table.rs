//! The evaluation as text, aligned for a terminal.

use std::io::{Result, Write};

use crate::report::{Evaluation, OutlierEvaluation};

fn optional(value: Option<f64>) -> String {
    value.map_or_else(|| "undefined".to_owned(), |v| format!("{v:.4}"))
}

impl Evaluation {
    /// Writes a summary line per outlier set, then a classification report for each.
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
        let names = self.outliers.iter().map(|set| set.name.chars().count());
        let width = names.max().unwrap_or(0).max("outliers".len());
        writeln!(
            out,
            "\n{:width$}  samples   AUROC  AUPR unknown  AUPR known  FPR@95TPR    OSCR  accuracy  \
             macro F1  F1 unknown",
            "outliers"
        )?;
        for set in &self.outliers {
            writeln!(
                out,
                "{:width$}  {:7}  {:.4}  {:12.4}  {:10.4}  {:9.4}  {:.4}  {:8.4}  {:8.4}  {:10.4}",
                set.name,
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
    let names = set.classes.iter().map(|class| class.name.chars().count());
    let width = names.max().unwrap_or(0).max("weighted average".len());
    writeln!(
        out,
        "\n{:width$}  precision  recall      F1  support      AUROC  Youden threshold  F1 there",
        set.name
    )?;
    for class in &set.classes {
        writeln!(
            out,
            "{:width$}  {:9.4}  {:.4}  {:.4}  {:7}  {:>9}  {:>16}  {:>8}",
            class.name,
            class.precision,
            class.recall,
            class.f1,
            class.support,
            optional(class.auroc),
            optional(class.youden_threshold),
            optional(class.f1_at_youden),
        )?;
    }
    let total: u64 = set.classes.iter().map(|class| class.support).sum();
    for (name, weighted) in [("macro average", false), ("weighted average", true)] {
        let mean = |value: fn(&crate::report::ClassEvaluation) -> f64| {
            let weight =
                |class: &crate::report::ClassEvaluation| if weighted { class.support } else { 1 };
            let sum: f64 = set
                .classes
                .iter()
                .map(|c| value(c) * weight(c) as f64)
                .sum();
            sum / set.classes.iter().map(weight).sum::<u64>().max(1) as f64
        };
        writeln!(
            out,
            "{name:width$}  {:9.4}  {:.4}  {:.4}  {total:7}",
            mean(|c| c.precision),
            mean(|c| c.recall),
            mean(|c| c.f1),
        )?;
    }
    Ok(())
}
