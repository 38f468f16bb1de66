//! The ranked settings, aligned for a terminal.

use std::fmt::Write as _;

use super::settings::Line;
use super::{Report, Skipped};
use crate::args::{Metric, SweepArgs};

/// Figures of every table, as means over the outlier sets.
const FIGURES: [Metric; 7] = [
    Metric::Auroc,
    Metric::AuprUnknown,
    Metric::FprAt95Tpr,
    Metric::Oscr,
    Metric::Accuracy,
    Metric::MacroF1,
    Metric::F1Unknown,
];

fn epsilon(line: &Line) -> String {
    if line.calibrated {
        format!("{:.4} calibrated", line.epsilon)
    } else {
        line.epsilon.to_string()
    }
}

/// Columns as wide as their widest cell; names to the left, numbers to the right.
fn aligned(rows: &[Vec<String>], named: &[bool]) -> String {
    let width = |column: usize| {
        let cells = rows.iter().filter_map(|row| row.get(column));
        cells.map(|cell| cell.chars().count()).max().unwrap_or(0)
    };
    let widths: Vec<usize> = (0..named.len()).map(width).collect();
    let mut text = String::new();
    for row in rows {
        let cells = row.iter().zip(&widths).zip(named);
        let cells: Vec<String> = cells
            .map(|((cell, &width), &named)| {
                if named {
                    format!("{cell:width$}")
                } else {
                    format!("{cell:>width$}")
                }
            })
            .collect();
        writeln!(text, "{}", cells.join("  ").trim_end()).ok();
    }
    text
}

/// What was left out, distances with the same reason together.
fn left_out(skipped: &[Skipped]) -> Vec<(&Skipped, Vec<&str>)> {
    let what = |s: &Skipped| (s.pooling.clone(), s.tail, s.reason.clone());
    let mut groups: Vec<(&Skipped, Vec<&str>)> = Vec::new();
    for one in skipped {
        match groups
            .iter_mut()
            .find(|(first, _)| what(first) == what(one))
        {
            Some((_, distances)) => distances.push(&one.distance),
            None => groups.push((one, vec![&one.distance])),
        }
    }
    groups
}

/// The best settings and a line for each tail that was left out. The last line says what the
/// ranking is worth.
pub(super) fn text(report: &Report, args: &SweepArgs) -> String {
    let metric = args.rank_by;
    let lines = &report.settings;
    let shown = &lines[..args.top.min(lines.len())];
    let sets: Vec<&str> = lines
        .first()
        .map(|line| line.outliers.iter().map(|set| set.name.as_str()).collect())
        .unwrap_or_default();
    let several = sets.len() > 1;
    let pooled = lines.iter().any(|line| line.pooling.is_some());
    let mut head: Vec<(String, bool)> = vec![("rank".to_owned(), false)];
    if pooled {
        head.push(("pooling".to_owned(), true));
    }
    for (title, named) in [
        ("tail", false),
        ("distance", true),
        ("softmax", true),
        ("alpha", false),
        ("epsilon", true),
    ] {
        head.push((title.to_owned(), named));
    }
    head.extend(FIGURES.map(|figure| (figure.title().to_owned(), false)));
    if several || !FIGURES.contains(&metric) {
        let of_set = |name: &&str| (format!("{} {name}", metric.title()), false);
        head.extend(sets.iter().map(of_set));
    }
    let (titles, named): (Vec<String>, Vec<bool>) = head.into_iter().unzip();
    let mut rows = vec![titles];
    for (rank, line) in (1usize..).zip(shown) {
        let mut row = vec![rank.to_string()];
        if pooled {
            row.push(line.pooling.clone().unwrap_or_default());
        }
        row.extend([
            line.tail.to_string(),
            line.distance.clone(),
            line.softmax.clone(),
            line.alpha.to_string(),
            epsilon(line),
        ]);
        row.extend(FIGURES.map(|figure| format!("{:.4}", line.mean(figure))));
        if several || !FIGURES.contains(&metric) {
            let of_set = |set| format!("{:.4}", metric.of(set));
            row.extend(line.outliers.iter().map(of_set));
        }
        rows.push(row);
    }
    let ranking = report.ranked_on.join(", ");
    let mut text = format!(
        "{} of {} settings, by {}{} on {} known samples against {ranking}{}\n\n",
        shown.len(),
        lines.len(),
        if report.ranked_on.len() > 1 {
            "mean "
        } else {
            ""
        },
        metric.title(),
        report.known_samples,
        if several {
            "; figures are means over all outlier sets"
        } else {
            ""
        },
    );
    text += &aligned(&rows, &named);
    text.push('\n');
    for (skipped, distances) in left_out(&report.skipped) {
        writeln!(
            text,
            "left out: {}tail {} with {}: {}",
            skipped
                .pooling
                .as_ref()
                .map_or(String::new(), |name| format!("{name}, ")),
            skipped.tail,
            distances.join(", "),
            skipped.reason
        )
        .ok();
    }
    writeln!(
        text,
        "these are test figures: a setting chosen here is chosen on the outliers {ranking}"
    )
    .ok();
    text
}
