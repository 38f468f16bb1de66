//! `crosr predict`: pictures in, verdicts out, as they come.

mod inputs;
mod rows;

use std::io::IsTerminal;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use crosr_data::{Batch, PictureBatch, picture_batches};
use crosr_model::{Pooling, evaluation_plan};

use self::rows::{Format, Row, Writer};
use super::eval::{Judged, Rule, judge, rule};
use super::fitted::Fitted;
use super::scoring::BATCH;
use crate::args::{EvalArgs, PredictArgs};
use crate::error::{CliError, Result};
use crate::formats::features::Features;
use crate::output;
use crate::progress::Progress;
use crate::run_folder::RunFolder;

/// Key of the unknown class among the probabilities.
const UNKNOWN: &str = "unknown";

/// A network with how its samples are judged.
struct Predictor {
    fitted: Fitted,
    pooling: Pooling,
    rule: Rule,
}

impl Predictor {
    fn new(args: &PredictArgs) -> Result<Self> {
        let device = args.device.as_deref();
        let fitted = match (&args.run, &args.pretrained) {
            (Some(folder), _) => Fitted::of_run(&RunFolder::open(folder)?, device)?,
            (None, Some(name)) => Fitted::pretrained(name, device)?,
            (None, None) => {
                return Err(CliError::usage(
                    "name a run with --run, or weights with --pretrained",
                ));
            }
        };
        if fitted.card.class_names.iter().any(|name| name == UNKNOWN) {
            return Err(CliError::file(
                &fitted.origin,
                "one of the known classes is called unknown, and cannot be told from the verdict; \
                 train under another name",
            ));
        }
        Ok(Self {
            pooling: fitted.pooling()?,
            // As the fit was calibrated.
            rule: rule(&EvalArgs::default(), &fitted.openset)?.0,
            fitted,
        })
    }

    /// What the model says of the pictures that could be read.
    fn judge(&self, batch: &Batch) -> Result<Judged> {
        let activations = self.fitted.network.activate(batch, self.pooling)?;
        let features = Features {
            rows: activations.rows,
            dim: activations.dim,
            labels: None,
            reconstruction_errors: Some(activations.reconstruction_errors),
            first: 0,
        };
        judge(
            "pictures",
            features,
            batch.labels.iter().copied(),
            &self.fitted.openset,
            &self.rule,
            &self.fitted.origin,
        )
    }

    /// A row a picture, in order.
    fn rows(&self, pictures: PictureBatch) -> Result<Vec<Row>> {
        let PictureBatch { pictures, batch } = pictures;
        let mut rows: Vec<Row> = pictures.into_iter().map(Row::unread).collect();
        if batch.indices.is_empty() {
            return Ok(rows);
        }
        let judged = self.judge(&batch)?;
        let samples = judged.recalibrated.into_iter().zip(judged.strongest);
        for (index, (sample, strongest)) in batch.indices.into_iter().zip(samples) {
            rows[index].outcome = Ok((sample, strongest));
        }
        Ok(rows)
    }
}

pub(super) fn run(args: PredictArgs) -> Result<()> {
    let predictor = Predictor::new(&args)?;
    let Fitted { network, card, .. } = &predictor.fitted;
    let format = match (args.csv, args.jsonl) {
        (true, _) => Format::Csv,
        (_, true) => Format::JsonLines,
        _ => Format::Table,
    };
    let mut writer = Writer::new(format, &card.class_names);
    // Two things that move do not share a terminal.
    let mut progress = (!std::io::stdout().is_terminal()).then(|| Progress::endless("predict"));
    let skipped = Arc::new(AtomicUsize::new(0));
    let list = inputs::list(args.paths, skipped.clone());
    let (mut total, mut failed) = (0, 0);
    for pictures in picture_batches(list, &evaluation_plan(network, card, BATCH, 0))? {
        let rows = predictor.rows(pictures?)?;
        total += rows.len();
        failed += rows.iter().filter(|row| row.outcome.is_err()).count();
        writer.write(&rows)?;
        if let Some(progress) = &mut progress {
            progress.advance(rows.len(), String::new);
        }
    }
    drop(progress);
    match skipped.load(Ordering::Relaxed) {
        0 => {}
        skipped => {
            output::aside(&format!(
                "{skipped} files skipped that are not named as pictures"
            ));
        }
    }
    if failed > 0 {
        return Err(CliError::Pictures { failed, total });
    }
    Ok(())
}
