//! The open-set decision out of several kinds of evidence.
//!
//! Each kind gives a score; how surprising it is follows from held-out known samples, as a tail
//! probability with an extreme-value tail. The tail probabilities become one statistic (see
//! [`EvidenceParams::truncation`]), and its own tail probability among the same samples decides: a
//! sample is unknown if fewer known ones than asked for are as surprising. Evidence need not be
//! independent for that. No outlier takes part.

mod params;
mod tail;
mod whitening;

use rayon::prelude::*;

use crate::error::OpenMaxError;
use crate::mav::Probe;
use crate::model::OpenMax;
use crate::recalibrate::{Verdict, softmax};
use crate::rows::{check_rows, closed_set_class};
use crate::threshold::assured_part;

use self::tail::Tail;

pub use self::params::{CheckedEvidenceParams, Evidence, EvidenceParams};
pub use self::whitening::Whitening;

/// Activation vectors and what else evidence is drawn from.
#[derive(Clone, Copy, Debug)]
pub struct EvidenceSamples<'a> {
    /// `[N, D]`, row-major, logits in front.
    pub rows: &'a [f32],
    /// `[N]`, mean squared errors of the reconstructions; only needed for that evidence.
    pub reconstruction_errors: Option<&'a [f32]>,
}

/// How the evidence judges one sample.
#[derive(Clone, Debug, PartialEq)]
pub struct Judgement {
    /// `[K + 1]`, summing to 1; the unknown class is last. It is above one half exactly for
    /// samples that are taken for unknown.
    pub probabilities: Vec<f64>,
    /// Known, and as which class, or unknown.
    pub verdict: Verdict,
    /// The class with the largest logit.
    pub closed_set_class: usize,
    /// Part of the known samples that is at least as surprising.
    pub tail_probability: f64,
    /// The same for each kind of evidence alone, in the order of the model's.
    pub evidence: Vec<EvidenceReading>,
}

/// What one kind of evidence says of a sample.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct EvidenceReading {
    /// Which.
    pub evidence: Evidence,
    /// Its score; the larger, the less known.
    pub score: f64,
    /// Part of the known samples (for reconstruction, of the predicted class where there are
    /// enough) with at least this score.
    pub tail_probability: f64,
    /// Its part in the statistic that decides, 0 to 1.
    pub share: f64,
}

/// Tails of one kind of evidence.
#[derive(Clone, Debug, PartialEq)]
struct Tails {
    all: Tail,
    /// Of each class with enough samples.
    classes: Vec<Option<Tail>>,
}

impl Tails {
    /// One for all, and of each class with `enough` samples its own.
    fn fit(scores: &[f64], classes: &[usize], n_classes: usize, enough: Option<usize>) -> Self {
        let of_class = |class| -> Vec<f64> {
            let members = scores.iter().zip(classes).filter(|(_, c)| **c == class);
            members.map(|(score, _)| *score).collect()
        };
        Self {
            all: Tail::fit(scores.to_vec()),
            classes: (0..n_classes)
                .map(|class| {
                    let scores = of_class(class);
                    let enough = enough.is_some_and(|enough| scores.len() >= enough.max(2));
                    enough.then(|| Tail::fit(scores))
                })
                .collect(),
        }
    }

    fn of(&self, class: usize) -> &Tail {
        self.classes
            .get(class)
            .and_then(Option::as_ref)
            .unwrap_or(&self.all)
    }
}

/// Evidence calibrated on held-out known samples.
#[derive(Clone, Debug, PartialEq)]
pub struct EvidenceModel {
    params: CheckedEvidenceParams,
    n_classes: usize,
    /// Where the distance is whitened.
    whitening: Option<Whitening>,
    /// `[N, E]`: what the tails are fitted to, kept for storing.
    scores: Vec<f64>,
    /// `[N]`, the predicted class of each.
    classes: Vec<usize>,
    /// In the order of the parameters' evidence.
    tails: Vec<Tails>,
    combined: Tail,
}

impl EvidenceModel {
    /// Calibrates on known samples that took no part in training.
    ///
    /// # Errors
    /// [`OpenMaxError::RaggedRows`] and [`OpenMaxError::NonFinite`] for the rows,
    /// [`OpenMaxError::ReconstructionErrors`] where they are needed and missing, too few, or no
    /// errors, [`OpenMaxError::TooFewReferences`] for fewer than two samples.
    pub fn fit(
        params: CheckedEvidenceParams,
        model: &OpenMax,
        held_out: EvidenceSamples<'_>,
    ) -> Result<Self, OpenMaxError> {
        check_rows(held_out.rows, model.dim())?;
        let classes: Vec<usize> = held_out
            .rows
            .chunks_exact(model.dim())
            .map(|row| closed_set_class(row, model.n_classes()))
            .collect();
        let whitens = params.whitened() && params.evidence().contains(&Evidence::Distance);
        let whitening = whitens.then(|| Whitening::fit(model.mavs(), held_out.rows, &classes));
        let scores = scores(params.evidence(), model, whitening.as_ref(), held_out)?;
        Self::from_scores(params, model.n_classes(), scores, classes, whitening)
    }

    /// Puts a model together from the scores of its reference samples: `scores` `[N, E]`, one
    /// column for each kind of evidence in the order of `params`, the predicted `classes` `[N]`, and
    /// the whitening of the distance, if it had one. Gives the same bits as the model that they were taken from.
    ///
    /// # Errors
    /// [`OpenMaxError::TooFewReferences`], [`OpenMaxError::RaggedRows`],
    /// [`OpenMaxError::ClassIndex`], [`OpenMaxError::NonFiniteReference`].
    pub fn from_scores(
        params: CheckedEvidenceParams,
        n_classes: usize,
        scores: Vec<f64>,
        classes: Vec<usize>,
        whitening: Option<Whitening>,
    ) -> Result<Self, OpenMaxError> {
        let kinds = params.evidence().len();
        if scores.len() != classes.len() * kinds {
            return Err(OpenMaxError::RaggedRows {
                len: scores.len(),
                dim: kinds,
            });
        }
        if classes.len() < 2 {
            return Err(OpenMaxError::TooFewReferences {
                given: classes.len(),
            });
        }
        if let Some(&class_idx) = classes.iter().find(|class| **class >= n_classes) {
            return Err(OpenMaxError::ClassIndex {
                class_idx,
                n_classes,
            });
        }
        if let Some(place) = scores.iter().position(|score| !score.is_finite()) {
            return Err(OpenMaxError::NonFiniteReference {
                row: place / kinds,
                evidence: params.evidence()[place % kinds],
                value: scores[place],
            });
        }
        let column =
            |k: usize| -> Vec<f64> { scores.iter().skip(k).step_by(kinds).copied().collect() };
        let tails: Vec<Tails> = (0..kinds)
            .map(|k| {
                let per_class = params.evidence()[k].is_per_class();
                let enough = per_class.then(|| params.class_samples());
                Tails::fit(&column(k), &classes, n_classes, enough)
            })
            .collect();
        let statistics = scores
            .chunks_exact(kinds)
            .zip(&classes)
            .map(|(scores, &class)| params.statistic(&ln_probabilities(&tails, scores, class)))
            .collect();
        Ok(Self {
            combined: Tail::fit(statistics),
            params,
            n_classes,
            whitening,
            tails,
            scores,
            classes,
        })
    }

    /// The parameters.
    #[must_use]
    pub fn params(&self) -> &CheckedEvidenceParams {
        &self.params
    }

    /// Number of known classes K.
    #[must_use]
    pub fn n_classes(&self) -> usize {
        self.n_classes
    }

    /// The whitening of the distance, if it has one.
    #[must_use]
    pub fn whitening(&self) -> Option<&Whitening> {
        self.whitening.as_ref()
    }

    /// Scores of the reference samples, `[N, E]`.
    #[must_use]
    pub fn scores(&self) -> &[f64] {
        &self.scores
    }

    /// Predicted classes of the reference samples, `[N]`.
    #[must_use]
    pub fn classes(&self) -> &[usize] {
        &self.classes
    }

    /// Judges samples, in parallel.
    ///
    /// With the tail probability `P` of the statistic and the part `q` of the reference samples to
    /// keep ([`assured_part`]), the unknown probability is `1 - P^(ln 2 / -ln(1 - q))`: one half
    /// where `P` is `1 - q`. The rest is shared out as the softmax of the logits has it.
    ///
    /// # Errors
    /// As [`EvidenceModel::fit`].
    pub fn judge(
        &self,
        model: &OpenMax,
        samples: EvidenceSamples<'_>,
    ) -> Result<Vec<Judgement>, OpenMaxError> {
        let kinds = self.tails.len();
        let whitening = self.whitening.as_ref();
        let scores = scores(self.params.evidence(), model, whitening, samples)?;
        Ok(samples
            .rows
            .par_chunks_exact(model.dim())
            .with_min_len(64)
            .zip(scores.par_chunks_exact(kinds).with_min_len(64))
            .map(|(row, scores)| self.judge_one(&row[..model.n_classes()], scores))
            .collect())
    }

    fn judge_one(&self, logits: &[f32], scores: &[f64]) -> Judgement {
        let class = closed_set_class(logits, logits.len());
        let ln_p = ln_probabilities(&self.tails, scores, class);
        let statistic = self.params.statistic(&ln_p);
        let ln_tail = self.combined.ln_probability(statistic);
        let keep = assured_part(self.params.keep_known(), self.classes.len());
        let exponent = -std::f64::consts::LN_2 / (1.0 - keep).ln();
        let ln_known = exponent * ln_tail;
        let mut probabilities: Vec<f64> = logits.iter().map(|&l| f64::from(l)).collect();
        softmax(&mut probabilities);
        probabilities.iter_mut().for_each(|p| *p *= ln_known.exp());
        let unknown = -ln_known.exp_m1();
        probabilities.push(unknown);
        let kinds = self.params.evidence().iter().enumerate();
        let evidence = kinds.zip(scores).zip(&ln_p);
        Judgement {
            probabilities,
            verdict: if unknown > 0.5 {
                Verdict::Unknown
            } else {
                Verdict::Known(class)
            },
            closed_set_class: class,
            tail_probability: ln_tail.exp(),
            evidence: evidence
                .map(|(((kind, &evidence), &score), &ln_p)| EvidenceReading {
                    evidence,
                    score,
                    tail_probability: ln_p.exp(),
                    share: if statistic > 0.0 {
                        self.params.term(kind, ln_p) / statistic
                    } else {
                        0.0
                    },
                })
                .collect(),
        }
    }
}

fn ln_probabilities(tails: &[Tails], scores: &[f64], class: usize) -> Vec<f64> {
    tails
        .iter()
        .zip(scores)
        .map(|(tails, &score)| tails.of(class).ln_probability(score))
        .collect()
}

/// Scores `[N, E]`, the larger the less known.
fn scores(
    evidence: &[Evidence],
    model: &OpenMax,
    whitening: Option<&Whitening>,
    samples: EvidenceSamples<'_>,
) -> Result<Vec<f64>, OpenMaxError> {
    let dim = model.dim();
    check_rows(samples.rows, dim)?;
    let n = samples.rows.len() / dim;
    let errors = match samples.reconstruction_errors {
        _ if !evidence.contains(&Evidence::Reconstruction) => None,
        Some(errors) if errors.len() == n => Some(errors),
        other => {
            return Err(OpenMaxError::ReconstructionErrors {
                expected: n,
                found: other.map_or(0, <[f32]>::len),
            });
        }
    };
    let bad = errors.and_then(|errors| {
        errors
            .iter()
            .position(|error| !(error.is_finite() && *error >= 0.0))
    });
    if let (Some(row), Some(errors)) = (bad, errors) {
        return Err(OpenMaxError::ReconstructionError {
            row,
            value: errors[row],
        });
    }
    let n_classes = model.n_classes();
    Ok(samples
        .rows
        .par_chunks_exact(dim)
        .enumerate()
        .with_min_len(64)
        .map_init(Probe::default, |probe, (i, row)| {
            let score = |evidence: &Evidence| match evidence {
                Evidence::Classification => energy(&row[..n_classes]),
                Evidence::Distance => {
                    let class = closed_set_class(row, n_classes);
                    if let Some(whitening) = whitening {
                        return whitening.distance(row, class);
                    }
                    probe.load(row, model.distance());
                    model.mavs().distance_to(class, probe, model.distance())
                }
                // A perfect reconstruction is as good as one in the last digit of an f32.
                Evidence::Reconstruction => errors.map_or(0.0, |errors| {
                    f64::from(errors[i].max(f32::MIN_POSITIVE)).ln()
                }),
            };
            evidence.iter().map(score).collect::<Vec<f64>>()
        })
        .flatten_iter()
        .collect())
}

/// `-ln Σ exp(l)`.
fn energy(logits: &[f32]) -> f64 {
    let largest = logits.iter().copied().fold(f32::NEG_INFINITY, f32::max);
    let largest = f64::from(largest);
    let sum: f64 = logits.iter().map(|&l| (f64::from(l) - largest).exp()).sum();
    -(largest + sum.ln())
}
