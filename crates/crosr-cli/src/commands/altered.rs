//! Known pictures, changed a little: how many more of them are taken for unknown.

use std::fmt::Write as _;
use std::sync::Arc;

use crosr_data::{Alteration, Altered, Dataset};
use crosr_eval::ScoredSample;
use serde::Serialize;

use crate::error::{CliError, Result};

/// What an alteration of the known test pictures does to the verdicts.
#[derive(Clone, Debug, Serialize)]
pub(super) struct AlteredLine {
    alteration: String,
    samples: usize,
    /// Part of the altered pictures that is taken for unknown.
    rejected: f64,
    /// The same of the pictures as they are.
    rejected_unaltered: f64,
    closed_set_accuracy: f64,
}

/// Judges `known` once for every alteration; `scored` gives the scored samples of a dataset.
pub(super) fn lines(
    alterations: &[String],
    known: &Arc<dyn Dataset>,
    unaltered: &[ScoredSample],
    mut scored: impl FnMut(&str, Arc<dyn Dataset>) -> Result<Vec<ScoredSample>>,
) -> Result<Vec<AlteredLine>> {
    alterations
        .iter()
        .map(|text| {
            let alteration: Alteration = text
                .parse()
                .map_err(|e| CliError::usage(format!("--altered: {e}")))?;
            let data = Arc::new(Altered::new(known.clone(), alteration)?);
            let samples = scored(&format!("known, {alteration}"), data)?;
            let right = |s: &&ScoredSample| s.truth == Some(s.closed_set_class);
            Ok(AlteredLine {
                alteration: alteration.to_string(),
                samples: samples.len(),
                rejected: rejected(&samples),
                rejected_unaltered: rejected(unaltered),
                closed_set_accuracy: part(samples.iter().filter(right).count(), samples.len()),
            })
        })
        .collect()
}

fn part(count: usize, of: usize) -> f64 {
    count as f64 / of.max(1) as f64
}

fn rejected(samples: &[ScoredSample]) -> f64 {
    let unknown = samples.iter().filter(|s| s.verdict.is_none());
    part(unknown.count(), samples.len())
}

/// For a terminal.
pub(super) fn table(lines: &[AlteredLine]) -> String {
    let mut text =
        String::from("\nknown pictures, altered   taken for unknown   unaltered   accuracy\n");
    for line in lines {
        writeln!(
            text,
            "{:24}  {:>17.4}  {:>10.4}  {:>9.4}",
            line.alteration, line.rejected, line.rejected_unaltered, line.closed_set_accuracy
        )
        .ok();
    }
    text
}

#[cfg(test)]
mod tests {
    use crosr_data::Shapes;

    use super::*;

    #[test]
    fn counts_what_is_rejected_of_each_alteration() {
        let known: Arc<dyn Dataset> = Arc::new(Shapes::known(4, 1));
        let sample = |verdict: Option<usize>| ScoredSample {
            truth: Some(0),
            closed_set_class: 0,
            verdict,
            probabilities: vec![0.5, 0.5],
        };
        let unaltered = [Some(0), Some(0), None, Some(0)].map(sample);
        let mut asked = Vec::new();
        let found = lines(
            &["blur=0.5".to_owned(), "rotate=5".to_owned()],
            &known,
            &unaltered,
            |name, data| {
                assert_ne!(data.sample(0)?.image, known.sample(0)?.image);
                asked.push(name.to_owned());
                Ok([None, Some(0), None, Some(0)].map(sample).to_vec())
            },
        )
        .expect("valid");
        assert_eq!(asked, ["known, blur=0.5", "known, rotate=5"]);
        assert_eq!(
            (found[1].rejected, found[1].rejected_unaltered),
            (0.5, 0.25)
        );
        assert_eq!(found[0].closed_set_accuracy, 1.0);
        assert!(table(&found).contains("rotate=5"));
        let wrong = lines(&["warp=1".to_owned()], &known, &unaltered, |_, _| {
            Ok(vec![])
        });
        assert!(wrong.is_err_and(|e| e.to_string().contains("--altered")));
    }
}
