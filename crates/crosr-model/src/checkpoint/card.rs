//! What a weights file says about itself.

use std::collections::{BTreeSet, HashMap};
use std::path::Path;

use crosr_data::Normalisation;
use serde::{Deserialize, Serialize};

use crate::config::DhrConfig;
use crate::error::{ModelError, Result, shown};

/// Version of the layout written here.
const FORMAT: &str = "crosr-model/1";
/// Longest description in bytes; escaped within a header it may become twice as long.
const LONGEST_TEXT: usize = 1 << 20;

/// What a weights file says about itself: enough to classify a picture.
#[derive(Clone, Debug, PartialEq)]
pub struct ModelCard {
    /// Name of each known class, in the order of the logits.
    pub class_names: Vec<String>,
    /// What the pictures were normalised with.
    pub normalisation: Normalisation,
}

#[derive(Serialize, Deserialize)]
struct CardText {
    architecture: DhrConfig,
    class_names: Vec<String>,
    mean: [f32; 3],
    std: [f32; 3],
}

impl ModelCard {
    /// What is wrong with it, if anything is.
    fn fault(&self) -> Option<String> {
        let mut seen = BTreeSet::new();
        for (class, name) in self.class_names.iter().enumerate() {
            if name.trim().is_empty() {
                return Some(format!("class {class} has no name"));
            }
            if !seen.insert(name) {
                return Some(format!("two classes are named {}", shown(name)));
            }
        }
        let Normalisation { mean, std } = self.normalisation;
        if !mean.iter().all(|m| m.is_finite()) {
            return Some(format!("the mean {mean:?} is not finite in every channel"));
        }
        // A subnormal deviation has an infinite reciprocal.
        if !std.iter().all(|s| *s > 0.0 && s.is_normal()) {
            return Some(format!(
                "the standard deviation {std:?} is not positive in every channel"
            ));
        }
        None
    }

    /// The description of a network of this shape, as metadata.
    ///
    /// # Errors
    /// [`ModelError::ClassCount`] for another number of classes, [`ModelError::Card`] for names or
    /// a normalisation that no reader would take.
    pub(super) fn metadata(&self, config: &DhrConfig) -> Result<HashMap<String, String>> {
        if self.class_names.len() != config.n_classes {
            return Err(ModelError::ClassCount {
                data: self.class_names.len(),
                network: config.n_classes,
            });
        }
        if let Some(what) = self.fault() {
            return Err(ModelError::Card { what });
        }
        let text = CardText {
            architecture: config.clone(),
            class_names: self.class_names.clone(),
            mean: self.normalisation.mean,
            std: self.normalisation.std,
        };
        let text =
            serde_json::to_string(&text).map_err(|e| candle_core::Error::Msg(e.to_string()))?;
        if text.len() > LONGEST_TEXT {
            return Err(ModelError::Card {
                what: format!(
                    "the class names take {} bytes, {LONGEST_TEXT} are allowed",
                    text.len()
                ),
            });
        }
        Ok(HashMap::from([
            ("format".to_owned(), FORMAT.to_owned()),
            ("model".to_owned(), text),
        ]))
    }
}

/// Shape of the network and card, from a file's metadata. Nothing is built.
///
/// # Errors
/// [`ModelError::Metadata`] for a description that is missing or makes no sense.
pub(crate) fn described(
    metadata: &HashMap<String, String>,
    path: &Path,
) -> Result<(DhrConfig, ModelCard)> {
    let wrong = |what: String| ModelError::Metadata {
        path: path.to_owned(),
        what,
    };
    let missing = |what: &str| {
        wrong(format!(
            "{what}; files written by `crosr train` or `crosr convert` carry it"
        ))
    };
    match metadata.get("format") {
        Some(format) if format == FORMAT => {}
        Some(format) => {
            return Err(wrong(format!(
                "format {}, this version reads {FORMAT}",
                shown(format)
            )));
        }
        None => return Err(missing("no crosr description in the metadata")),
    }
    let text = metadata
        .get("model")
        .ok_or_else(|| missing("no model description"))?;
    let text: CardText = serde_json::from_str(text)
        .map_err(|e| wrong(format!("model description: {}", shown(&e.to_string()))))?;
    let CardText {
        architecture,
        class_names,
        mean,
        std,
    } = text;
    if class_names.len() != architecture.n_classes {
        return Err(wrong(format!(
            "model description: {} class names for {} classes",
            class_names.len(),
            architecture.n_classes
        )));
    }
    architecture
        .check()
        .map_err(|e| wrong(format!("model description: {e}")))?;
    let card = ModelCard {
        class_names,
        normalisation: Normalisation { mean, std },
    };
    match card.fault() {
        Some(what) => Err(wrong(format!("model description: {what}"))),
        None => Ok((architecture, card)),
    }
}
