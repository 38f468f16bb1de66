//! The settings as heat maps.

use crosr_eval::HeatMap;

use super::settings::Line;
use crate::args::{Axis, SweepArgs};
use crate::error::Result;

/// What a setting is called on an axis.
fn label(line: &Line, axis: Axis) -> String {
    match axis {
        Axis::Pooling => line
            .pooling
            .clone()
            .unwrap_or_else(|| "features".to_owned()),
        Axis::Distance => line.distance.clone(),
        Axis::Softmax => line.softmax.clone(),
        Axis::Alpha => format!("alpha {}", line.alpha),
        Axis::Epsilon if line.calibrated => "calibrated".to_owned(),
        Axis::Epsilon => format!("epsilon {}", line.epsilon),
    }
}

/// A table for each outlier set: tail sizes by the axes asked for, each cell the best setting of
/// those that fall into it.
pub(super) fn map(lines: &[Line], args: &SweepArgs) -> Result<String> {
    let metric = args.rank_by;
    let axes = &args.svg_rows;
    let row_of = |line: &Line| {
        let labels: Vec<String> = axes.iter().map(|&axis| label(line, axis)).collect();
        labels.join(", ")
    };
    let mut rows: Vec<String> = Vec::new();
    let mut tails: Vec<usize> = lines.iter().map(|line| line.tail).collect();
    tails.sort_unstable();
    tails.dedup();
    let cells: Vec<(usize, &Line)> = lines
        .iter()
        .map(|line| {
            let name = row_of(line);
            let row = rows.iter().position(|row| *row == name).unwrap_or_else(|| {
                rows.push(name);
                rows.len() - 1
            });
            let column = tails.partition_point(|&tail| tail < line.tail);
            (row * tails.len() + column, line)
        })
        .collect();
    let sets = lines.first().map_or(0, |line| line.outliers.len());
    let maps: Vec<HeatMap> = (0..sets)
        .map(|set| {
            let mut values: Vec<Option<f64>> = vec![None; rows.len() * tails.len()];
            for &(cell, line) in &cells {
                let value = metric.of(&line.outliers[set]);
                if values[cell].is_none_or(|best| metric.better(value, best)) {
                    values[cell] = Some(value);
                }
            }
            HeatMap {
                title: format!("{}, {}", metric.title(), lines[0].outliers[set].name),
                x_label: "tail size".to_owned(),
                columns: tails.iter().map(usize::to_string).collect(),
                rows: rows.clone(),
                values,
                lower_is_better: metric.lower_is_better(),
            }
        })
        .collect();
    Ok(HeatMap::stack(&maps)?)
}
