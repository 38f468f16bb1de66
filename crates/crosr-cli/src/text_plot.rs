//! Charts on a terminal.

use crosr_eval::{Chart, Mark, Series};
use textplots::{Chart as TextChart, Plot, Shape};

/// Dots across and down; a character holds 2 by 4.
const SIZE: (u32, u32) = (140, 60);

/// The chart in Braille dots, with its title above and its labels below.
pub(crate) fn draw(chart: &Chart) -> String {
    let all: Vec<Vec<(f32, f32)>> = chart.series.iter().map(finite).collect();
    let (Some(x), Some(y)) = (
        range(all.iter().flatten().map(|(x, _)| *x)),
        range(all.iter().flatten().map(|(_, y)| *y)),
    ) else {
        return format!("{}: too few points to draw\n", chart.title);
    };
    let shapes: Vec<Shape<'_>> = all
        .iter()
        .zip(&chart.series)
        .map(|(points, series)| match series.mark {
            Mark::Line => Shape::Lines(points),
            Mark::Points => Shape::Points(points),
            Mark::Bars => Shape::Bars(points),
        })
        .collect();
    let mut drawing = TextChart::new(SIZE.0, SIZE.1, x.0, x.1);
    let mut drawn = &mut drawing;
    for shape in &shapes {
        drawn = drawn.lineplot(shape);
    }
    drawn.borders();
    drawn.axis();
    drawn.figures();
    format!(
        "{}\n{drawn}across: {} from {:?} to {:?}; up: {} from {:?} to {:?}\n",
        chart.title, chart.x_label, x.0, x.1, chart.y_label, y.0, y.1
    )
}

/// Least and greatest, if they differ.
fn range(values: impl Iterator<Item = f32>) -> Option<(f32, f32)> {
    let (least, most) = values.fold((f32::INFINITY, f32::NEG_INFINITY), |(a, b), v| {
        (a.min(v), b.max(v))
    });
    (least < most).then_some((least, most))
}

fn finite(series: &Series) -> Vec<(f32, f32)> {
    let points = series.points.iter().map(|&(x, y)| (x as f32, y as f32));
    points
        .filter(|(x, y)| x.is_finite() && y.is_finite())
        .collect()
}
