//! A trained network with its open-set model: from a run folder, or from one file.

use std::path::{Path, PathBuf};

use crosr_model::{DhrNet, ModelCard, Pooling};

use super::fit::load_network;
use crate::error::{CliError, Result};
use crate::formats::bundle::unbundle;
use crate::formats::openset::OpenSet;
use crate::run_folder::{RunFolder, read};

/// Everything that judging pictures needs.
pub(super) struct Fitted {
    pub(super) network: DhrNet,
    pub(super) card: ModelCard,
    pub(super) openset: OpenSet,
    /// Where the open-set model came from, for errors.
    pub(super) origin: PathBuf,
}

impl Fitted {
    /// What `crosr train` and `crosr fit` left.
    pub(super) fn of_run(run: &RunFolder, device: Option<&str>) -> Result<Self> {
        let (network, card) = load_network(run, device)?;
        let path = run.openset();
        if !path.is_file() {
            return Err(CliError::file(
                &path,
                format!(
                    "no open-set model here; run `crosr fit --run {}` first",
                    run.root().display()
                ),
            ));
        }
        let openset = OpenSet::from_bytes(&read(&path)?, &path)?;
        Self::checked(network, card, openset, path)
    }

    /// What `crosr export` wrote; a plain name stands for the weights that come with the
    /// repository.
    pub(super) fn pretrained(name: &Path, device: Option<&str>) -> Result<Self> {
        let path = located(name)?;
        let (weights, openset) = unbundle(&read(&path)?, &path)?;
        let device = crosr_model::device(device.unwrap_or("auto"))?;
        let (network, card) = DhrNet::from_safetensors(&weights, &path, &device)?;
        let openset = OpenSet::from_bytes(&openset, &path)?;
        Self::checked(network, card, openset, path)
    }

    fn checked(
        network: DhrNet,
        card: ModelCard,
        openset: OpenSet,
        origin: PathBuf,
    ) -> Result<Self> {
        if openset.class_names != card.class_names {
            return Err(CliError::file(
                &origin,
                "fitted to other classes than the network's; fit again",
            ));
        }
        Ok(Self {
            network: network
                .with_views(openset.views.views())
                .keeping_dropout(openset.keeps_dropout),
            card,
            openset,
            origin,
        })
    }

    /// How the open-set model wants latents pooled.
    pub(super) fn pooling(&self) -> Result<Pooling> {
        match self.openset.pooling.as_deref() {
            Some("max") => Ok(Pooling::Max),
            Some("mean") => Ok(Pooling::Mean),
            _ => Err(CliError::file(
                &self.origin,
                "fitted to features of another origin; fit again",
            )),
        }
    }
}

/// The file itself, or `dhrnet-NAME.safetensors` under `data/pretrained`: here, or where this
/// binary was built.
fn located(name: &Path) -> Result<PathBuf> {
    if name.is_file() {
        return Ok(name.to_owned());
    }
    let file = format!("data/pretrained/dhrnet-{}.safetensors", name.display());
    let built = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    [Path::new("."), &built]
        .iter()
        .map(|root| root.join(&file))
        .find(|path| path.is_file())
        .ok_or_else(|| {
            CliError::usage(format!(
                "--pretrained {}: neither a file nor weights under data/pretrained",
                name.display()
            ))
        })
}
