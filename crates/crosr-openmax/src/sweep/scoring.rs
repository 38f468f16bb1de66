//! Samples under every setting of a sweep.

use rayon::prelude::*;

use super::{Sweep, SweepSetting};
use crate::{
    distance::Distance,
    error::OpenMaxError,
    mav::Probe,
    recalibrate::{SoftmaxOrder, Standing, rank, softmax, transfer},
    rows::check_rows,
};

/// Rows that one task takes at least.
const ROWS: usize = 64;

/// Activation vectors with what is the same in every setting, computed once.
#[derive(Debug, Clone)]
pub struct SweepSamples<'a> {
    /// `[N, D]`.
    rows: &'a [f32],
    dim: usize,
    n_classes: usize,
    /// `[N, K]`: the classes by logit, largest first.
    ranking: Vec<usize>,
    /// `[N, K]`: the softmax of the logits.
    softmax: Vec<f64>,
}

impl SweepSamples<'_> {
    /// How many there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.rows.len() / self.dim
    }

    /// Whether there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.rows.is_empty()
    }

    /// Standings of all samples, given their w-scores `[N, K]`.
    fn stand(
        &self,
        w_scores: &[f64],
        setting: SweepSetting,
        values: &mut Vec<f64>,
        standings: &mut Vec<Standing>,
    ) {
        let k = self.n_classes;
        let ranked = setting.alpha.min(k);
        for (sample, w_scores) in w_scores.chunks_exact(k).enumerate() {
            values.clear();
            match setting.softmax {
                SoftmaxOrder::First => values.extend(&self.softmax[sample * k..][..k]),
                SoftmaxOrder::Last | SoftmaxOrder::LastClipped => {
                    let logits = &self.rows[sample * self.dim..][..k];
                    values.extend(logits.iter().map(|&logit| f64::from(logit)));
                }
            }
            let ranked = &self.ranking[sample * k..][..ranked];
            transfer(values, w_scores, ranked, setting.softmax, setting.alpha);
            standings.extend(Standing::of(values));
        }
    }
}

impl Sweep {
    /// Makes activation vectors `[N, D]`, row-major, ready for [`Sweep::score_each`].
    ///
    /// # Errors
    /// [`OpenMaxError::RaggedRows`], or [`OpenMaxError::NonFinite`] with the first offending row
    /// and column.
    pub fn samples<'a>(&self, rows: &'a [f32]) -> Result<SweepSamples<'a>, OpenMaxError> {
        let (dim, n_classes) = (self.dim(), self.n_classes());
        check_rows(rows, dim)?;
        let cells = rows.len() / dim * n_classes;
        let (mut ranking, mut probabilities) = (vec![0; cells], vec![0.0; cells]);
        let of_sample = ranking
            .par_chunks_exact_mut(n_classes)
            .zip(probabilities.par_chunks_exact_mut(n_classes));
        of_sample
            .zip(rows.par_chunks_exact(dim))
            .with_min_len(ROWS)
            .for_each_init(Vec::new, |ranked, ((ranking, probabilities), row)| {
                let logits = &row[..n_classes];
                rank(logits, n_classes, ranked);
                ranking.copy_from_slice(ranked);
                for (p, &logit) in probabilities.iter_mut().zip(logits) {
                    *p = f64::from(logit);
                }
                softmax(probabilities);
            });
        Ok(SweepSamples {
            rows,
            dim,
            n_classes,
            ranking,
            softmax: probabilities,
        })
    }

    /// Scores sets of samples under every setting, in parallel; `read` gets a setting and the
    /// standings of each set, in the order of its samples, and what it returns comes back in the
    /// order of [`Sweep::settings`].
    ///
    /// A standing is that of the probabilities which [`OpenMax::score_rows`] gives under the same
    /// setting, to the bit. Distances are computed once a distance and w-scores once a distance and
    /// tail size. Memory is O(N·K), and O(N) a thread, whatever the number of settings.
    ///
    /// [`OpenMax::score_rows`]: crate::OpenMax::score_rows
    ///
    /// # Errors
    /// [`OpenMaxError::ClassCountMismatch`] or [`OpenMaxError::DimensionMismatch`] for samples that
    /// were made ready for another sweep.
    pub fn score_each<T: Send>(
        &self,
        sets: &[&SweepSamples<'_>],
        read: impl Fn(SweepSetting, &[&[Standing]]) -> T + Sync,
    ) -> Result<Vec<T>, OpenMaxError> {
        for set in sets {
            if set.n_classes != self.n_classes() {
                return Err(OpenMaxError::ClassCountMismatch {
                    expected: self.n_classes(),
                    found: set.n_classes,
                });
            }
            if set.dim != self.dim() {
                return Err(OpenMaxError::DimensionMismatch {
                    expected: self.dim(),
                    found: set.dim,
                });
            }
        }
        let n_classes = self.n_classes();
        let n_samples: usize = sets.iter().map(|set| set.len()).sum();
        let mut distances = vec![0.0; n_samples * n_classes];
        let mut w_scores = distances.clone();
        let mut computed = None;
        let mut results = Vec::new();
        for tails in &self.fitted {
            if computed != Some(tails.distance) {
                self.measure(sets, tails.distance, &mut distances);
                computed = Some(tails.distance);
            }
            w_scores
                .par_chunks_exact_mut(n_classes)
                .zip(distances.par_chunks_exact(n_classes))
                .with_min_len(ROWS)
                .for_each(|(w_scores, distances)| {
                    for ((w, weibull), &d) in
                        w_scores.iter_mut().zip(&tails.weibulls).zip(distances)
                    {
                        *w = weibull.w_score(d);
                    }
                });
            let settings: Vec<SweepSetting> = self.settings_of(tails).collect();
            let of_setting = |(values, standings): &mut (Vec<f64>, Vec<Standing>),
                              setting: SweepSetting| {
                standings.clear();
                let mut rest = &w_scores[..];
                for set in sets {
                    let (of_set, others) = rest.split_at(set.len() * n_classes);
                    set.stand(of_set, setting, values, standings);
                    rest = others;
                }
                let mut rest = &standings[..];
                let split: Vec<&[Standing]> = sets
                    .iter()
                    .map(|set| {
                        let (of_set, others) = rest.split_at(set.len());
                        rest = others;
                        of_set
                    })
                    .collect();
                read(setting, &split)
            };
            let buffers = || (Vec::new(), Vec::with_capacity(n_samples));
            results.par_extend(settings.into_par_iter().map_init(buffers, of_setting));
        }
        Ok(results)
    }

    /// Distances `[N, K]` of all samples from all means, set after set.
    fn measure(&self, sets: &[&SweepSamples<'_>], distance: Distance, mut out: &mut [f64]) {
        let n_classes = self.n_classes();
        for set in sets {
            let (of_set, rest) = out.split_at_mut(set.len() * n_classes);
            of_set
                .par_chunks_exact_mut(n_classes)
                .zip(set.rows.par_chunks_exact(set.dim))
                .with_min_len(ROWS)
                .for_each_init(Probe::default, |probe, (distances, row)| {
                    probe.load(row, distance);
                    for (class_idx, d) in distances.iter_mut().enumerate() {
                        *d = self.mavs.distance_to(class_idx, probe, distance);
                    }
                });
            out = rest;
        }
    }
}
