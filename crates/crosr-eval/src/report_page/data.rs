//! What the report is drawn from: plain values.

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use serde::{Deserialize, Serialize};

use crate::error::{EvalError, Result};
use crate::report::Evaluation;

/// Everything that the report of an evaluation shows.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct RunReport {
    /// Heading of the page.
    pub title: String,
    /// What was run: label and value, in the order of the page.
    pub facts: Vec<(String, String)>,
    /// How a picture is found to be unknown, in a sentence.
    pub decision: String,
    /// Names of the K known classes.
    pub class_names: Vec<String>,
    /// The measurements.
    pub evaluation: Evaluation,
    /// The known test pictures.
    pub known: ImageScores,
    /// The outlier sets, in the order of the evaluation's.
    pub outliers: Vec<ImageScores>,
    /// Names of the kinds of evidence that [`ImageScores::strongest`] counts; empty where the
    /// recalibrated probabilities alone decided.
    pub evidence: Vec<String>,
    /// Mean activation vectors of one class.
    pub activation: Option<MeanActivations>,
    /// What other tail sizes would have given.
    pub tail_sizes: Option<TailSizes>,
    /// The fitted tail of each class.
    pub tails: Vec<ClassTail>,
    /// Pictures to show, as [`PicturePicks`] chose them.
    pub pictures: Pictures,
}

/// What was found of the pictures of one set: columns of one length.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct ImageScores {
    /// The picture's class; `None` for an outlier.
    pub truth: Vec<Option<usize>>,
    /// The class of the largest logit.
    pub closed_set_class: Vec<usize>,
    /// The class that the picture is called; `None` for unknown.
    pub verdict: Vec<Option<usize>>,
    /// In [0, 1].
    pub unknown_probability: Vec<f64>,
    /// The largest probability of a known class, in [0, 1].
    pub largest_known_probability: Vec<f32>,
    /// w-score of the closed-set class, in [0, 1].
    pub w_score: Vec<f32>,
    /// The largest logit.
    pub maximum_logit: Vec<f32>,
    /// Place in [`RunReport::evidence`] of the evidence that weighed most; `None` where evidence
    /// did not decide.
    pub strongest: Vec<Option<usize>>,
}

impl ImageScores {
    /// Number of pictures.
    #[must_use]
    pub fn len(&self) -> usize {
        self.unknown_probability.len()
    }

    /// Whether there is none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Part of the pictures that is called unknown; 0 of none.
    pub(super) fn rejected(&self) -> f64 {
        let count = self.verdict.iter().filter(|v| v.is_none()).count();
        count as f64 / self.len().max(1) as f64
    }

    /// Part of the pictures that is called its class; 0 of none.
    pub(super) fn right(&self) -> f64 {
        let pairs = self.verdict.iter().zip(&self.truth);
        let count = pairs.filter(|(v, t)| v.is_some() && v == t).count();
        count as f64 / self.len().max(1) as f64
    }

    fn check(&self, set: &str, n_classes: usize, n_evidence: usize) -> Result<()> {
        let expected = self.len();
        for (what, found) in [
            ("true classes", self.truth.len()),
            ("closed-set classes", self.closed_set_class.len()),
            ("verdicts", self.verdict.len()),
            (
                "largest known probabilities",
                self.largest_known_probability.len(),
            ),
            ("w-scores", self.w_score.len()),
            ("maximum logits", self.maximum_logit.len()),
            ("strongest evidence", self.strongest.len()),
        ] {
            if found != expected {
                return Err(EvalError::Length {
                    what,
                    found,
                    expected,
                });
            }
        }
        let class = |what, index, class: Option<usize>| match class {
            Some(class) if class >= n_classes => Err(EvalError::Class {
                set: set.to_owned(),
                index,
                what,
                class,
                n_classes,
            }),
            _ => Ok(()),
        };
        for index in 0..expected {
            class("truth", index, self.truth[index])?;
            class("verdict", index, self.verdict[index])?;
            class(
                "closed-set class",
                index,
                Some(self.closed_set_class[index]),
            )?;
            if self.strongest[index].is_some_and(|kind| kind >= n_evidence) {
                return Err(EvalError::Report {
                    what: format!("{set}: image {index} names evidence that there is not"),
                });
            }
            let value = self.unknown_probability[index];
            if !value.is_finite() {
                return Err(EvalError::NotFinite {
                    set: set.to_owned(),
                    index,
                    value,
                });
            }
        }
        Ok(())
    }
}

/// Mean activation vectors of the pictures whose largest logit is one class's.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct MeanActivations {
    /// The class, below K.
    pub class: usize,
    /// Names and lengths of the vector's parts, in order.
    pub parts: Vec<(String, usize)>,
    /// `[D]`: the class's mean activation vector.
    pub mean: Vec<f32>,
    /// The mean of each set's pictures, known first; empty where no picture fell into the class.
    pub sets: Vec<Vec<f32>>,
}

/// How well unknown pictures are told from known ones by OpenMax at other tail sizes.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct TailSizes {
    /// Tail sizes, rising.
    pub sizes: Vec<usize>,
    /// Area under the ROC curve of each outlier set (outer) at each size (inner).
    pub auroc: Vec<Vec<f64>>,
    /// The tail size that the run uses.
    pub fitted: usize,
}

/// The largest distances of a class and the distribution fitted to them.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ClassTail {
    /// The class's name.
    pub name: String,
    /// Names and values of the fitted parameters.
    pub parameters: Vec<(String, f64)>,
    /// The distances fitted to, rising.
    pub distances: Vec<f64>,
    /// The fit's quantile for each of them, at (rank - 1/2) / n.
    pub quantiles: Vec<f64>,
    /// The fitted density: (distance, density per unit of distance).
    pub density: Vec<(f64, f64)>,
}

/// A small picture, ready to stand in a page.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Thumbnail {
    /// Width in pixels.
    pub width: u32,
    /// Height in pixels.
    pub height: u32,
    /// The PNG file in base 64.
    pub png: String,
}

impl Thumbnail {
    /// From 8-bit RGB, `[height, width, 3]`.
    ///
    /// # Errors
    /// [`EvalError::Report`] when `rgb` has another length, or a side is zero.
    pub fn from_rgb(width: u32, height: u32, rgb: &[u8]) -> Result<Self> {
        let failed = |what: String| EvalError::Report { what };
        if width == 0 || height == 0 {
            return Err(failed("a picture without pixels".to_owned()));
        }
        let mut file = Vec::new();
        let mut encoder = png::Encoder::new(&mut file, width, height);
        encoder.set_color(png::ColorType::Rgb);
        encoder.set_compression(png::Compression::High);
        encoder
            .write_header()
            .and_then(|mut writer| {
                writer.write_image_data(rgb)?;
                writer.finish()
            })
            .map_err(|e| failed(format!("a picture of {width} x {height}: {e}")))?;
        Ok(Self {
            width,
            height,
            png: BASE64_STANDARD.encode(file),
        })
    }
}

/// A picture of a set.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Picture {
    /// Its place in the set.
    pub index: usize,
    /// As the network sees it.
    pub original: Thumbnail,
    /// What the network makes of it.
    pub reconstruction: Option<Thumbnail>,
}

/// The pictures of the report.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Pictures {
    /// Known pictures that are called another class.
    pub mistakes: Vec<Picture>,
    /// Known pictures that are called unknown.
    pub rejected: Vec<Picture>,
    /// Of each outlier set, pictures that are called a known class.
    pub taken_for_known: Vec<Vec<Picture>>,
    /// Of each set, known first, pictures with their reconstructions.
    pub reconstructed: Vec<Vec<Picture>>,
}

/// Places of the pictures to show in their sets.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct PicturePicks {
    /// Known pictures called another class, the most probable first.
    pub mistakes: Vec<usize>,
    /// Known pictures called unknown, the most surely so first.
    pub rejected: Vec<usize>,
    /// Of each outlier set, pictures called known, the most probable first.
    pub taken_for_known: Vec<Vec<usize>>,
    /// Of each set, known first, pictures spread evenly over it.
    pub reconstructed: Vec<Vec<usize>>,
}

impl PicturePicks {
    /// Chooses pictures: 16 of each kind, fewer of each set where there are many, so that the
    /// page stays small. Equal ones come in the order of the set.
    #[must_use]
    pub fn of(known: &ImageScores, outliers: &[ImageScores]) -> Self {
        let wrong = |i: usize| known.verdict[i].is_some() && known.verdict[i] != known.truth[i];
        let each = (48 / outliers.len().max(1)).clamp(4, 16);
        let reconstructed = (40 / (outliers.len() + 1)).clamp(4, 8);
        Self {
            mistakes: most(known, 16, wrong, |i| {
                known.largest_known_probability[i].into()
            }),
            rejected: most(
                known,
                16,
                |i| known.verdict[i].is_none(),
                |i| known.unknown_probability[i],
            ),
            taken_for_known: outliers
                .iter()
                .map(|set| {
                    most(
                        set,
                        each,
                        |i| set.verdict[i].is_some(),
                        |i| set.largest_known_probability[i].into(),
                    )
                })
                .collect(),
            reconstructed: std::iter::once(known)
                .chain(outliers)
                .map(|set| {
                    let count = reconstructed.min(set.len());
                    (0..count).map(|k| k * set.len() / count).collect()
                })
                .collect(),
        }
    }
}

/// The places of the `count` largest by `by` among those that `keep` keeps.
fn most(
    set: &ImageScores,
    count: usize,
    keep: impl Fn(usize) -> bool,
    by: impl Fn(usize) -> f64,
) -> Vec<usize> {
    let mut places: Vec<usize> = (0..set.len()).filter(|&i| keep(i)).collect();
    places.sort_by(|&a, &b| by(b).total_cmp(&by(a)));
    places.truncate(count);
    places
}

impl RunReport {
    /// Checks that the parts belong together.
    pub(super) fn check(&self) -> Result<()> {
        let (k, kinds) = (self.class_names.len(), self.evidence.len());
        let sets = self.outliers.len();
        let wrong = |what: &str| {
            Err(EvalError::Report {
                what: what.to_owned(),
            })
        };
        if self.evaluation.outliers.len() != sets {
            return wrong("as many outlier sets are needed as were evaluated");
        }
        self.known.check("known", k, kinds)?;
        if self.known.is_empty() {
            return Err(EvalError::Empty {
                set: "known".to_owned(),
            });
        }
        for (scores, measured) in self.outliers.iter().zip(&self.evaluation.outliers) {
            scores.check(&measured.name, k, kinds)?;
            if scores.is_empty() {
                return Err(EvalError::Empty {
                    set: measured.name.clone(),
                });
            }
            let n = k + 1;
            let matrix = &measured.confusion_matrix;
            if matrix.len() != n
                || matrix.iter().any(|row| row.len() != n)
                || measured.classes.len() != n
            {
                return wrong("an evaluation of another number of classes");
            }
        }
        if let Some(activation) = &self.activation {
            let dim: usize = activation.parts.iter().map(|(_, length)| length).sum();
            let fits = |values: &Vec<f32>| values.is_empty() || values.len() == dim;
            if activation.class >= k
                || activation.mean.len() != dim
                || activation.sets.len() != sets + 1
                || !activation.sets.iter().all(fits)
            {
                return wrong("mean activation vectors that do not fit together");
            }
        }
        if let Some(tails) = &self.tail_sizes
            && (tails.auroc.len() != sets
                || tails.auroc.iter().any(|a| a.len() != tails.sizes.len()))
        {
            return wrong("tail sizes that do not fit their areas");
        }
        if self
            .tails
            .iter()
            .any(|tail| tail.distances.len() != tail.quantiles.len())
        {
            return wrong("a tail with another number of quantiles");
        }
        let inside = |pictures: &[Picture], set: &ImageScores| {
            pictures.iter().all(|picture| picture.index < set.len())
        };
        let shown = &self.pictures;
        let of_each = |lists: &[Vec<Picture>], with_known: bool| {
            let known = with_known.then_some(&self.known);
            let all: Vec<&ImageScores> = known.into_iter().chain(&self.outliers).collect();
            lists.is_empty()
                || (lists.len() == all.len()
                    && lists.iter().zip(all).all(|(list, set)| inside(list, set)))
        };
        if !inside(&shown.mistakes, &self.known)
            || !inside(&shown.rejected, &self.known)
            || !of_each(&shown.taken_for_known, false)
            || !of_each(&shown.reconstructed, true)
        {
            return wrong("pictures that are not in their sets");
        }
        Ok(())
    }
}
