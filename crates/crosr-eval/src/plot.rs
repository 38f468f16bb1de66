//! Charts as SVG.

use plotters::coord::Shift;
use plotters::prelude::*;

use crate::error::EvalError;

/// How a series is drawn.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mark {
    /// A line from point to point.
    Line,
    /// A dot at each point.
    Points,
    /// A bar from zero to each point, as wide as the points lie apart.
    Bars,
}

/// Points that belong together.
#[derive(Clone, Debug, PartialEq)]
pub struct Series {
    /// What the legend says; empty for no entry.
    pub name: String,
    /// How it is drawn.
    pub mark: Mark,
    /// (x, y); points that are not finite are left out.
    pub points: Vec<(f64, f64)>,
}

/// A chart with two linear axes that cover its points.
///
/// ```
/// use crosr_eval::{Chart, Mark, Series};
///
/// let chart = Chart {
///     title: "squares".to_owned(),
///     x_label: "x".to_owned(),
///     y_label: "x²".to_owned(),
///     series: vec![Series {
///         name: "exact".to_owned(),
///         mark: Mark::Line,
///         points: (0..10).map(|x| (f64::from(x), f64::from(x * x))).collect(),
///     }],
/// };
/// let svg = Chart::row(&[chart], (480, 360))?;
/// assert!(svg.starts_with("<svg") && svg.contains("squares"));
/// # Ok::<(), crosr_eval::EvalError>(())
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct Chart {
    /// Above the chart.
    pub title: String,
    /// Below the horizontal axis, with the unit.
    pub x_label: String,
    /// Beside the vertical axis, with the unit.
    pub y_label: String,
    /// Drawn in order, the last on top.
    pub series: Vec<Series>,
}

/// Colours that the colour-blind can tell apart (Okabe and Ito, "Color Universal Design", 2008).
const COLOURS: [RGBColor; 6] = [
    RGBColor(0, 114, 178),
    RGBColor(213, 94, 0),
    RGBColor(0, 158, 115),
    RGBColor(204, 121, 167),
    RGBColor(230, 159, 0),
    RGBColor(86, 180, 233),
];

impl Chart {
    /// Charts beside each other in one SVG, each of `size` (width, height) pixels.
    ///
    /// # Errors
    /// [`EvalError::Plot`] for a chart without a finite point.
    pub fn row(charts: &[Self], size: (u32, u32)) -> Result<String, EvalError> {
        let mut svg = String::new();
        {
            let width = size.0 * u32::try_from(charts.len()).unwrap_or(u32::MAX);
            let root = SVGBackend::with_string(&mut svg, (width, size.1)).into_drawing_area();
            root.fill(&WHITE).map_err(|e| failed("the canvas", &e))?;
            for (chart, area) in charts.iter().zip(root.split_evenly((1, charts.len()))) {
                chart.draw(&area)?;
            }
            root.present().map_err(|e| failed("the canvas", &e))?;
        }
        Ok(svg)
    }

    fn draw(&self, area: &DrawingArea<SVGBackend<'_>, Shift>) -> Result<(), EvalError> {
        let failed = |e: &dyn std::error::Error| failed(&self.title, e);
        let points = || {
            let all = self.series.iter().flat_map(|series| &series.points);
            all.copied().filter(|(x, y)| x.is_finite() && y.is_finite())
        };
        let bars = self.series.iter().any(|series| series.mark == Mark::Bars);
        let x = range(points().map(|(x, _)| x), false);
        let y = range(points().map(|(_, y)| y), bars);
        let (Some(x), Some(y)) = (x, y) else {
            return Err(EvalError::Plot {
                chart: self.title.clone(),
                what: "no point that is finite".to_owned(),
            });
        };
        let mut chart = ChartBuilder::on(area)
            .caption(&self.title, ("sans-serif", 18))
            .margin(12)
            .x_label_area_size(40)
            .y_label_area_size(64)
            .build_cartesian_2d(x.0..x.1, y.0..y.1)
            .map_err(|e| failed(&e))?;
        chart
            .configure_mesh()
            .light_line_style(TRANSPARENT)
            .bold_line_style(BLACK.mix(0.12))
            .x_desc(&self.x_label)
            .y_desc(&self.y_label)
            .x_labels(6)
            .y_labels(6)
            .x_label_formatter(&|v| number(*v))
            .y_label_formatter(&|v| number(*v))
            .draw()
            .map_err(|e| failed(&e))?;
        let mut named = false;
        for (series, colour) in self.series.iter().zip(COLOURS.iter().cycle()) {
            let points: Vec<(f64, f64)> = series
                .points
                .iter()
                .copied()
                .filter(|(x, y)| x.is_finite() && y.is_finite())
                .collect();
            let drawn = match series.mark {
                Mark::Line => chart.draw_series(LineSeries::new(points, colour.stroke_width(2))),
                Mark::Points => chart.draw_series(
                    points
                        .into_iter()
                        .map(|at| Circle::new(at, 3, colour.mix(0.7).filled())),
                ),
                Mark::Bars => {
                    let half = 0.5 * spacing(&points);
                    let bar = |(x, y): (f64, f64)| {
                        Rectangle::new([(x - half, 0.0), (x + half, y)], colour.mix(0.35).filled())
                    };
                    chart.draw_series(points.into_iter().map(bar))
                }
            };
            let drawn = drawn.map_err(|e| failed(&e))?;
            if !series.name.is_empty() {
                named = true;
                drawn.label(&series.name).legend(move |(x, y)| {
                    Rectangle::new([(x, y - 3), (x + 14, y + 3)], colour.filled())
                });
            }
        }
        if named {
            let all: Vec<(f64, f64)> = points().collect();
            chart
                .configure_series_labels()
                .position(emptiest_corner(&all, x, y))
                .background_style(WHITE.mix(0.8))
                .border_style(BLACK.mix(0.2))
                .draw()
                .map_err(|e| failed(&e))?;
        }
        Ok(())
    }
}

fn failed(chart: &str, error: &dyn std::error::Error) -> EvalError {
    EvalError::Plot {
        chart: chart.to_owned(),
        what: error.to_string(),
    }
}

/// Least and greatest value with a little room, and zero if bars stand on it.
fn range(values: impl Iterator<Item = f64>, from_zero: bool) -> Option<(f64, f64)> {
    let (least, most) = values.fold((f64::INFINITY, f64::NEG_INFINITY), |(a, b), v| {
        (a.min(v), b.max(v))
    });
    if least > most {
        return None;
    }
    let least = if from_zero { least.min(0.0) } else { least };
    let width = most - least;
    // One value alone still needs an axis.
    let room = if width > 0.0 && width.is_finite() {
        0.04 * width
    } else {
        0.5 * most.abs().clamp(1e-300, 1e300)
    };
    let below = if from_zero && least == 0.0 { 0.0 } else { room };
    Some((least - below, most + room))
}

/// Where a legend hides the fewest points.
fn emptiest_corner(points: &[(f64, f64)], x: (f64, f64), y: (f64, f64)) -> SeriesLabelPosition {
    let part = |v: f64, (least, most): (f64, f64)| (v - least) / (most - least);
    let hidden = |right: bool, upper: bool| {
        let near = |v: f64, far: bool| if far { v > 0.65 } else { v < 0.35 };
        let hides = |&&(px, py): &&(f64, f64)| near(part(px, x), right) && near(part(py, y), upper);
        points.iter().filter(hides).count()
    };
    // The first of equals.
    [
        (hidden(true, true), SeriesLabelPosition::UpperRight),
        (hidden(false, true), SeriesLabelPosition::UpperLeft),
        (hidden(true, false), SeriesLabelPosition::LowerRight),
        (hidden(false, false), SeriesLabelPosition::LowerLeft),
    ]
    .into_iter()
    .min_by_key(|(hidden, _)| *hidden)
    .map_or(SeriesLabelPosition::UpperRight, |(_, corner)| corner)
}

/// The least distance between neighbours in x.
fn spacing(points: &[(f64, f64)]) -> f64 {
    let mut x: Vec<f64> = points.iter().map(|(x, _)| *x).collect();
    x.sort_by(f64::total_cmp);
    let apart = x.windows(2).map(|pair| pair[1] - pair[0]);
    let least = apart.filter(|d| *d > 0.0).fold(f64::INFINITY, f64::min);
    if least.is_finite() { least } else { 1.0 }
}

/// A number as an axis shows it: four digits, a power of ten where they do not do.
fn number(value: f64) -> String {
    let size = value.abs();
    if size != 0.0 && !(1e-3..1e5).contains(&size) {
        return format!("{value:.1e}");
    }
    let text = format!("{value:.3}");
    match text.trim_end_matches('0').trim_end_matches('.') {
        "" | "-" | "-0" => "0".to_owned(),
        text => text.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn chart(mark: Mark, points: &[(f64, f64)]) -> Chart {
        Chart {
            title: "a & b".to_owned(),
            x_label: "x".to_owned(),
            y_label: "y".to_owned(),
            series: vec![Series {
                name: "<one>".to_owned(),
                mark,
                points: points.to_vec(),
            }],
        }
    }

    #[test]
    fn every_point_is_drawn_and_names_are_escaped() {
        let points = [(0.0, 1.0), (1.0, 2.0), (2.0, f64::NAN), (3.0, -1.0)];
        let svg = Chart::row(&[chart(Mark::Points, &points)], (400, 300)).expect("drawn");
        assert_eq!(svg.matches("<circle").count(), 3);
        assert!(
            svg.contains("a &amp; b") && svg.contains("&lt;one&gt;"),
            "{svg}"
        );
        let bars = Chart::row(&[chart(Mark::Bars, &points)], (400, 300)).expect("drawn");
        assert!(bars.matches("<rect").count() >= 3);
    }

    #[test]
    fn a_row_is_as_wide_as_its_charts() {
        let one = chart(Mark::Line, &[(0.0, 0.0), (1.0, 1.0)]);
        let svg = Chart::row(&[one.clone(), one], (200, 100)).expect("drawn");
        assert!(svg.contains("width=\"400\"") && svg.contains("height=\"100\""));
    }

    #[test]
    fn nothing_to_draw_is_an_error() {
        let error = Chart::row(&[chart(Mark::Line, &[(f64::NAN, 1.0)])], (200, 100));
        assert!(matches!(error, Err(EvalError::Plot { chart, .. }) if chart == "a & b"));
    }

    #[test]
    fn a_single_point_and_huge_numbers_have_axes() {
        for points in [vec![(1.0, 5.0)], vec![(1e300, 0.0), (-1e300, 1e-300)]] {
            assert!(Chart::row(&[chart(Mark::Points, &points)], (200, 100)).is_ok());
        }
    }

    #[test]
    fn numbers_are_short() {
        let shown = [0.0, 0.25, -3.0, 1234.5, 1e7, 1e-5, -0.0001].map(number);
        assert_eq!(
            shown,
            ["0", "0.25", "-3", "1234.5", "1.0e7", "1.0e-5", "-1.0e-4"]
        );
    }
}
