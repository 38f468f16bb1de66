//! Which evidence was the strongest.

use crate::report_page::data::{ImageScores, RunReport};
use crate::report_page::drawing::{Drawing, colour_class, put, titled};
use crate::report_page::svg::{at, count, escape, percent, short, text_width};

/// Colours of the kinds of evidence: the ones that sets come to last.
const KINDS: [usize; 4] = [6, 4, 7, 3];

/// How often each kind of evidence was the strongest, among all images and among the rejected.
pub(in crate::report_page) fn strongest(
    scores: &ImageScores,
    kinds: usize,
) -> (Vec<usize>, Vec<usize>) {
    let (mut all, mut rejected) = (vec![0; kinds], vec![0; kinds]);
    for (kind, verdict) in scores.strongest.iter().zip(&scores.verdict) {
        if let Some(kind) = *kind {
            all[kind] += 1;
            rejected[kind] += usize::from(verdict.is_none());
        }
    }
    (all, rejected)
}

/// A bar per set: the images called unknown, by the evidence that weighed most.
pub(in crate::report_page) fn evidence(report: &RunReport) -> Option<Drawing> {
    if report.evidence.is_empty() {
        return None;
    }
    let (width, left, bar) = (560.0, 150.0, 20.0);
    let title = "Strongest evidence among images called unknown";
    let mut body = String::new();
    put(
        &mut body,
        format_args!("<text class=\"h\" x=\"4\" y=\"15\">{title}</text>"),
    );
    let mut x = 4.0;
    for (kind, name) in report.evidence.iter().enumerate() {
        put(
            &mut body,
            format_args!(
                "<g class=\"{}\"><rect class=\"k\" x=\"{}\" y=\"24\" width=\"12\" \
                 height=\"9\"/></g><text class=\"t\" x=\"{}\" y=\"33\">{}</text>",
                colour_class(KINDS[kind % KINDS.len()]),
                at(x),
                at(x + 16.0),
                escape(name)
            ),
        );
        x += 30.0 + text_width(name, 11.0);
    }
    let names = report.evaluation.outliers.iter().map(|s| s.name.as_str());
    let sets = std::iter::once(("known", &report.known)).chain(names.zip(&report.outliers));
    let mut y = 44.0;
    for (name, scores) in sets {
        let (_, rejected) = strongest(scores, report.evidence.len());
        let total: usize = rejected.iter().sum();
        put(
            &mut body,
            format_args!(
                "<text class=\"t e\" x=\"{}\" y=\"{}\">{}</text>",
                at(left - 6.0),
                at(y + 14.0),
                escape(&short(name, 22))
            ),
        );
        let mut from = left;
        for (kind, &n) in rejected.iter().enumerate().filter(|(_, n)| **n > 0) {
            let share = n as f64 / total as f64;
            let wide = share * (width - left - 8.0);
            put(
                &mut body,
                format_args!(
                    "<g class=\"{}\"><rect class=\"s\" x=\"{}\" y=\"{}\" width=\"{}\" \
                     height=\"{bar}\">{}</rect></g>",
                    colour_class(KINDS[kind % KINDS.len()]),
                    at(from),
                    at(y),
                    at(wide),
                    titled(&format!(
                        "{name}: {} strongest in {} of {} rejected images ({})",
                        report.evidence[kind],
                        count(n),
                        count(total),
                        percent(share)
                    ))
                ),
            );
            if wide > 44.0 {
                put(
                    &mut body,
                    format_args!(
                        "<text class=\"t m w\" x=\"{}\" y=\"{}\">{}</text>",
                        at(from + wide / 2.0),
                        at(y + 14.0),
                        percent(share)
                    ),
                );
            }
            from += wide;
        }
        if total == 0 {
            put(
                &mut body,
                format_args!(
                    "<text class=\"t\" x=\"{}\" y=\"{}\">none was called unknown</text>",
                    at(left),
                    at(y + 14.0)
                ),
            );
        }
        y += bar + 8.0;
    }
    Some(Drawing {
        id: "evidence".to_owned(),
        title: title.to_owned(),
        width,
        height: y + 2.0,
        body,
    })
}
