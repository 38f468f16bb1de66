//! The page's prose: the headline, what a reader should know, what the terms mean.

use super::data::RunReport;
use super::svg::{count, percent};

/// The result in a sentence or two.
pub(super) fn headline(report: &RunReport) -> String {
    let known = &report.known;
    let mut text = format!(
        "Of {} known test images, {} are called their class and {} are called unknown.",
        count(known.len()),
        percent(known.right()),
        percent(known.rejected())
    );
    let sets: Vec<(&str, f64, f64, usize)> = report
        .outliers
        .iter()
        .zip(&report.evaluation.outliers)
        .map(|(set, measured)| {
            (
                measured.name.as_str(),
                set.rejected(),
                measured.auroc,
                set.len(),
            )
        })
        .collect();
    let Some((name, found, area, n)) = sets.first() else {
        text.push_str(" No outliers were given.");
        return text;
    };
    text.push_str(&format!(
        " Of {} images of no known class ({name}), {} are found to be unknown (AUROC {area:.3})",
        count(*n),
        percent(*found)
    ));
    let by_share = |a: &&(&str, f64, f64, usize), b: &&(&str, f64, f64, usize)| a.1.total_cmp(&b.1);
    let rest = &sets[1..];
    if let (Some(least), Some(most)) = (rest.iter().min_by(by_share), rest.iter().max_by(by_share))
    {
        text.push_str(&if rest.len() == 1 {
            format!(", and of {}, {}", least.0, percent(least.1))
        } else {
            format!(
                "; over the other {} sets, from {} ({}) to {} ({})",
                rest.len(),
                percent(least.1),
                least.0,
                percent(most.1),
                most.0
            )
        });
    }
    text.push('.');
    text
}

/// Terms of the page and what they mean.
pub(super) const TERMS: &[(&str, &str)] = &[
    (
        "known and unknown",
        "A known image is of one of the classes that the network was trained on. An outlier is of \
         none of them; calling it unknown is right, calling it a class is wrong.",
    ),
    (
        "closed-set accuracy",
        "Part of the known images whose largest logit is that of their class: how good the \
         classifier is when nothing may be called unknown.",
    ),
    (
        "unknown probability",
        "What an image is judged by, from 0 to 1; above the point of decision it is called unknown.",
    ),
    (
        "AUROC",
        "Probability that an outlier has a larger unknown probability than a known image. 0.5 is \
         chance, 1 is perfect; it does not depend on where the decision is made.",
    ),
    (
        "AUPR",
        "Average precision: area under the curve of precision over recall, with the outliers \
         (unknown) or the known images (known) as what is looked for.",
    ),
    (
        "FPR at 95 % TPR",
        "Part of the known images rejected where 95 % of the outliers are found. Smaller is better.",
    ),
    (
        "OSCR",
        "Area under the part of known images called their class, over the part of outliers called \
         any: classification and rejection in one figure.",
    ),
    (
        "macro-F1",
        "F1, the harmonic mean of precision and recall, averaged over the known classes and \
         “unknown”, each counting the same.",
    ),
    (
        "w-score",
        "Probability, under the Weibull fitted to the largest distances from the mean of a class, \
         of a distance no larger than the image's: near 1 for an image unlike the class.",
    ),
    (
        "activation vector",
        "The numbers that stand for an image: the logits, one for each class, then the pooled \
         latents of the reconstruction network.",
    ),
    (
        "logit",
        "The network's raw output for a class. The larger the largest, the surer the network.",
    ),
];
