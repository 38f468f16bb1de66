//! `crosr protocol`: the class-split protocol of open-set recognition.
//!
//! A network is trained on some of the classes and judged by how well it tells them from the
//! others, which it has never seen (Neal et al., "Open Set Learning with Counterfactual Images",
//! ECCV 2018, Section 5.1). Figures are means over several splits.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};

use crosr_data::{PublishedSplit, published_splits};
use serde::{Deserialize, Serialize};

use super::eval::eval_run;
use super::fit::{fit_run, keeping};
use super::train::{Printing, TrainPlan};
use crate::args::{DatasetName, EvalArgs, FitArgs, ProtocolArgs, TrainArgs};
use crate::error::{CliError, Result};
use crate::output;
use crate::run_folder::{RunFolder, read_text, with_config, write_atomically};
use crate::source::{NamedOutliers, Source};

/// Part of the held-out known samples that the decision keeps.
const KEEP_KNOWN: f64 = 0.9;

/// What one split gave.
#[derive(Clone, Serialize, Deserialize)]
struct SplitResult {
    known_classes: Vec<String>,
    closed_set_accuracy: f64,
    auroc: f64,
    oscr: f64,
    macro_f1: f64,
}

/// All splits in the machine-readable form.
#[derive(Serialize)]
struct ProtocolResult {
    dataset: DatasetName,
    splits: Vec<SplitResult>,
    mean: Summary,
    /// Standard deviation over the splits, with n - 1; 0 for a single split.
    spread: Summary,
}

#[derive(Serialize)]
struct Summary {
    closed_set_accuracy: f64,
    auroc: f64,
    oscr: f64,
    macro_f1: f64,
}

/// A split: the classes to train on, by name, and those of another dataset that are outliers;
/// where none are named, all others are.
#[derive(Clone, Debug, PartialEq)]
struct ClassSets {
    known: Vec<String>,
    elsewhere: Vec<usize>,
}

/// What the flags ask for, as its authors list it; `None` where nothing is published.
fn published(
    names: &[String],
    dataset: DatasetName,
    known: Option<usize>,
    plus: Option<&str>,
) -> Result<Option<Vec<ClassSets>>> {
    let protocol = match (dataset, plus) {
        (DatasetName::Cifar10, Some("10")) => PublishedSplit::CifarPlus10,
        (DatasetName::Cifar10, Some(_)) => PublishedSplit::CifarPlus50,
        (_, Some(_)) => {
            let what = "--plus adds classes of CIFAR-100 to --dataset cifar10, to no other";
            return Err(CliError::usage(what));
        }
        (DatasetName::Cifar10, None) => PublishedSplit::Cifar10,
        (DatasetName::Mnist, None) => PublishedSplit::Mnist,
        (DatasetName::Svhn, None) => PublishedSplit::Svhn,
        (DatasetName::TinyImagenet, None) => PublishedSplit::TinyImageNet,
        _ => return Ok(None),
    };
    let named = |(mut classes, elsewhere): (Vec<usize>, Vec<usize>)| {
        // In the data's own order.
        classes.sort_unstable();
        let known = classes
            .iter()
            .filter_map(|&class| names.get(class).cloned());
        ClassSets {
            known: known.collect(),
            elsewhere,
        }
    };
    let splits: Vec<ClassSets> = published_splits(protocol).map(named).into();
    let as_published = |count| splits.iter().all(|split| split.known.len() == count);
    Ok(known.is_none_or(as_published).then_some(splits))
}

/// The published splits, or others that follow from the seed.
fn splits(
    names: &[String],
    dataset: DatasetName,
    args: &ProtocolArgs,
    seed: u64,
) -> Result<Vec<ClassSets>> {
    let count = args.splits;
    if count == 0 {
        return Err(CliError::usage("--splits 0: at least one split is needed"));
    }
    if let Some(published) = published(names, dataset, args.known, args.plus.as_deref())? {
        if count > published.len() {
            return Err(CliError::usage(format!(
                "--splits {count}: there are {} published splits of {}",
                published.len(),
                dataset.name(),
            )));
        }
        return Ok(published.into_iter().take(count).collect());
    }
    let known = args.known.unwrap_or((names.len() * 6).div_ceil(10));
    if known < 2 || known >= names.len() {
        return Err(CliError::usage(format!(
            "--known {known}: at least 2 and fewer than the {} classes",
            names.len()
        )));
    }
    Ok((0..count as u64)
        .map(|split| {
            let mut order: Vec<(u64, usize)> = (0..names.len())
                .map(|class| (scrambled(seed, split, class as u64), class))
                .collect();
            order.sort_unstable();
            let mut chosen: Vec<usize> = order[..known].iter().map(|&(_, class)| class).collect();
            // In the data's own order.
            chosen.sort_unstable();
            ClassSets {
                known: chosen.iter().map(|&class| names[class].clone()).collect(),
                elsewhere: Vec::new(),
            }
        })
        .collect())
}

/// A number that follows from all three (SplitMix64's finaliser).
fn scrambled(seed: u64, split: u64, class: u64) -> u64 {
    let mut bits = seed
        .wrapping_mul(0x9E37_79B9_7F4A_7C15)
        .wrapping_add(split.wrapping_mul(0xD1B5_4A32_D192_ED03))
        .wrapping_add(class.wrapping_mul(0x8CB9_2BA7_2F3D_8DD7));
    bits = (bits ^ (bits >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    bits = (bits ^ (bits >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    bits ^ (bits >> 31)
}

/// Where a split's result is kept: its presence means that the split is done.
fn result_path(run: &RunFolder) -> PathBuf {
    run.root().join("split.json")
}

/// Trains, fits and evaluates one split, or reads what it gave before.
fn run_split(train: &TrainArgs, folder: &Path, classes: &ClassSets) -> Result<SplitResult> {
    let known = &classes.known;
    let run = RunFolder::new(folder);
    let path = result_path(&run);
    if path.is_file() {
        let done: SplitResult = serde_json::from_str(&read_text(&path)?)
            .map_err(|e| CliError::file(&path, format!("not a split's result: {e}")))?;
        if done.known_classes != *known {
            return Err(CliError::file(
                &path,
                "holds another split; choose another --out, or remove the folder",
            ));
        }
        return Ok(done);
    }
    let plan = TrainPlan::resolve(TrainArgs {
        known_classes: known.clone(),
        out: Some(folder.to_owned()),
        resume: run.last().is_file(),
        ..train.clone()
    })?;
    plan.execute(&run, Printing::Aside)?;
    let choices = FitArgs {
        // The evidence decides; Weibulls of a poorly learnt class must not stop it.
        shrink_tail: Some(true),
        ..keeping(&run, KEEP_KNOWN)
    };
    fit_run(&run, &choices)?;
    let rest = |source: &Source, _: usize, _: u64| {
        let data = if classes.elsewhere.is_empty() {
            source.rest()?
        } else {
            source.classes_beside(DatasetName::Cifar100, &classes.elsewhere)?
        };
        Ok(vec![NamedOutliers {
            name: "rest".to_owned(),
            data,
        }])
    };
    let evaluation = eval_run(&run, &EvalArgs::default(), rest)?.evaluation;
    let outliers = evaluation
        .outliers
        .first()
        .ok_or_else(|| CliError::usage("the classes that are not known have no test samples"))?;
    let result = SplitResult {
        known_classes: known.clone(),
        closed_set_accuracy: evaluation.known.closed_set_accuracy,
        auroc: outliers.auroc,
        oscr: outliers.oscr,
        macro_f1: outliers.macro_f1,
    };
    let text = serde_json::to_string_pretty(&result)
        .map_err(|e| CliError::file(&path, format!("cannot record the result: {e}")))?;
    write_atomically(&path, text.as_bytes())?;
    Ok(result)
}

impl ProtocolResult {
    fn new(dataset: DatasetName, splits: Vec<SplitResult>) -> Self {
        let n = splits.len() as f64;
        let mean_of = |value: fn(&SplitResult) -> f64| splits.iter().map(value).sum::<f64>() / n;
        let spread_of = |value: fn(&SplitResult) -> f64| {
            let mean = mean_of(value);
            let squares: f64 = splits
                .iter()
                .map(|split| (value(split) - mean).powi(2))
                .sum();
            (squares / (n - 1.0).max(1.0)).sqrt()
        };
        let summary = |of: &dyn Fn(fn(&SplitResult) -> f64) -> f64| Summary {
            closed_set_accuracy: of(|split| split.closed_set_accuracy),
            auroc: of(|split| split.auroc),
            oscr: of(|split| split.oscr),
            macro_f1: of(|split| split.macro_f1),
        };
        Self {
            dataset,
            mean: summary(&mean_of),
            spread: summary(&spread_of),
            splits,
        }
    }

    fn table(&self) -> String {
        let mut text = String::from("split   accuracy   AUROC    OSCR  macro F1  known classes\n");
        for (i, split) in self.splits.iter().enumerate() {
            writeln!(
                text,
                "{:5}  {:9.4}  {:.4}  {:.4}  {:8.4}  {}",
                i + 1,
                split.closed_set_accuracy,
                split.auroc,
                split.oscr,
                split.macro_f1,
                split.known_classes.join(", ")
            )
            .ok();
        }
        for (name, of) in [("mean", &self.mean), ("+-", &self.spread)] {
            writeln!(
                text,
                "{name:>5}  {:9.4}  {:.4}  {:.4}  {:8.4}",
                of.closed_set_accuracy, of.auroc, of.oscr, of.macro_f1
            )
            .ok();
        }
        text
    }
}

pub(super) fn run(args: ProtocolArgs) -> Result<()> {
    let merged = with_config(&args.train, args.train.config.as_deref(), "train")?;
    let train = TrainArgs {
        out: args.train.out.clone(),
        json: args.train.json,
        ..merged
    };
    let plan = TrainPlan::resolve(train.clone())?;
    if !train.known_classes.is_empty() {
        return Err(CliError::usage(
            "--known-classes: the protocol chooses them; use --known for how many",
        ));
    }
    let dataset = plan.choices.dataset.unwrap_or(DatasetName::Cifar10);
    let seed = plan.choices.seed.unwrap_or(0);
    let names = plan.source.all_classes()?;
    let out = train.out.clone().unwrap_or_else(|| {
        let plus = args.plus.as_ref().map(|plus| format!("-plus-{plus}"));
        PathBuf::from(format!(
            "runs/protocol-{}{}",
            dataset.name(),
            plus.unwrap_or_default()
        ))
    });
    let splits = splits(&names, dataset, &args, seed)?;
    let mut results = Vec::with_capacity(splits.len());
    for (i, classes) in splits.iter().enumerate() {
        let folder = out.join(format!("split-{}", i + 1));
        results.push(run_split(&train, &folder, classes)?);
    }
    let result = ProtocolResult::new(dataset, results);
    if train.json {
        output::json(&result)
    } else {
        output::text(&result.table())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(n: usize) -> Vec<String> {
        (0..n).map(|i| format!("c{i}")).collect()
    }

    fn asked(known: Option<usize>, plus: Option<&str>, splits: usize) -> ProtocolArgs {
        ProtocolArgs {
            train: TrainArgs::default(),
            known,
            plus: plus.map(str::to_owned),
            splits,
        }
    }

    #[test]
    fn published_splits_are_taken_where_there_are_some() {
        let of = |dataset, args: &ProtocolArgs| splits(&names(10), dataset, args, 5);
        let six = of(DatasetName::Cifar10, &asked(None, None, 2)).expect("valid");
        assert_eq!(six[0].known.join(" "), "c0 c1 c4 c6 c7 c9");
        assert_eq!(
            of(DatasetName::Cifar10, &asked(Some(6), None, 2)).expect("valid"),
            six
        );
        let plus = of(DatasetName::Cifar10, &asked(None, Some("10"), 5)).expect("valid");
        assert_eq!(plus[0].known.join(" "), "c1 c4 c7 c9");
        assert!(plus.iter().all(|split| split.elsewhere.len() == 10));
        // Another number of classes is nobody's protocol.
        let five = of(DatasetName::Cifar10, &asked(Some(5), None, 9)).expect("valid");
        assert!(five.len() == 9 && five.iter().all(|split| split.known.len() == 5));
        assert!(of(DatasetName::Cifar10, &asked(None, None, 6)).is_err());
        assert!(of(DatasetName::Svhn, &asked(None, Some("10"), 5)).is_err());
    }

    #[test]
    fn other_splits_follow_from_the_seed() {
        let of = |seed| {
            let args = asked(Some(3), None, 4);
            splits(&names(8), DatasetName::Folder, &args, seed).expect("valid")
        };
        assert_eq!(of(1), of(1));
        assert_ne!(of(1), of(2));
        for split in of(1) {
            assert_eq!(split.known.len(), 3);
            assert!(split.known.is_sorted());
        }
        for args in [asked(Some(3), None, 1), asked(Some(2), None, 0)] {
            assert!(splits(&names(3), DatasetName::Folder, &args, 0).is_err());
        }
    }

    #[test]
    fn means_and_spreads() {
        let split = |auroc| SplitResult {
            known_classes: names(2),
            closed_set_accuracy: 0.9,
            auroc,
            oscr: 0.5,
            macro_f1: 0.4,
        };
        let result = ProtocolResult::new(DatasetName::Shapes, vec![split(0.7), split(0.9)]);
        assert!((result.mean.auroc - 0.8).abs() < 1e-12);
        assert!((result.spread.auroc - 0.02f64.sqrt()).abs() < 1e-12);
        assert_eq!(
            ProtocolResult::new(DatasetName::Shapes, vec![split(0.7)])
                .spread
                .auroc,
            0.0
        );
    }
}
