//! Tables of figures as coloured cells, as SVG.

use plotters::coord::Shift;
use plotters::prelude::*;
use plotters::style::text_anchor::{HPos, Pos, VPos};

use crate::error::EvalError;

/// A table whose cells are coloured and labelled by their figures, the best one framed.
///
/// ```
/// use crosr_eval::HeatMap;
///
/// let map = HeatMap {
///     title: "crop".to_owned(),
///     x_label: "tail size".to_owned(),
///     columns: vec!["20".to_owned(), "100".to_owned()],
///     rows: vec!["euclidean".to_owned(), "cosine".to_owned()],
///     values: vec![Some(0.61), Some(0.66), Some(0.74), None],
///     lower_is_better: false,
/// };
/// let svg = HeatMap::stack(&[map])?;
/// assert!(svg.starts_with("<svg") && svg.contains("0.740"));
/// # Ok::<(), crosr_eval::EvalError>(())
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct HeatMap {
    /// Above the table.
    pub title: String,
    /// Below the columns' names.
    pub x_label: String,
    /// Names of the columns, from left to right.
    pub columns: Vec<String>,
    /// Names of the rows, from top to bottom.
    pub rows: Vec<String>,
    /// Row-major `[rows, columns]`; `None`, or not finite, for an empty cell.
    pub values: Vec<Option<f64>>,
    /// Whether the least figure is the best, as for error rates: bright cells are the better ones.
    pub lower_is_better: bool,
}

/// Pixels of a cell.
const CELL: (i32, i32) = (66, 28);
/// Room for the title, and below the cells for the columns' names and the label.
const ABOVE: i32 = 44;
const BELOW: i32 = 60;
const MARGIN: i32 = 14;
/// Pixels of a character of a row's name, about.
const CHARACTER: i32 = 7;
/// The widest picture, in pixels, that is drawn.
const WIDEST: usize = 32_768;
const EMPTY: RGBColor = RGBColor(224, 224, 224);

impl HeatMap {
    /// Tables below each other in one SVG, on one scale of colours from the worst figure of all
    /// tables to the best.
    ///
    /// # Errors
    /// [`EvalError::Plot`] for a table whose values are not one a cell or all empty, or that is
    /// wider than can be drawn.
    pub fn stack(maps: &[Self]) -> Result<String, EvalError> {
        maps.iter().try_for_each(Self::check)?;
        let worst_and_best = range(maps.iter().flat_map(Self::figures));
        let left = maps.iter().map(Self::left).max().unwrap_or(0);
        let widths = maps.iter().map(|map| map.columns.len() as i32 * CELL.0);
        let width = left + widths.max().unwrap_or(0) + MARGIN;
        let height: i32 = maps.iter().map(Self::height).sum();
        let mut svg = String::new();
        {
            let size = (width.unsigned_abs(), height.unsigned_abs());
            let mut rest = SVGBackend::with_string(&mut svg, size).into_drawing_area();
            rest.fill(&WHITE).map_err(|e| failed("the canvas", &e))?;
            for map in maps {
                let (area, below) = rest.split_vertically(map.height());
                map.draw(&area, left, worst_and_best)
                    .map_err(|e| failed(&map.title, &e))?;
                rest = below;
            }
            rest.present().map_err(|e| failed("the canvas", &e))?;
        }
        Ok(svg)
    }

    fn check(&self) -> Result<(), EvalError> {
        let wrong = |what: String| {
            Err(EvalError::Plot {
                chart: self.title.clone(),
                what,
            })
        };
        let (rows, columns) = (self.rows.len(), self.columns.len());
        if columns.saturating_mul(CELL.0 as usize) > WIDEST
            || rows.saturating_mul(CELL.1 as usize) > WIDEST
        {
            return wrong(format!("{rows} rows and {columns} columns cannot be drawn"));
        }
        if self.values.len() != rows * columns {
            let found = self.values.len();
            return wrong(format!(
                "{found} values for {rows} rows and {columns} columns"
            ));
        }
        if self.figures().next().is_none() {
            return wrong("no figure that is finite".to_owned());
        }
        Ok(())
    }

    fn figures(&self) -> impl Iterator<Item = f64> {
        self.values
            .iter()
            .flatten()
            .copied()
            .filter(|v| v.is_finite())
    }

    /// Room for the rows' names.
    fn left(&self) -> i32 {
        let longest = self.rows.iter().map(|name| name.chars().count()).max();
        2 * MARGIN + CHARACTER * longest.unwrap_or(0).min(80) as i32
    }

    fn height(&self) -> i32 {
        ABOVE + self.rows.len() as i32 * CELL.1 + BELOW
    }

    fn best(&self) -> Option<usize> {
        let sign = if self.lower_is_better { -1.0 } else { 1.0 };
        let cells = self.values.iter().enumerate();
        let figures = cells.filter_map(|(at, value)| Some((at, value.filter(|v| v.is_finite())?)));
        // The first of equals.
        figures
            .rev()
            .max_by(|a, b| (sign * a.1).total_cmp(&(sign * b.1)))
            .map(|(at, _)| at)
    }

    fn draw(
        &self,
        area: &DrawingArea<SVGBackend<'_>, Shift>,
        left: i32,
        (least, most): (f64, f64),
    ) -> Result<(), Box<dyn std::error::Error>> {
        let text = |words: &str, at: (i32, i32), style: TextStyle<'_>| {
            area.draw(&Text::new(words.to_owned(), at, style))
                .map_err(|e| e.to_string())
        };
        let corner = |row: usize, column: usize| {
            (left + column as i32 * CELL.0, ABOVE + row as i32 * CELL.1)
        };
        let (rows, columns) = (self.rows.len(), self.columns.len());
        text(
            &self.title,
            (left, ABOVE / 2),
            styled(21, &BLACK, HPos::Left),
        )?;
        for (row, name) in self.rows.iter().enumerate() {
            let at = (left - MARGIN / 2, corner(row, 0).1 + CELL.1 / 2);
            text(name, at, styled(16, &BLACK, HPos::Right))?;
        }
        let below = corner(rows, 0).1;
        for (column, name) in self.columns.iter().enumerate() {
            let at = (corner(0, column).0 + CELL.0 / 2, below + 14);
            text(name, at, styled(16, &BLACK, HPos::Center))?;
        }
        let middle = left + columns as i32 * CELL.0 / 2;
        text(
            &self.x_label,
            (middle, below + 36),
            styled(16, &BLACK, HPos::Center),
        )?;
        for (at, value) in self.values.iter().enumerate() {
            let (x, y) = corner(at / columns, at % columns);
            let part = value.filter(|v| v.is_finite()).map(|value| {
                let part = if most > least {
                    (value - least) / (most - least)
                } else {
                    0.5
                };
                (
                    value,
                    if self.lower_is_better {
                        1.0 - part
                    } else {
                        part
                    },
                )
            });
            let colour = part.map_or(EMPTY, |(_, part)| ViridisRGB.get_color(part));
            let cell = [(x, y), (x + CELL.0 - 1, y + CELL.1 - 1)];
            area.draw(&Rectangle::new(cell, colour.filled()))
                .map_err(|e| e.to_string())?;
            let ink = if part.is_some_and(|(_, part)| part < 0.55) {
                &WHITE
            } else {
                &BLACK
            };
            let words = part.map_or("–".to_owned(), |(value, _)| format!("{value:.3}"));
            let centre = (x + CELL.0 / 2, y + CELL.1 / 2);
            text(&words, centre, styled(16, ink, HPos::Center))?;
        }
        if let Some(at) = self.best() {
            let (x, y) = corner(at / columns, at % columns);
            let frame = [(x, y), (x + CELL.0 - 1, y + CELL.1 - 1)];
            area.draw(&Rectangle::new(frame, RED.stroke_width(3)))
                .map_err(|e| e.to_string())?;
        }
        Ok(())
    }
}

fn styled(size: i32, colour: &RGBColor, h: HPos) -> TextStyle<'_> {
    TextStyle::from(("sans-serif", size).into_font())
        .color(colour)
        .pos(Pos::new(h, VPos::Center))
}

fn failed(chart: &str, error: &dyn std::fmt::Display) -> EvalError {
    EvalError::Plot {
        chart: chart.to_owned(),
        what: error.to_string(),
    }
}

fn range(values: impl Iterator<Item = f64>) -> (f64, f64) {
    values.fold((f64::INFINITY, f64::NEG_INFINITY), |(least, most), v| {
        (least.min(v), most.max(v))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn map(values: &[Option<f64>]) -> HeatMap {
        HeatMap {
            title: "a & b".to_owned(),
            x_label: "tail size".to_owned(),
            columns: vec!["10".to_owned(), "20".to_owned()],
            rows: vec!["<one>".to_owned(), "two".to_owned()],
            values: values.to_vec(),
            lower_is_better: false,
        }
    }

    #[test]
    fn every_cell_is_drawn_and_names_are_escaped() {
        let figures = map(&[Some(0.5), None, Some(f64::NAN), Some(0.75)]);
        let svg = HeatMap::stack(&[figures.clone(), figures]).expect("drawn");
        // The ground; for each table four cells and a frame.
        assert_eq!(svg.matches("<rect").count(), 1 + 2 * 5);
        assert_eq!(svg.matches("0.500").count(), 2);
        assert_eq!(svg.matches('–').count(), 4);
        assert!(
            svg.contains("a &amp; b") && svg.contains("&lt;one&gt;"),
            "{svg}"
        );
    }

    #[test]
    fn the_best_figure_is_framed() {
        let mut figures = map(&[Some(0.5), Some(0.75), Some(0.75), Some(0.25)]);
        assert_eq!(figures.best(), Some(1));
        figures.lower_is_better = true;
        assert_eq!(figures.best(), Some(3));
    }

    #[test]
    fn what_cannot_be_drawn_is_named() {
        let refused = |map: HeatMap, part: &str| {
            let Err(EvalError::Plot { chart, what }) = HeatMap::stack(&[map]) else {
                panic!("drawn")
            };
            assert!(chart == "a & b" && what.contains(part), "{what}");
        };
        refused(map(&[None; 4]), "no figure");
        refused(map(&[Some(1.0); 3]), "3 values for 2 rows and 2 columns");
        let mut wide = map(&[]);
        wide.columns = vec![String::new(); 10_000];
        refused(wide, "10000 columns");
    }

    #[test]
    fn one_figure_alone_has_a_colour() {
        let svg = HeatMap::stack(&[map(&[Some(1.0), None, None, None])]).expect("drawn");
        assert!(svg.contains("1.000") && !svg.contains("NaN"));
    }
}
