//! `crosr fit`.

mod on_features;

use std::path::Path;

use crosr_model::{DhrNet, ModelCard, Pooling};
use crosr_openmax::{
    CheckedParams, Distance, Evidence, EvidenceModel, EvidenceParams, OpenMax, OpenMaxParams,
    Recalibration, RecalibrationParams, SoftmaxOrder, assured_part, threshold_keeping,
};

use self::on_features::fit_features;
use super::report::recorded_tails;
use super::scoring::{features_of, naming_class, recalibrated};
use super::train::{source_of, train_and_held_out};
use crate::args::{FitArgs, PoolingName, Preset, TrainArgs};
use crate::error::{CliError, Result};
use crate::formats::features::{Features, write_features};
use crate::formats::openset::{Calibration, OpenSet};
use crate::output;
use crate::run_folder::{RunFolder, read, with_config, write_atomically};

/// A network and what it says about itself.
pub(super) fn load_network(run: &RunFolder, device: Option<&str>) -> Result<(DhrNet, ModelCard)> {
    let path = run.model();
    let device = crosr_model::device(device.unwrap_or("auto"))?;
    Ok(DhrNet::from_safetensors(&read(&path)?, &path, &device)?)
}

pub(super) fn pooling(name: Option<PoolingName>) -> Pooling {
    match name {
        Some(PoolingName::Mean) => Pooling::Mean,
        _ => Pooling::Max,
    }
}

/// Softmax order and alpha as flags give them.
pub(super) fn recalibration(
    softmax: Option<&str>,
    alpha: Option<usize>,
    epsilon: f64,
) -> Result<Recalibration> {
    let order: SoftmaxOrder = match softmax {
        Some(name) => name
            .parse()
            .map_err(|e| CliError::usage(format!("--softmax: {e}")))?,
        None => SoftmaxOrder::First,
    };
    RecalibrationParams::new()
        .softmax(order)
        .alpha(alpha.unwrap_or(10))
        .epsilon(epsilon)
        .check()
        .map_err(|e| CliError::usage(e.to_string()))
}

/// Fills in what the flags leave open; features alone get CROSR's own distance.
fn resolve(flags: FitArgs) -> FitArgs {
    let preset = flags.preset.unwrap_or_default();
    let reference = preset == Preset::Reference;
    let cosine = flags.run.is_some() && preset == Preset::Default;
    FitArgs {
        preset: Some(preset),
        tail: Some(
            flags
                .tail
                .unwrap_or(if reference || cosine { 100 } else { 20 }),
        ),
        distance: Some(
            flags
                .distance
                .unwrap_or_else(|| if cosine { "cosine" } else { "euclidean" }.to_owned()),
        ),
        pooling: Some(flags.pooling.unwrap_or(PoolingName::Max)),
        keep_known: flags.keep_known.or((!reference).then_some(0.85)),
        truncation: flags.truncation.or((!reference).then_some(0.05)),
        whiten: flags.whiten.or((!reference).then_some(true)),
        views: Some(flags.views.unwrap_or_default()),
        softmax: Some(flags.softmax.unwrap_or_else(|| "first".to_owned())),
        alpha: Some(flags.alpha.unwrap_or(10)),
        shrink_tail: Some(flags.shrink_tail.unwrap_or(false)),
        device: Some(flags.device.unwrap_or_else(|| "auto".to_owned())),
        ..flags
    }
}

/// Writes the features to the folder that was asked for, if one was.
fn keep_features(choices: &FitArgs, name: &str, features: &Features) -> Result<()> {
    match &choices.features_out {
        Some(folder) => write_features(folder, name, features),
        None => Ok(()),
    }
}

fn params(choices: &FitArgs) -> Result<CheckedParams> {
    let distance: Distance = choices
        .distance
        .as_deref()
        .unwrap_or("euclidean")
        .parse()
        .map_err(|e| CliError::usage(format!("--distance: {e}")))?;
    OpenMaxParams::new(choices.tail.unwrap_or(20))
        .distance(distance)
        .shrink_tail(choices.shrink_tail.unwrap_or(false))
        .check()
        .map_err(|e| CliError::usage(format!("--tail: {e}")))
}

/// Calibrates the evidence on held-out known data.
fn fit_evidence(
    choices: &FitArgs,
    keep_known: f64,
    model: &OpenMax,
    held_out: &Features,
) -> Result<EvidenceModel> {
    let kinds = choices
        .evidence
        .iter()
        .map(|name| name.parse())
        .collect::<std::result::Result<Vec<Evidence>, _>>()
        .map_err(|e| CliError::usage(format!("--evidence: {e}")))?;
    let kinds = if kinds.is_empty() {
        Evidence::ALL.to_vec()
    } else {
        kinds
    };
    let params = EvidenceParams::new()
        .evidence(&kinds)
        .keep_known(keep_known)
        .truncation(choices.truncation.unwrap_or(0.05))
        .whitened(choices.whiten.unwrap_or(true))
        .check()
        .map_err(|e| CliError::usage(e.to_string()))?;
    Ok(EvidenceModel::fit(params, model, held_out.evidence())?)
}

/// Fits a run: training data for means and tails, held-out data for the threshold.
pub(super) fn fit_run(run: &RunFolder, choices: &FitArgs) -> Result<OpenSet> {
    let recorded: TrainArgs = run.recorded("train")?;
    let (network, card) = load_network(run, choices.device.as_deref())?;
    let views = choices.views.unwrap_or_default();
    // The published code forgets to switch dropout off.
    let keeps_dropout = choices.preset == Some(Preset::Reference);
    let network = network
        .with_views(views.views())
        .keeping_dropout(keeps_dropout);
    let source = source_of(&recorded, choices.data_dir.as_deref());
    let (train, held_out) = train_and_held_out(&source, &recorded)?;
    if train.class_names() != card.class_names {
        return Err(CliError::file(
            &run.model(),
            format!(
                "trained on classes {}, the data have {}",
                card.class_names.join(", "),
                train.class_names().join(", ")
            ),
        ));
    }
    let pool = pooling(choices.pooling);
    let features = features_of(&network, &card, train, pool, "training data")?;
    keep_features(choices, "train", &features)?;
    let labels = features.classes(card.class_names.len(), &run.model())?;
    let (model, _) = params(choices)?
        .fit(
            card.class_names.len(),
            &features.rows,
            features.dim,
            &labels,
        )
        .map_err(|e| naming_class(e, &card.class_names))?;
    let tails = recorded_tails(&model, &features, &labels)?;
    let mut evidence = None;
    let calibration = match (held_out, choices.keep_known) {
        (Some(held_out), Some(keep_known)) => {
            let softmax = choices
                .softmax
                .clone()
                .unwrap_or_else(|| "first".to_owned());
            let rule = recalibration(Some(&softmax), choices.alpha, 0.0)?;
            let features = features_of(&network, &card, held_out, pool, "held-out data")?;
            keep_features(choices, "held-out", &features)?;
            let scored = recalibrated(&model, &features, &rule, &run.model())?;
            let epsilon = threshold_keeping(&scored, assured_part(keep_known, scored.len()))
                .map_err(|e| CliError::usage(format!("--keep-known: {e}")))?;
            if choices.preset.unwrap_or_default() == Preset::Default {
                evidence = Some(fit_evidence(choices, keep_known, &model, &features)?);
            }
            let alpha = choices.alpha.unwrap_or(10);
            Some(Calibration {
                softmax,
                alpha,
                epsilon,
                keep_known,
                samples: scored.len(),
            })
        }
        _ => None,
    };
    let name = match pool {
        Pooling::Max => "max",
        Pooling::Mean => "mean",
    };
    let openset = OpenSet {
        model,
        class_names: card.class_names,
        pooling: Some(name.to_owned()),
        views,
        keeps_dropout,
        calibration,
        evidence,
        tails,
    };
    let path = choices.out.clone().unwrap_or_else(|| run.openset());
    write_atomically(&path, &openset.to_bytes(&path)?)?;
    run.record("fit", choices)?;
    Ok(openset)
}

fn summary(openset: &OpenSet, path: &Path) -> String {
    let model = &openset.model;
    let width = openset
        .class_names
        .iter()
        .map(|name| name.len())
        .max()
        .unwrap_or(5)
        .max(5);
    let mut text = format!("{:width$}  samples  tail     scale     shape\n", "class");
    for (class, name) in openset.class_names.iter().enumerate() {
        let weibull = &model.weibulls()[class];
        text.push_str(&format!(
            "{name:width$}  {:7}  {:4}  {:8.4}  {:8.4}\n",
            model.mavs().count(class),
            weibull.tail_size(),
            weibull.scale(),
            weibull.shape(),
        ));
    }
    if let Some(evidence) = &openset.evidence {
        let kinds: Vec<&str> = evidence
            .params()
            .evidence()
            .iter()
            .map(|e| e.name())
            .collect();
        text.push_str(&format!(
            "unknown where {} together surprise more than {:.0} % of {} held-out samples\n",
            kinds.join(", "),
            100.0 * evidence.params().keep_known(),
            evidence.classes().len(),
        ));
    } else if let Some(c) = &openset.calibration {
        text.push_str(&format!(
            "unknown below a largest known probability of {:.4}: keeps {:.0} % of {} held-out \
             samples\n",
            c.epsilon,
            100.0 * c.keep_known,
            c.samples
        ));
    }
    text.push_str(&format!("{}\n", path.display()));
    text
}

/// `crosr fit` on a run, with defaults but for what is kept, for the demo.
pub(super) fn keeping(run: &RunFolder, keep_known: f64) -> FitArgs {
    resolve(FitArgs {
        run: Some(run.root().to_owned()),
        keep_known: Some(keep_known),
        ..FitArgs::default()
    })
}

pub(super) fn run(flags: &FitArgs) -> Result<()> {
    let merged = with_config(flags, flags.config.as_deref(), "fit")?;
    let choices = resolve(FitArgs {
        run: flags.run.clone(),
        features: flags.features.clone(),
        out: flags.out.clone(),
        features_out: flags.features_out.clone(),
        config: flags.config.clone(),
        ..merged
    });
    let (openset, path) = match (&choices.run, &choices.features) {
        (Some(folder), _) => {
            let run = RunFolder::open(folder)?;
            let openset = fit_run(&run, &choices)?;
            (
                openset,
                choices.out.clone().unwrap_or_else(|| run.openset()),
            )
        }
        (None, Some(path)) => fit_features(path, &choices)?,
        (None, None) => {
            return Err(CliError::usage(
                "name a run with --run, or features with --features",
            ));
        }
    };
    output::text(&summary(&openset, &path))
}
