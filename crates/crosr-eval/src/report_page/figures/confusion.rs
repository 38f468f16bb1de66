//! The confusion matrix, the unknown class last.

use super::set_id;
use crate::report_page::data::RunReport;
use crate::report_page::drawing::{Drawing, put, titled};
use crate::report_page::svg::{at, count, escape, percent, short, text_width};

/// Classes whose cells can be told apart, numbered and pointed at.
const CELLS: usize = 31;
/// Shades of a larger matrix.
const SHADES: usize = 6;

/// A matrix for each outlier set.
pub(in crate::report_page) fn confusion(report: &RunReport) -> Vec<Drawing> {
    let names: Vec<&str> = report
        .class_names
        .iter()
        .map(String::as_str)
        .chain(["unknown"])
        .collect();
    report
        .evaluation
        .outliers
        .iter()
        .enumerate()
        .map(|(i, set)| {
            let title = format!("Known and {}: truth against verdict", set.name);
            matrix(
                &format!("confusion-{}", set_id(i)),
                &title,
                &names,
                &set.confusion_matrix,
            )
        })
        .collect()
}

fn matrix(id: &str, title: &str, names: &[&str], rows: &[Vec<u64>]) -> Drawing {
    let n = names.len();
    // Names stand aslant above their columns.
    let shown = names.iter().map(|name| text_width(&short(name, 14), 11.0));
    let above = if n <= CELLS {
        0.7 * shown.fold(0.0, f64::max)
    } else {
        0.0
    };
    let (left, top) = (96.0, 40.0 + above);
    let cell = (464.0 / n as f64).min(40.0);
    let side = cell * n as f64;
    let mut body = String::new();
    put(
        &mut body,
        format_args!(
            "<text class=\"h\" x=\"4\" y=\"15\">{}</text>",
            escape(&short(title, 64))
        ),
    );
    if n <= CELLS {
        for (k, name) in names.iter().enumerate() {
            let middle = (k as f64 + 0.5) * cell;
            let shown = escape(&short(name, 14));
            put(
                &mut body,
                format_args!(
                    "<text class=\"t e\" x=\"{}\" y=\"{}\">{shown}</text>\
                     <text class=\"t\" transform=\"translate({} {})rotate(-45)\">{shown}</text>",
                    at(left - 5.0),
                    at(top + middle + 4.0),
                    at(left + middle + 2.0),
                    at(top - 6.0)
                ),
            );
        }
        cells(&mut body, names, rows, (left, top), cell);
    } else {
        shades(&mut body, rows, (left, top), cell);
    }
    put(
        &mut body,
        format_args!(
            "<rect class=\"a\" x=\"{}\" y=\"{}\" width=\"{}\" height=\"{}\"/>\
             <path class=\"r\" d=\"M{} {}H{}M{} {}V{}\"/>\
             <text class=\"t m\" x=\"{}\" y=\"{}\">called</text>\
             <text class=\"t m\" transform=\"translate(12 {})rotate(-90)\">is</text>",
            at(left),
            at(top),
            at(side),
            at(side),
            at(left),
            at(top + side - cell),
            at(left + side),
            at(left + side - cell),
            at(top),
            at(top + side),
            at(left + side / 2.0),
            at(top + side + 16.0),
            at(top + side / 2.0)
        ),
    );
    Drawing {
        id: id.to_owned(),
        title: title.to_owned(),
        width: left + side + 40.0,
        height: top + side + 24.0,
        body,
    }
}

/// The colour's class and the strength of a cell: right is blue, wrong orange.
fn shade(right: bool, share: f64) -> (&'static str, f64) {
    (if right { "c0" } else { "c1" }, share.sqrt())
}

fn cells(body: &mut String, names: &[&str], rows: &[Vec<u64>], (left, top): (f64, f64), cell: f64) {
    for (truth, row) in rows.iter().enumerate() {
        let total: u64 = row.iter().sum();
        for (called, &hits) in row.iter().enumerate().filter(|(_, hits)| **hits > 0) {
            let share = hits as f64 / total as f64;
            let (class, strength) = shade(truth == called, share);
            let (x, y) = (left + called as f64 * cell, top + truth as f64 * cell);
            put(
                body,
                format_args!(
                    "<g class=\"{class}\"><rect class=\"s\" x=\"{}\" y=\"{}\" width=\"{}\" \
                     height=\"{}\" fill-opacity=\"{:.2}\">{}</rect></g>",
                    at(x),
                    at(y),
                    at(cell),
                    at(cell),
                    strength,
                    titled(&format!(
                        "{} called {}: {} of {} ({})",
                        names[truth],
                        names[called],
                        count(hits as usize),
                        count(total as usize),
                        percent(share)
                    ))
                ),
            );
            let digits = hits.to_string();
            if cell >= 20.0 && 6.4 * digits.len() as f64 <= cell {
                put(
                    body,
                    format_args!(
                        "<text class=\"t m{}\" x=\"{}\" y=\"{}\">{digits}</text>",
                        if strength > 0.72 { " w" } else { "" },
                        at(x + cell / 2.0),
                        at(y + cell / 2.0 + 4.0)
                    ),
                );
            }
        }
    }
}

/// All cells of one shade as one path.
fn shades(body: &mut String, rows: &[Vec<u64>], (left, top): (f64, f64), cell: f64) {
    let mut paths = vec![String::new(); 2 * SHADES];
    for (truth, row) in rows.iter().enumerate() {
        let total: u64 = row.iter().sum();
        for (called, &hits) in row.iter().enumerate().filter(|(_, hits)| **hits > 0) {
            let right = truth == called;
            let (_, strength) = shade(right, hits as f64 / total as f64);
            let level = ((strength * SHADES as f64).ceil() as usize).clamp(1, SHADES) - 1;
            put(
                &mut paths[2 * level + usize::from(right)],
                format_args!(
                    "M{} {}h{c}v{c}h-{c}z",
                    at(left + called as f64 * cell),
                    at(top + truth as f64 * cell),
                    c = at(cell)
                ),
            );
        }
    }
    for (i, path) in paths
        .iter()
        .enumerate()
        .filter(|(_, path)| !path.is_empty())
    {
        let (class, _) = shade(i % 2 == 1, 0.0);
        let strength = (i / 2 + 1) as f64 / SHADES as f64;
        put(
            body,
            format_args!(
                "<g class=\"{class}\"><path class=\"s\" fill-opacity=\"{strength:.2}\" \
                 d=\"{path}\"/></g>"
            ),
        );
    }
}
