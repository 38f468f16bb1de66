//! `scores.csv`: a line a sample.

use std::fmt::Write as _;

use super::Judged;

/// One line a sample.
pub(super) fn scores_csv(class_names: &[String], sets: &[Judged]) -> String {
    let quoted = |text: &str| {
        if text.contains([',', '"', '\n']) {
            format!("\"{}\"", text.replace('"', "\"\""))
        } else {
            text.to_owned()
        }
    };
    let name = |class: Option<usize>| match class.and_then(|class| class_names.get(class)) {
        Some(name) => quoted(name),
        None => "unknown".to_owned(),
    };
    let mut text = String::from(
        "set,index,truth,prediction,closed_set_class,unknown_probability,\
         largest_known_probability,w_score,strongest_evidence,its_tail_probability\n",
    );
    for set in sets {
        let samples = set.recalibrated.iter().zip(&set.scored).zip(&set.strongest);
        for (index, ((r, s), strongest)) in samples.enumerate() {
            let known = &r.probabilities[..r.probabilities.len().saturating_sub(1)];
            let largest = known.iter().copied().fold(0.0, f64::max);
            let w_score = r
                .w_scores
                .get(r.closed_set_class)
                .copied()
                .unwrap_or_default();
            writeln!(
                text,
                "{},{index},{},{},{},{},{largest},{w_score},{},{}",
                quoted(&set.name),
                name(s.truth),
                name(s.verdict),
                name(Some(s.closed_set_class)),
                r.unknown_probability(),
                strongest.map_or("", |reading| reading.evidence.name()),
                strongest.map_or(String::new(), |r| r.tail_probability.to_string()),
            )
            .ok();
        }
    }
    text
}
