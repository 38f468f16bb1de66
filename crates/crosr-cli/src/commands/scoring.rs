//! From activation vectors to scored samples: the conversions between the libraries' values.

use std::path::Path;
use std::sync::Arc;

use crosr_data::Dataset;
use crosr_eval::ScoredSample;
use crosr_model::{DhrNet, ModelCard, Pooling, evaluation_plan};
use crosr_openmax::{OpenMax, OpenMaxError, Recalibrated, Recalibration, Verdict};

use crate::error::{CliError, Result};
use crate::formats::features::Features;
use crate::progress::Progress;

/// Pictures per forward pass outside training.
pub(super) const BATCH: usize = 128;

/// Activation vectors of a dataset; label -1 where there is no known class.
pub(super) fn features_of(
    network: &DhrNet,
    card: &ModelCard,
    data: Arc<dyn Dataset>,
    pooling: Pooling,
    title: &str,
) -> Result<Features> {
    let dim = network.config().activation_len();
    let mut progress = Progress::new(title, data.len());
    let mut rows = Vec::with_capacity(data.len() * dim);
    let mut labels = Vec::with_capacity(data.len());
    let mut reconstruction_errors = Vec::with_capacity(data.len());
    let plan = evaluation_plan(network, card, BATCH, 0);
    for batch in network.activations(data, &plan, pooling)? {
        let batch = batch?;
        progress.advance(batch.labels.len(), String::new);
        rows.extend_from_slice(&batch.rows);
        reconstruction_errors.extend_from_slice(&batch.reconstruction_errors);
        labels.extend(
            batch
                .labels
                .iter()
                .map(|label| label.map_or(-1, |class| class as i64)),
        );
    }
    Ok(Features {
        rows,
        dim,
        labels: Some(labels),
        reconstruction_errors: Some(reconstruction_errors),
        first: 0,
    })
}

/// What the model says of each vector; `origin` is named in errors.
pub(super) fn recalibrated(
    model: &OpenMax,
    features: &Features,
    recalibration: &Recalibration,
    origin: &Path,
) -> Result<Vec<Recalibrated>> {
    if features.dim != model.dim() {
        return Err(CliError::file(
            origin,
            format!(
                "vectors of length {}, the open-set model was fitted to {}",
                features.dim,
                model.dim()
            ),
        ));
    }
    model
        .score_rows(&features.rows, recalibration)
        .map_err(|e| CliError::file(origin, e.with_first_row(features.first).to_string()))
}

/// Scored samples with their true classes; `None` for outliers.
pub(super) fn scored(
    recalibrated: &[Recalibrated],
    truths: impl IntoIterator<Item = Option<usize>>,
) -> Vec<ScoredSample> {
    let sample = |(r, truth): (&Recalibrated, Option<usize>)| ScoredSample {
        truth,
        closed_set_class: r.closed_set_class,
        verdict: match r.verdict {
            Verdict::Known(class) => Some(class),
            Verdict::Unknown => None,
        },
        probabilities: r.probabilities.clone(),
    };
    recalibrated.iter().zip(truths).map(sample).collect()
}

/// Names the class that an error speaks of.
pub(super) fn naming_class(error: OpenMaxError, class_names: &[String]) -> CliError {
    match error.class_idx().and_then(|class| class_names.get(class)) {
        Some(name) => CliError::Class {
            name: name.clone(),
            source: error,
        },
        None => error.into(),
    }
}
