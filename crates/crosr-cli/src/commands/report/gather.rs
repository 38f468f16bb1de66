//! From judged sets to the values of the report.

use std::sync::Arc;

use crosr_data::Dataset;
use crosr_eval::{Evaluation, ImageScores, MeanActivations, PicturePicks, Pictures, RunReport};
use crosr_openmax::{OpenMax, Recalibration, TailAccumulator};

use super::pictures::pictures;
use super::tails::{class_tails, tail_sizes};
use crate::commands::eval::Judged;
use crate::commands::fitted::Fitted;
use crate::error::Result;
use crate::formats::features::Features;
use crate::formats::openset::OpenSet;

/// Largest distances of a class that a fit records for its report.
pub(in crate::commands) const RECORDED_TAIL: usize = 2_000;

/// What a report is made of.
pub(in crate::commands) struct Material<'a> {
    pub(in crate::commands) title: String,
    pub(in crate::commands) facts: Vec<(String, String)>,
    pub(in crate::commands) openset: &'a OpenSet,
    pub(in crate::commands) recalibration: &'a Recalibration,
    /// Names of the evidence that decided; empty where none did.
    pub(in crate::commands) evidence: Vec<String>,
    pub(in crate::commands) keep_known: Option<f64>,
    /// The network, where pictures were evaluated and not features.
    pub(in crate::commands) fitted: Option<&'a Fitted>,
    /// Known samples first.
    pub(in crate::commands) judged: &'a [Judged],
    pub(in crate::commands) evaluation: &'a Evaluation,
}

/// The largest distances of each class from its mean, largest first.
pub(in crate::commands) fn recorded_tails(
    model: &OpenMax,
    features: &Features,
    labels: &[usize],
) -> Result<Vec<Vec<f64>>> {
    let mut tails = TailAccumulator::new(model.n_classes(), RECORDED_TAIL);
    tails.push_correct(model.mavs(), model.distance(), &features.rows, labels)?;
    Ok((0..model.n_classes())
        .map(|class| tails.tail(class))
        .collect())
}

/// Puts the report together; reads the pictures that it shows.
pub(in crate::commands) fn gather(material: Material<'_>) -> Result<RunReport> {
    let n_classes = material.openset.class_names.len();
    let mut scores = material
        .judged
        .iter()
        .map(|set| image_scores(set, n_classes, &material.evidence));
    let known = scores.next().unwrap_or_default();
    let outliers: Vec<ImageScores> = scores.collect();
    let picks = PicturePicks::of(&known, &outliers);
    let data: Option<Vec<Arc<dyn Dataset>>> =
        material.judged.iter().map(|set| set.data.clone()).collect();
    let pictures = match (material.fitted, data) {
        (Some(fitted), Some(data)) => pictures(fitted, &data, &picks)?,
        _ => Pictures::default(),
    };
    Ok(RunReport {
        decision: decision(&material),
        activation: activation(&material, &outliers),
        tail_sizes: tail_sizes(material.openset, material.recalibration, material.judged)?,
        tails: class_tails(material.openset),
        class_names: material.openset.class_names.clone(),
        evaluation: material.evaluation.clone(),
        title: material.title,
        facts: material.facts,
        evidence: material.evidence,
        known,
        outliers,
        pictures,
    })
}

fn decision(material: &Material<'_>) -> String {
    let kept = material.keep_known.map(|kept| 100.0 * kept);
    let epsilon = material.recalibration.epsilon();
    match (material.evidence.as_slice(), kept) {
        ([], _) if epsilon > 0.0 => format!(
            "An image is called unknown where OpenMax gives the unknown class the largest \
             probability, or no known class more than {epsilon:.4}."
        ),
        ([], _) => "An image is called unknown where OpenMax gives the unknown class the largest \
                    probability."
            .to_owned(),
        (kinds, kept) => format!(
            "An image is called unknown where its evidence ({}), taken together, is more \
             surprising than that of {} of the known images held out of training. No outlier took \
             part in setting that point.",
            kinds.join(", "),
            kept.map_or("most".to_owned(), |kept| format!("{kept:.0} %"))
        ),
    }
}

fn image_scores(set: &Judged, n_classes: usize, evidence: &[String]) -> ImageScores {
    let mut scores = ImageScores::default();
    let samples = set.recalibrated.iter().zip(&set.scored).zip(&set.strongest);
    for (i, ((recalibrated, scored), strongest)) in samples.enumerate() {
        let largest =
            |values: &mut dyn Iterator<Item = f64>| values.fold(f64::NEG_INFINITY, f64::max) as f32;
        let class = recalibrated.closed_set_class;
        let w_score = recalibrated.w_scores.get(class).copied();
        let known = &scored.probabilities[..n_classes];
        let logits = &set.features.row(i)[..n_classes];
        scores.truth.push(scored.truth);
        scores.closed_set_class.push(class);
        scores.verdict.push(scored.verdict);
        scores
            .unknown_probability
            .push(recalibrated.unknown_probability());
        scores
            .largest_known_probability
            .push(largest(&mut known.iter().copied()));
        scores.w_score.push(w_score.unwrap_or_default() as f32);
        scores
            .maximum_logit
            .push(largest(&mut logits.iter().map(|&l| f64::from(l))));
        scores
            .strongest
            .push(strongest.as_ref().and_then(|reading| {
                let name = reading.evidence.name();
                evidence.iter().position(|kind| kind == name)
            }));
    }
    scores
}

/// The class that most outliers come closest to, and its vectors.
fn activation(material: &Material<'_>, outliers: &[ImageScores]) -> Option<MeanActivations> {
    let model = &material.openset.model;
    let (k, dim) = (model.n_classes(), model.dim());
    let mut fallen = vec![0usize; k];
    for &class in outliers.iter().flat_map(|set| &set.closed_set_class) {
        fallen[class] += 1;
    }
    // The first of equals.
    let class = (0..k).rev().max_by_key(|&class| fallen[class])?;
    let rest = dim - k;
    let mut parts = vec![("logits".to_owned(), k)];
    if material.openset.pooling.is_some() && rest.is_multiple_of(3) {
        parts.extend(["z3", "z2", "z1"].map(|name| (format!("latent {name}"), rest / 3)));
    } else if rest > 0 {
        parts.push(("latents".to_owned(), rest));
    }
    let mean_of = |set: &Judged| -> Vec<f32> {
        let mut sums = vec![0.0f64; dim];
        let mut count = 0usize;
        for (i, sample) in set.recalibrated.iter().enumerate() {
            if sample.closed_set_class == class {
                count += 1;
                for (sum, &value) in sums.iter_mut().zip(set.features.row(i)) {
                    *sum += f64::from(value);
                }
            }
        }
        if count == 0 {
            return Vec::new();
        }
        sums.iter().map(|sum| (sum / count as f64) as f32).collect()
    };
    Some(MeanActivations {
        class,
        parts,
        mean: model.mavs().row(class).iter().map(|&v| v as f32).collect(),
        sets: material.judged.iter().map(mean_of).collect(),
    })
}
