//! `history.jsonl`: a line an epoch.

use std::path::PathBuf;

use crosr_model::EpochReport;
use serde::Serialize;

use crate::error::{CliError, Result};
use crate::run_folder::{RunFolder, read_text};

/// One line of `history.jsonl`.
#[derive(Clone, Debug, Serialize)]
pub(super) struct HistoryLine {
    epoch: usize,
    train_loss: f64,
    classification_loss: f64,
    reconstruction_loss: f64,
    train_accuracy: f64,
    validation_accuracy: Option<f64>,
    validation_reconstruction_loss: Option<f64>,
    learning_rate: f64,
    images_per_second: f64,
    seconds: f64,
    data_wait_seconds: f64,
    skipped_batches: usize,
}

/// The run's `history.jsonl`, rewritten as a whole so that it is never half a line.
pub(super) struct History {
    path: PathBuf,
    text: String,
}

impl History {
    /// Keeps the first `epochs` lines of what is there.
    pub(super) fn new(run: &RunFolder, epochs: usize) -> Result<Self> {
        let path = run.history();
        let mut text = String::new();
        if epochs > 0 && path.is_file() {
            for line in read_text(&path)?.lines().take(epochs) {
                text.push_str(line);
                text.push('\n');
            }
        }
        Ok(Self { path, text })
    }

    pub(super) fn push(&mut self, run: &RunFolder, line: &HistoryLine) -> Result<()> {
        let json = serde_json::to_string(line)
            .map_err(|e| CliError::file(&self.path, format!("cannot record the epoch: {e}")))?;
        self.text.push_str(&json);
        self.text.push('\n');
        run.replace(&self.path, self.text.as_bytes())
    }
}

impl HistoryLine {
    pub(super) const HEADER: &'static str = "epoch   loss  cross-entropy  reconstruction  accuracy  held-out  \
                                  learning rate  images/s  seconds\n";

    pub(super) fn new(report: &EpochReport, validation: Option<&crosr_model::Validation>) -> Self {
        Self {
            epoch: report.epoch,
            train_loss: report.train_loss,
            classification_loss: report.classification_loss,
            reconstruction_loss: report.reconstruction_loss,
            train_accuracy: report.train_accuracy,
            validation_accuracy: validation.map(|v| v.accuracy),
            validation_reconstruction_loss: validation.map(|v| v.reconstruction_loss),
            learning_rate: report.learning_rate,
            images_per_second: report.images as f64 / report.seconds.max(1e-9),
            seconds: report.seconds,
            data_wait_seconds: report.data_wait_seconds,
            skipped_batches: report.skipped_batches,
        }
    }

    pub(super) fn row(&self) -> String {
        let held_out = self
            .validation_accuracy
            .map_or("-".to_owned(), |a| format!("{a:.4}"));
        format!(
            "{:5}  {:5.3}  {:13.4}  {:14.4}  {:8.4}  {held_out:>8}  {:13.6}  {:8.0}  {:7.1}\n",
            self.epoch,
            self.train_loss,
            self.classification_loss,
            self.reconstruction_loss,
            self.train_accuracy,
            self.learning_rate,
            self.images_per_second,
            self.seconds,
        )
    }
}
