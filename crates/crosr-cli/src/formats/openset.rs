//! The fitted open-set model as a safetensors file: MAVs, Weibulls, threshold, class names.

use std::collections::HashMap;
use std::path::Path;

use crosr_libmr::{TailSide, Weibull, WeibullParts};
use crosr_openmax::{
    Evidence, EvidenceModel, EvidenceParams, MeanActivationVectors, OpenMax, Whitening,
};
use safetensors::tensor::{Dtype, TensorView};
use serde::{Deserialize, Serialize};

use super::header::opened;
use crate::args::ViewsName;
use crate::error::{CliError, Result};

const FORMAT: &str = "crosr-openset/1";

/// Numbers of a Weibull, in the order of the file's columns.
const WEIBULL_COLUMNS: [&str; 5] = ["scale", "shape", "small_score", "translate", "tail_size"];

/// What `crosr fit` leaves for `crosr eval`.
pub(crate) struct OpenSet {
    pub(crate) model: OpenMax,
    pub(crate) class_names: Vec<String>,
    /// `max` or `mean` where the latents were pooled here; `None` for given features.
    pub(crate) pooling: Option<String>,
    /// How each picture was read.
    pub(crate) views: ViewsName,
    /// Whether dropout was on meanwhile, as published.
    pub(crate) keeps_dropout: bool,
    /// What was calibrated on held-out known data, if anything was.
    pub(crate) calibration: Option<Calibration>,
    /// The decision out of several kinds of evidence, if it was fitted.
    pub(crate) evidence: Option<EvidenceModel>,
    /// Largest distances of each class, largest first, for the report; empty if not recorded.
    pub(crate) tails: Vec<Vec<f64>>,
}

/// Parameters of the evidence model; its reference scores are tensors.
#[derive(Serialize, Deserialize)]
struct EvidenceChoices {
    evidence: Vec<String>,
    keep_known: f64,
    class_samples: usize,
    truncation: f64,
    /// Whether the distance is whitened; the factor is a tensor.
    #[serde(default)]
    whitened: bool,
}

/// A threshold on the largest known probability, and what it holds for.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Calibration {
    pub(crate) softmax: String,
    pub(crate) alpha: usize,
    pub(crate) epsilon: f64,
    /// Part of the held-out known samples that it keeps.
    pub(crate) keep_known: f64,
    /// How many those were.
    pub(crate) samples: usize,
}

fn doubles(values: impl IntoIterator<Item = f64>) -> Vec<u8> {
    values.into_iter().flat_map(f64::to_le_bytes).collect()
}

impl OpenSet {
    pub(crate) fn to_bytes(&self, path: &Path) -> Result<Vec<u8>> {
        let failed = |e: safetensors::SafeTensorError| CliError::file(path, e.to_string());
        let json = |value: &Vec<String>| {
            serde_json::to_string(value).map_err(|e| CliError::file(path, e.to_string()))
        };
        let mavs = self.model.mavs();
        let (k, d) = (mavs.n_classes(), mavs.dim());
        let means = doubles((0..k).flat_map(|class| mavs.row(class).to_vec()));
        let counts: Vec<u8> = (0..k)
            .flat_map(|class| mavs.count(class).to_le_bytes())
            .collect();
        let weibulls = doubles(self.model.weibulls().iter().flat_map(|w| {
            [
                w.scale(),
                w.shape(),
                w.small_score(),
                w.translate(),
                w.tail_size() as f64,
            ]
        }));
        let mut metadata = HashMap::from([
            ("format".to_owned(), FORMAT.to_owned()),
            ("distance".to_owned(), self.model.distance().to_string()),
            ("class_names".to_owned(), json(&self.class_names)?),
            ("weibull_columns".to_owned(), WEIBULL_COLUMNS.join(" ")),
        ]);
        if let Some(pooling) = &self.pooling {
            metadata.insert("pooling".to_owned(), pooling.clone());
        }
        metadata.insert("views".to_owned(), self.views.name());
        if self.keeps_dropout {
            metadata.insert("keeps_dropout".to_owned(), "true".to_owned());
        }
        if let Some(calibration) = &self.calibration {
            let text = serde_json::to_string(calibration)
                .map_err(|e| CliError::file(path, e.to_string()))?;
            metadata.insert("calibration".to_owned(), text);
        }
        let (mut reference_scores, mut reference_classes) = (Vec::new(), Vec::new());
        let mut whitening = Vec::new();
        if let Some(model) = &self.evidence {
            let choices = EvidenceChoices {
                evidence: model
                    .params()
                    .evidence()
                    .iter()
                    .map(ToString::to_string)
                    .collect(),
                keep_known: model.params().keep_known(),
                class_samples: model.params().class_samples(),
                truncation: model.params().truncation(),
                whitened: model.whitening().is_some(),
            };
            let text =
                serde_json::to_string(&choices).map_err(|e| CliError::file(path, e.to_string()))?;
            metadata.insert("evidence".to_owned(), text);
            reference_scores = doubles(model.scores().iter().copied());
            let factor = model.whitening().map_or(&[][..], Whitening::factor);
            whitening = doubles(factor.iter().copied());
            let classes = model.classes().iter();
            reference_classes = classes.flat_map(|&c| (c as u64).to_le_bytes()).collect();
        }
        let mut views = vec![
            (
                "counts",
                TensorView::new(Dtype::U64, vec![k], &counts).map_err(failed)?,
            ),
            (
                "mavs",
                TensorView::new(Dtype::F64, vec![k, d], &means).map_err(failed)?,
            ),
            (
                "weibulls",
                TensorView::new(Dtype::F64, vec![k, WEIBULL_COLUMNS.len()], &weibulls)
                    .map_err(failed)?,
            ),
        ];
        if let Some(model) = &self.evidence {
            let n = model.classes().len();
            let shape = vec![n, model.params().evidence().len()];
            views.push((
                "reference_scores",
                TensorView::new(Dtype::F64, shape, &reference_scores).map_err(failed)?,
            ));
            views.push((
                "reference_classes",
                TensorView::new(Dtype::U64, vec![n], &reference_classes).map_err(failed)?,
            ));
            if !whitening.is_empty() {
                let view = TensorView::new(Dtype::F64, vec![d, d], &whitening).map_err(failed)?;
                views.push(("whitening", view));
            }
        }
        let tails = doubles(self.tails.iter().flatten().copied());
        let lengths = self.tails.iter().map(|tail| tail.len() as u64);
        let lengths: Vec<u8> = lengths.flat_map(u64::to_le_bytes).collect();
        if !self.tails.is_empty() {
            let n = vec![tails.len() / 8];
            let view = TensorView::new(Dtype::F64, n, &tails).map_err(failed)?;
            views.push(("tails", view));
            let k = vec![self.tails.len()];
            let view = TensorView::new(Dtype::U64, k, &lengths).map_err(failed)?;
            views.push(("tail_lengths", view));
        }
        let written = safetensors::serialize(views, Some(metadata)).map_err(failed)?;
        Ok(crosr_model::sort_safetensors_header(&written).unwrap_or(written))
    }

    pub(crate) fn from_bytes(bytes: &[u8], path: &Path) -> Result<Self> {
        let wrong = |what: String| CliError::file(path, what);
        let (file, metadata) = opened(bytes, path)?;
        if metadata.get("format").map(String::as_str) != Some(FORMAT) {
            return Err(wrong(format!(
                "not an open-set model of this version ({FORMAT}); `crosr fit` writes one"
            )));
        }
        let entry = |key: &str| {
            metadata
                .get(key)
                .ok_or_else(|| wrong(format!("the metadata give no {key}")))
        };
        let class_names: Vec<String> = serde_json::from_str(entry("class_names")?)
            .map_err(|e| wrong(format!("class names: {e}")))?;
        let distance = entry("distance")?
            .parse()
            .map_err(|e| wrong(format!("{e}")))?;
        let calibration = metadata
            .get("calibration")
            .map(|text| serde_json::from_str(text).map_err(|e| wrong(format!("calibration: {e}"))))
            .transpose()?;
        let tensor = |name: &str, dtype: Dtype| {
            let view = file
                .tensor(name)
                .map_err(|_| wrong(format!("there is no tensor {name}")))?;
            if view.dtype() != dtype {
                return Err(wrong(format!("{name} holds {:?}", view.dtype())));
            }
            let (words, _) = view.data().as_chunks::<8>();
            Ok((view.shape().to_vec(), words.to_vec()))
        };
        let (shape, means) = tensor("mavs", Dtype::F64)?;
        let (count_shape, counts) = tensor("counts", Dtype::U64)?;
        let (weibull_shape, numbers) = tensor("weibulls", Dtype::F64)?;
        let k = class_names.len();
        let &[n_classes, dim] = shape.as_slice() else {
            return Err(wrong(format!("mavs has shape {shape:?}")));
        };
        if n_classes != k
            || dim == 0
            || count_shape != [k]
            || weibull_shape != [k, WEIBULL_COLUMNS.len()]
        {
            return Err(wrong(format!("tensors do not fit {k} classes")));
        }
        let means: Vec<f64> = means.iter().map(|b| f64::from_le_bytes(*b)).collect();
        let counts: Vec<u64> = counts.iter().map(|b| u64::from_le_bytes(*b)).collect();
        let mavs = MeanActivationVectors::from_rows(dim, &means, &counts)
            .map_err(|e| wrong(e.to_string()))?;
        let weibulls = numbers
            .chunks_exact(WEIBULL_COLUMNS.len())
            .map(|row| {
                let value = |column: usize| f64::from_le_bytes(row[column]);
                Ok(Weibull::from_parts(WeibullParts {
                    scale: value(0),
                    shape: value(1),
                    small_score: value(2),
                    translate: value(3),
                    side: TailSide::High,
                    tail_size: value(4) as usize,
                })?)
            })
            .collect::<Result<_>>()?;
        let model = OpenMax::from_parts(mavs, weibulls, distance)?;
        let evidence = match metadata.get("evidence") {
            None => None,
            Some(text) => {
                let choices: EvidenceChoices =
                    serde_json::from_str(text).map_err(|e| wrong(format!("evidence: {e}")))?;
                let kinds = choices
                    .evidence
                    .iter()
                    .map(|name| name.parse())
                    .collect::<std::result::Result<Vec<Evidence>, _>>()
                    .map_err(|e| wrong(e.to_string()))?;
                let params = EvidenceParams::new()
                    .evidence(&kinds)
                    .keep_known(choices.keep_known)
                    .class_samples(choices.class_samples)
                    .truncation(choices.truncation)
                    .whitened(choices.whitened)
                    .check()
                    .map_err(|e| wrong(e.to_string()))?;
                let (_, scores) = tensor("reference_scores", Dtype::F64)?;
                let (_, classes) = tensor("reference_classes", Dtype::U64)?;
                let scores = scores.iter().map(|b| f64::from_le_bytes(*b)).collect();
                let classes = classes
                    .iter()
                    .map(|b| usize::try_from(u64::from_le_bytes(*b)).unwrap_or(usize::MAX))
                    .collect();
                let whitening = if choices.whitened {
                    let (_, factor) = tensor("whitening", Dtype::F64)?;
                    let factor = factor.iter().map(|b| f64::from_le_bytes(*b)).collect();
                    let whitening = Whitening::from_factor(model.mavs(), factor);
                    Some(whitening.map_err(|e| wrong(format!("whitening: {e}")))?)
                } else {
                    None
                };
                let model = EvidenceModel::from_scores(params, k, scores, classes, whitening)
                    .map_err(|e| wrong(e.to_string()))?;
                Some(model)
            }
        };
        let views = match metadata.get("views") {
            None => ViewsName::Single,
            Some(name) => ViewsName::of(name)
                .ok_or_else(|| wrong(format!("views: {name:?} is none that is known")))?,
        };
        let mut tails = Vec::new();
        if file.tensor("tails").is_ok() {
            let (_, all) = tensor("tails", Dtype::F64)?;
            let (_, lengths) = tensor("tail_lengths", Dtype::U64)?;
            let all: Vec<f64> = all.iter().map(|b| f64::from_le_bytes(*b)).collect();
            let mut rest = all.as_slice();
            for length in &lengths {
                let length = usize::try_from(u64::from_le_bytes(*length)).unwrap_or(usize::MAX);
                let (tail, more) = rest
                    .split_at_checked(length)
                    .ok_or_else(|| wrong("tail_lengths go beyond tails".to_owned()))?;
                tails.push(tail.to_vec());
                rest = more;
            }
            if tails.len() != k || !rest.is_empty() || !all.iter().all(|d| d.is_finite()) {
                return Err(wrong(format!("tails are none of {k} classes")));
            }
        }
        Ok(Self {
            model,
            class_names,
            tails,
            pooling: metadata.get("pooling").cloned(),
            views,
            keeps_dropout: metadata
                .get("keeps_dropout")
                .is_some_and(|text| text == "true"),
            calibration,
            evidence,
        })
    }
}
