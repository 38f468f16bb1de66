//! Evaluation of samples that need not fit into memory.
//!
//! Every figure is read off one probability of all samples in order. So the samples are gone over
//! again and again, each time for a few of the K + 1 probabilities, of which 8 bytes a sample are
//! kept until they have been read.

use crate::confusion::ConfusionMatrix;
use crate::curve::{Curve, GroupCurve};
use crate::error::{EvalError, Result};
use crate::figures::{DecisionFigures, RankFigures, unknown_curve};
use crate::order::{Groups, sort_descending};
use crate::ranking::Youden;
use crate::report::{
    ClassEvaluation, Evaluation, KnownSummary, OutlierEvaluation, ScoredSample, check, is_correct,
};

/// A set of samples that can be gone over several times, a block at a time.
pub trait SampleBlocks {
    /// What can go wrong on the way.
    type Error: From<EvalError>;

    /// Samples there are.
    fn len(&self) -> usize;

    /// Whether there is none.
    fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Shows all samples, the same ones in the same order every time, in blocks of any size.
    ///
    /// # Errors
    /// What goes wrong in reading, and what `see` says.
    fn visit(
        &self,
        see: &mut dyn FnMut(&[ScoredSample]) -> Result<(), EvalError>,
    ) -> Result<(), Self::Error>;
}

/// All samples in one block.
impl SampleBlocks for &[ScoredSample] {
    type Error = EvalError;

    fn len(&self) -> usize {
        (**self).len()
    }

    fn visit(
        &self,
        see: &mut dyn FnMut(&[ScoredSample]) -> Result<(), EvalError>,
    ) -> Result<(), EvalError> {
        see(self)
    }
}

/// A set of samples under its name.
pub type NamedBlocks<'a, E> = (&'a str, &'a dyn SampleBlocks<Error = E>);

/// [`evaluate`](crate::evaluate) of samples that are read as they are needed; the same bits.
///
/// The samples are gone over once for every `columns` of the K + 1 probabilities, and take
/// `8 · columns` bytes each: those of the known set and of the largest outlier set.
///
/// # Errors
/// Those of [`evaluate`](crate::evaluate), [`EvalError::Length`] for a set that shows another
/// number of samples than it says, and the sets' own.
pub fn evaluate_blocks<E: From<EvalError>>(
    class_names: &[String],
    known: &dyn SampleBlocks<Error = E>,
    outliers: &[NamedBlocks<'_, E>],
    columns: usize,
) -> Result<Evaluation, E> {
    let n_classes = class_names.len();
    for (set, samples) in std::iter::once(("known", known)).chain(outliers.iter().copied()) {
        if samples.is_empty() {
            let set = set.to_owned();
            return Err(EvalError::Empty { set }.into());
        }
    }
    // The unknown probability, then those of the classes.
    let order: Vec<usize> = std::iter::once(n_classes).chain(0..n_classes).collect();
    let mut right = 0;
    let mut known_counts = ConfusionMatrix::empty(n_classes + 1)?;
    let mut found: Vec<Found> = outliers
        .iter()
        .map(|_| Found::new(n_classes))
        .collect::<Result<_>>()?;
    for (pass, columns) in order.chunks(columns.max(1)).enumerate() {
        let first = pass == 0;
        let in_front = |sample: &ScoredSample, column: usize| {
            if column == n_classes {
                is_correct(sample)
            } else {
                sample.truth == Some(column)
            }
        };
        let side = Side {
            name: "known",
            samples: known,
            known: true,
            n_classes,
        };
        let mut known_scores = side.read(columns, in_front, |sample| {
            if first {
                right += usize::from(is_correct(sample));
                count(&mut known_counts, sample, n_classes);
            }
        })?;
        known_scores.iter_mut().for_each(Scores::sort);
        for (&(name, samples), found) in outliers.iter().zip(&mut found) {
            let side = Side {
                name,
                samples,
                known: false,
                n_classes,
            };
            let everyone = |_: &ScoredSample, _| true;
            let scores = side.read(columns, everyone, |sample| {
                if first {
                    count(&mut found.counts, sample, n_classes);
                }
            })?;
            for ((known, mut scores), &column) in known_scores.iter().zip(scores).zip(columns) {
                scores.sort();
                let [front, back] = known.groups();
                let groups = Groups([front, back, scores.groups()[0]]);
                found.read_off(groups, column, n_classes)?;
            }
        }
    }
    let sets = outliers.iter().zip(found);
    Ok(Evaluation {
        known: KnownSummary {
            samples: known.len(),
            closed_set_accuracy: right as f64 / known.len() as f64,
        },
        outliers: sets
            .map(|(&(name, set), found)| found.finish(name, set.len(), class_names, &known_counts))
            .collect::<Result<_>>()?,
    })
}

fn count(counts: &mut ConfusionMatrix, sample: &ScoredSample, n_classes: usize) {
    let number = |class: Option<usize>| class.unwrap_or(n_classes);
    counts.add(number(sample.truth), number(sample.verdict));
}

/// One probability of a set, some samples' in front, the others' behind.
struct Scores {
    values: Vec<f64>,
    /// Where the next goes, from either end.
    front: usize,
    back: usize,
}

impl Scores {
    fn with_room_for(samples: usize) -> Self {
        Self {
            values: vec![0.0; samples],
            front: 0,
            back: samples,
        }
    }

    /// False if there is no room left.
    fn push(&mut self, score: f64, in_front: bool) -> bool {
        if self.front == self.back {
            return false;
        }
        if in_front {
            self.values[self.front] = score;
            self.front += 1;
        } else {
            self.back -= 1;
            self.values[self.back] = score;
        }
        true
    }

    fn sort(&mut self) {
        let (front, back) = self.values.split_at_mut(self.front);
        sort_descending(front);
        sort_descending(back);
    }

    fn groups(&self) -> [&[f64]; 2] {
        let (front, back) = self.values.split_at(self.front);
        [front, back]
    }
}

/// A set to be read, and what it must hold.
struct Side<'a, E> {
    name: &'a str,
    samples: &'a dyn SampleBlocks<Error = E>,
    /// Whether its samples are of known classes.
    known: bool,
    n_classes: usize,
}

impl<E: From<EvalError>> Side<'_, E> {
    /// Goes over the set once for some of its probabilities; `note` hears of every sample.
    fn read(
        &self,
        columns: &[usize],
        in_front: impl Fn(&ScoredSample, usize) -> bool,
        mut note: impl FnMut(&ScoredSample),
    ) -> Result<Vec<Scores>, E> {
        let expected = self.samples.len();
        let wrong_length = |found| EvalError::Length {
            what: "samples were read",
            found,
            expected,
        };
        let empty = || Scores::with_room_for(expected);
        let mut scores: Vec<Scores> = columns.iter().map(|_| empty()).collect();
        let mut seen = 0;
        self.samples.visit(&mut |block| {
            check(self.name, block, seen, self.known, self.n_classes)?;
            for sample in block {
                for (scores, &column) in scores.iter_mut().zip(columns) {
                    let in_front = in_front(sample, column);
                    if !scores.push(sample.probabilities[column], in_front) {
                        return Err(wrong_length(seen + 1));
                    }
                }
                note(sample);
                seen += 1;
            }
            Ok(())
        })?;
        if seen != expected {
            return Err(wrong_length(seen).into());
        }
        Ok(scores)
    }
}

/// What has been read of one outlier set beside the known one.
struct Found {
    counts: ConfusionMatrix,
    /// Area and best threshold of each class that has a curve.
    classes: Vec<Option<(f64, Youden)>>,
    unknown: Option<Unknown>,
}

/// What is read off the unknown probability.
struct Unknown {
    figures: RankFigures,
    fpr_at_95_tpr_known_positive: f64,
    detection_error: f64,
    detection_error_at_95_tpr: f64,
    youden: Youden,
}

impl Found {
    fn new(n_classes: usize) -> Result<Self> {
        Ok(Self {
            counts: ConfusionMatrix::empty(n_classes + 1)?,
            classes: vec![None; n_classes],
            unknown: None,
        })
    }

    /// Reads one probability of the samples: known ones in two groups, then outliers.
    fn read_off(&mut self, groups: Groups<'_>, column: usize, n_classes: usize) -> Result<()> {
        if column == n_classes {
            let curve = unknown_curve(groups)?;
            self.unknown = Some(Unknown {
                figures: RankFigures::of(groups)?,
                fpr_at_95_tpr_known_positive: curve.mirrored().fpr_at_tpr(0.95),
                detection_error: curve.detection_error(),
                detection_error_at_95_tpr: curve.detection_error_at_95_tpr(),
                youden: curve.youden(),
            });
        } else if let Some(curve) = GroupCurve::new(groups, [true, false, false]) {
            self.classes[column] = Some((curve.auroc(), curve.youden()));
        }
        Ok(())
    }

    fn finish(
        mut self,
        name: &str,
        samples: usize,
        class_names: &[String],
        known: &ConfusionMatrix,
    ) -> Result<OutlierEvaluation> {
        self.counts.merge(known);
        let confusion = &self.counts;
        let unknown = self.unknown.ok_or(EvalError::OneSided {
            positives: 0,
            negatives: 0,
        })?;
        let one_class = |number: usize, name: &str, curve: Option<(f64, Youden)>| {
            let counted = confusion.class(number);
            let youden = curve.map(|(_, youden)| youden);
            ClassEvaluation {
                name: name.to_owned(),
                precision: counted.precision,
                recall: counted.recall,
                f1: counted.f1,
                support: counted.support,
                auroc: curve.map(|(auroc, _)| auroc),
                youden_threshold: youden.map(|y| y.threshold).filter(|t| t.is_finite()),
                f1_at_youden: youden.map(|y| y.f1),
            }
        };
        let known_classes = class_names.iter().zip(&self.classes).enumerate();
        let mut classes: Vec<ClassEvaluation> = known_classes
            .map(|(class, (name, curve))| one_class(class, name, *curve))
            .collect();
        let curve = (unknown.figures.auroc, unknown.youden);
        classes.push(one_class(class_names.len(), "unknown", Some(curve)));
        let (ranked, decided) = (unknown.figures, DecisionFigures::of(confusion));
        Ok(OutlierEvaluation {
            name: name.to_owned(),
            samples,
            auroc: ranked.auroc,
            aupr_unknown: ranked.aupr_unknown,
            aupr_known: ranked.aupr_known,
            fpr_at_95_tpr: ranked.fpr_at_95_tpr,
            fpr_at_95_tpr_known_positive: unknown.fpr_at_95_tpr_known_positive,
            detection_error: unknown.detection_error,
            detection_error_at_95_tpr: unknown.detection_error_at_95_tpr,
            oscr: ranked.oscr,
            accuracy: decided.accuracy,
            macro_f1: decided.macro_f1,
            weighted_f1: decided.weighted_f1,
            macro_average: confusion.macro_average(),
            weighted_average: confusion.weighted_average(),
            f1_unknown: decided.f1_unknown,
            classes,
            confusion_matrix: confusion.rows(),
        })
    }
}
