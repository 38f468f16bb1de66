//! A dataset of one's own, from the trait to the verdicts: stripes of four directions are known,
//! checks are not.

#![allow(clippy::print_stdout)] // printing is what an example is for

use std::sync::Arc;

use candle_core::Device;
use crosr_data::{DataError, Dataset, Image, Normalisation, PixelFormat, Sample, split};
use crosr_eval::{Evaluation, OutlierSet, ScoredSample, evaluate};
use crosr_model::{DhrConfig, DhrNet, ModelCard, Pooling, TrainParams, Trainer, evaluation_plan};
use crosr_openmax::{
    EvidenceModel, EvidenceParams, EvidenceSamples, OpenMax, OpenMaxParams, Verdict,
};

const EPOCHS: usize = 10;

/// Grey pictures drawn from their number alone.
struct Patterns {
    class_names: Vec<String>,
    first: usize,
    len: usize,
}

/// All that training, fitting and evaluation ask of a dataset.
impl Dataset for Patterns {
    fn class_names(&self) -> &[String] {
        &self.class_names
    }

    fn len(&self) -> usize {
        self.len
    }

    fn sample(&self, index: usize) -> Result<Sample, DataError> {
        let label = (!self.class_names.is_empty()).then(|| index % self.class_names.len());
        let pixels = (0..32 * 32).map(|p| pixel(label, self.first + index, p % 32, p / 32));
        let image = Image::new(32, 32, PixelFormat::Grey, pixels.collect())?;
        Ok(Sample { image, label })
    }
}

/// A pixel of stripes in the direction of `class`, or of checks; width, place, contrast and noise
/// follow from `number`.
fn pixel(class: Option<usize>, number: usize, x: usize, y: usize) -> u8 {
    let (width, place) = (3 + number % 3, number / 3 % 11);
    let stripe = |along: usize| (along + place) / width % 2;
    let light = match class {
        Some(0) => stripe(x),
        Some(1) => stripe(y),
        Some(2) => stripe(x + y),
        Some(_) => stripe(x + 31 - y),
        None => (stripe(x) + stripe(y)) % 2,
    };
    let noise = (number * 7919 + (y * 32 + x) * 104_729) % 61;
    (light * (90 + number % 90) + noise) as u8
}

/// What a network makes of a dataset.
struct Features {
    rows: Vec<f32>,
    reconstruction_errors: Vec<f32>,
    labels: Vec<Option<usize>>,
}

impl Features {
    fn of(
        network: &DhrNet,
        card: &ModelCard,
        data: impl Dataset + 'static,
    ) -> anyhow::Result<Self> {
        let plan = evaluation_plan(network, card, 100, 0);
        let (mut rows, mut reconstruction_errors, mut labels) = (vec![], vec![], vec![]);
        for batch in network.activations(Arc::new(data), &plan, Pooling::Max)? {
            let batch = batch?;
            rows.extend(batch.rows);
            reconstruction_errors.extend(batch.reconstruction_errors);
            labels.extend(batch.labels);
        }
        Ok(Self {
            rows,
            reconstruction_errors,
            labels,
        })
    }

    fn samples(&self) -> EvidenceSamples<'_> {
        EvidenceSamples {
            rows: &self.rows,
            reconstruction_errors: Some(&self.reconstruction_errors),
        }
    }

    fn judged(
        &self,
        model: &OpenMax,
        evidence: &EvidenceModel,
    ) -> anyhow::Result<Vec<ScoredSample>> {
        let judgements = evidence.judge(model, self.samples())?;
        let scored = self
            .labels
            .iter()
            .zip(judgements)
            .map(|(&truth, judgement)| ScoredSample {
                truth,
                closed_set_class: judgement.closed_set_class,
                verdict: match judgement.verdict {
                    Verdict::Known(class) => Some(class),
                    Verdict::Unknown => None,
                },
                probabilities: judgement.probabilities,
            });
        Ok(scored.collect())
    }
}

fn main() -> anyhow::Result<()> {
    let evaluation = experiment()?;
    let checks = &evaluation.outliers[0];
    println!(
        "accuracy {:.3}; checks told apart with AUROC {:.3}, F1 of unknown {:.3}",
        evaluation.known.closed_set_accuracy, checks.auroc, checks.f1_unknown
    );
    Ok(())
}

fn experiment() -> anyhow::Result<Evaluation> {
    let names = ["upright", "level", "rising", "falling"]
        .map(str::to_owned)
        .to_vec();
    let patterns = |class_names: &[String], first, len| Patterns {
        class_names: class_names.to_vec(),
        first,
        len,
    };

    // Train on most of the known pictures.
    let (train, held_out) = split(Arc::new(patterns(&names, 0, 1_200)), 400, 1)?;
    let config = DhrConfig {
        conv_dropout: 0.0,
        fc_dropout: 0.0,
        ..DhrConfig::cifar10(names.len()).with_width(0.125)
    };
    let card = ModelCard {
        class_names: names.clone(),
        normalisation: Normalisation::HALF,
    };
    let params = TrainParams {
        augmentation: None,
        batch_size: 32,
        ..TrainParams::new(EPOCHS)
    };
    let mut trainer = Trainer::new(&config, card.clone(), params, &Device::Cpu)?;
    let train = Arc::new(train);
    for _ in 0..EPOCHS {
        let report = trainer.run_epoch(train.clone(), &mut |_| {})?;
        println!(
            "epoch {}: loss {:.3}, accuracy {:.3}",
            report.epoch, report.train_loss, report.train_accuracy
        );
    }
    let network = trainer.into_network();

    // Class means from what was trained on; the decision from what was held out.
    let features = Features::of(&network, &card, train)?;
    let labels: Vec<usize> = features.labels.iter().copied().flatten().collect();
    let dim = config.activation_len();
    let (model, _) =
        OpenMaxParams::new(20)
            .check()?
            .fit(names.len(), &features.rows, dim, &labels)?;
    let held_out = Features::of(&network, &card, held_out)?;
    let params = EvidenceParams::new().keep_known(0.95).check()?;
    let evidence = EvidenceModel::fit(params, &model, held_out.samples())?;

    // Judge new pictures of the known kinds, and checks.
    let known = Features::of(&network, &card, patterns(&names, 50_000, 400))?;
    let checks = Features::of(&network, &card, patterns(&[], 90_000, 400))?;
    let set = OutlierSet {
        name: "checks",
        samples: &checks.judged(&model, &evidence)?,
    };
    Ok(evaluate(&names, &known.judged(&model, &evidence)?, &[set])?)
}

#[cfg(test)]
mod tests {
    #[test]
    fn what_was_never_seen_is_called_unknown() {
        let evaluation = super::experiment().expect("it runs");
        let checks = &evaluation.outliers[0];
        assert!(evaluation.known.closed_set_accuracy > 0.95);
        assert!(checks.auroc > 0.9 && checks.f1_unknown > 0.7, "{checks:?}");
    }
}
