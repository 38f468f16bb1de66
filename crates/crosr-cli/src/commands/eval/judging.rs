//! What the model says of features, and by which rule.

use std::path::Path;
use std::sync::Arc;

use crosr_data::Dataset;
use crosr_eval::ScoredSample;
use crosr_openmax::{EvidenceReading, Recalibrated, Recalibration};
use serde::Serialize;

use crate::args::{EvalArgs, Preset};
use crate::commands::fit::recalibration;
use crate::commands::scoring::{recalibrated, scored};
use crate::error::{CliError, Result};
use crate::formats::features::Features;
use crate::formats::openset::OpenSet;

/// How the samples were judged.
#[derive(Clone, Debug, Serialize)]
pub(in crate::commands) struct Config {
    softmax: String,
    alpha: usize,
    epsilon: f64,
    distance: String,
    tail: Vec<usize>,
    /// What decided, where it was not the recalibrated probabilities.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(super) evidence: Vec<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) keep_known: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pooling: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) run: Option<String>,
    version: &'static str,
}

/// A set of samples under its name, as the model judged them.
pub(in crate::commands) struct Judged {
    pub(in crate::commands) name: String,
    pub(in crate::commands) recalibrated: Vec<Recalibrated>,
    /// The strongest evidence of each, where evidence decided.
    pub(in crate::commands) strongest: Vec<Option<EvidenceReading>>,
    pub(in crate::commands) scored: Vec<ScoredSample>,
    pub(in crate::commands) features: Features,
    /// The pictures, where there are any.
    pub(in crate::commands) data: Option<Arc<dyn Dataset>>,
}

/// How samples are judged.
pub(in crate::commands) struct Rule {
    pub(super) recalibration: Recalibration,
    /// Whether evidence decides, or the recalibrated probabilities alone.
    evidence: bool,
}

/// What the model says of features; `origin` is named in errors.
pub(in crate::commands) fn judge(
    name: &str,
    features: Features,
    truths: impl IntoIterator<Item = Option<usize>>,
    openset: &OpenSet,
    rule: &Rule,
    origin: &Path,
) -> Result<Judged> {
    let mut recalibrated = recalibrated(&openset.model, &features, &rule.recalibration, origin)?;
    let mut strongest = vec![None; recalibrated.len()];
    if let Some(evidence) = openset.evidence.as_ref().filter(|_| rule.evidence) {
        let judgements = evidence
            .judge(&openset.model, features.evidence())
            .map_err(|e| CliError::file(origin, e.with_first_row(features.first).to_string()))?;
        for ((sample, strongest), judgement) in
            recalibrated.iter_mut().zip(&mut strongest).zip(judgements)
        {
            sample.probabilities = judgement.probabilities;
            sample.verdict = judgement.verdict;
            let readings = judgement.evidence.into_iter();
            *strongest = readings.max_by(|a, b| a.share.total_cmp(&b.share));
        }
    }
    let scored = scored(&recalibrated, truths);
    Ok(Judged {
        name: name.to_owned(),
        recalibrated,
        strongest,
        scored,
        features,
        data: None,
    })
}

/// Choices of the recalibration: flags first, then what the fit was calibrated for.
pub(in crate::commands) fn rule(flags: &EvalArgs, openset: &OpenSet) -> Result<(Rule, Config)> {
    let reference = flags.preset == Some(Preset::Reference);
    let fitted = openset.calibration.as_ref().filter(|_| !reference);
    let softmax = flags
        .softmax
        .clone()
        .or_else(|| fitted.map(|c| c.softmax.clone()))
        .unwrap_or_else(|| "first".to_owned());
    let alpha = flags.alpha.or(fitted.map(|c| c.alpha)).unwrap_or(10);
    let applies = fitted.filter(|c| c.softmax == softmax && c.alpha == alpha);
    let epsilon = flags.epsilon.or(applies.map(|c| c.epsilon));
    let paper = flags.preset == Some(Preset::Paper);
    if paper && epsilon.is_none() {
        return Err(CliError::usage(format!(
            "--preset paper: no threshold was calibrated for softmax {softmax} and alpha {alpha}; \
             fit a run with held-out data, or give --epsilon"
        )));
    }
    let epsilon = epsilon.unwrap_or(0.0);
    // Who names a setting of OpenMax wants OpenMax.
    let asked = flags.softmax.is_some() || flags.alpha.is_some() || flags.epsilon.is_some();
    let evidence = openset
        .evidence
        .as_ref()
        .filter(|_| !reference && !paper && !asked);
    let params = evidence.map(|model| model.params());
    let config = Config {
        softmax: softmax.clone(),
        alpha,
        epsilon,
        distance: openset.model.distance().to_string(),
        tail: openset
            .model
            .weibulls()
            .iter()
            .map(|w| w.tail_size())
            .collect(),
        evidence: params
            .iter()
            .flat_map(|params| params.evidence())
            .map(|kind| kind.name())
            .collect(),
        keep_known: params.map(|params| params.keep_known()),
        pooling: openset.pooling.clone(),
        run: None,
        version: env!("CARGO_PKG_VERSION"),
    };
    let rule = Rule {
        recalibration: recalibration(Some(&softmax), Some(alpha), epsilon)?,
        evidence: evidence.is_some(),
    };
    Ok((rule, config))
}
