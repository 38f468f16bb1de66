//! The report of one evaluation.

use std::io::Write;

use super::data::RunReport;
use super::drawing::{Drawing, put};
use super::figures;
use super::html::{navigation, page, sections};
use super::sections::{Drawings, parts, tiles};
use super::svg::escape;
use super::words::headline;
use crate::error::Result;

/// A figure as a file by itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Figure {
    /// Name without an ending: lower-case letters, digits and hyphens, unique within the report.
    pub name: String,
    /// The SVG file, on white; its only font is `sans-serif`.
    pub svg: String,
}

/// A report, drawn.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Page {
    figures: Vec<Figure>,
    html: String,
}

impl Page {
    pub(super) fn new(title: &str, body: &str, drawings: &[&Drawing]) -> Self {
        Self {
            html: page(title, body),
            figures: drawings
                .iter()
                .map(|drawing| Figure {
                    name: drawing.id.clone(),
                    svg: drawing.standalone(),
                })
                .collect(),
        }
    }

    /// Every figure of the page, in its order.
    #[must_use]
    pub fn figures(&self) -> &[Figure] {
        &self.figures
    }

    /// Writes the page: one file that needs no other and no network, light or dark as its reader
    /// has it.
    ///
    /// # Errors
    /// Those of the writer.
    pub fn write_html(&self, out: &mut impl Write) -> std::io::Result<()> {
        out.write_all(self.html.as_bytes())
    }
}

impl RunReport {
    /// Draws the report. The same values give the same bytes.
    ///
    /// # Errors
    /// [`EvalError::Report`](crate::EvalError::Report), [`EvalError::Length`](crate::EvalError::Length),
    /// [`EvalError::Class`](crate::EvalError::Class), [`EvalError::Empty`](crate::EvalError::Empty)
    /// and [`EvalError::NotFinite`](crate::EvalError::NotFinite) for values that do not belong
    /// together.
    pub fn page(&self) -> Result<Page> {
        self.check()?;
        let drawn = Drawings {
            confusion: figures::confusion(self),
            curves: figures::curves(self)?,
            distributions: figures::distributions(self),
            images: figures::images(self),
            activation: figures::activation(self),
            tail_sizes: figures::tail_sizes(self),
            tails: figures::tails(self),
            evidence: figures::evidence(self),
        };
        let parts = parts(self, &drawn);
        let mut body = String::new();
        put(
            &mut body,
            format_args!(
                "<header>\n<h1>{}</h1>\n<p class=\"headline\">{}</p>\n{}{}</header>\n",
                escape(&self.title),
                escape(&headline(self)),
                tiles(self),
                navigation(&parts)
            ),
        );
        body.push_str(&sections(&parts));
        body.push_str(
            "<footer>Written by crosr. Point at a line, a bar or a ring for its numbers.</footer>\n",
        );
        let all: Vec<&Drawing> = drawn
            .curves
            .iter()
            .chain(&drawn.confusion)
            .chain(&drawn.distributions)
            .chain(&drawn.images)
            .chain(&drawn.activation)
            .chain(&drawn.tail_sizes)
            .chain(&drawn.tails)
            .chain(&drawn.evidence)
            .collect();
        Ok(Page::new(&self.title, &body, &all))
    }
}
