//! The charts' one layer: axes, lines, bars, dots, marks, a legend.

use super::axis::Axis;
use super::drawing::{Drawing, colour_class, put, titled};
use super::svg::{at, escape, short, text_width};
use super::thin;

/// A bar from the bottom of the plot, with what it says when pointed at.
pub(super) struct Bar {
    pub(super) from: f64,
    pub(super) to: f64,
    pub(super) height: f64,
    pub(super) title: String,
}

/// A place with what it says when pointed at.
pub(super) struct Spot {
    pub(super) x: f64,
    pub(super) y: f64,
    pub(super) title: String,
}

pub(super) enum Layer {
    Line {
        colour: usize,
        points: Vec<(f64, f64)>,
        title: String,
    },
    /// One of very many, or of few if `large`.
    Dots {
        colour: usize,
        points: Vec<(f64, f64)>,
        large: bool,
        title: String,
    },
    Bars {
        colour: usize,
        bars: Vec<Bar>,
    },
    /// Rings that stand out.
    Marks {
        colour: usize,
        spots: Vec<Spot>,
    },
    /// Nothing to see: places that answer to the pointer.
    Hover(Vec<Spot>),
    /// A dashed line across the plot.
    Rule {
        x: Option<f64>,
        y: Option<f64>,
        title: String,
    },
    /// The diagonal from the lower left corner, or a given line, in grey.
    Guide(Vec<(f64, f64)>),
}

pub(super) struct Plot {
    pub(super) id: String,
    pub(super) title: String,
    pub(super) size: (f64, f64),
    pub(super) x: Axis,
    pub(super) y: Axis,
    pub(super) layers: Vec<Layer>,
    /// Colour and name.
    pub(super) legend: Vec<(usize, String)>,
}

/// The usual size: three beside each other on a wide screen, one on a phone.
pub(super) const USUAL: (f64, f64) = (400.0, 280.0);
/// Charts of which there are many.
pub(super) const SMALL: (f64, f64) = (300.0, 210.0);
/// Charts as wide as the page.
pub(super) const WIDE: (f64, f64) = (1000.0, 310.0);

/// Rectangle that the data are drawn in.
struct Frame {
    left: f64,
    right: f64,
    top: f64,
    bottom: f64,
}

impl Plot {
    pub(super) fn draw(&self) -> Drawing {
        let (width, height) = self.size;
        let mut body = String::new();
        let small = width < 350.0;
        let title_size = if small { 12.0 } else { 13.0 };
        let fits = (width / (0.58 * title_size)) as usize;
        put(
            &mut body,
            format_args!(
                "<text class=\"h\" x=\"4\" y=\"15\">{}</text>",
                escape(&short(&self.title, fits))
            ),
        );
        let below_legend = self.draw_legend(&mut body, 22.0);
        let slanted = self.slanted();
        let frame = Frame {
            left: if small { 46.0 } else { 52.0 },
            right: width - 10.0,
            top: below_legend + 8.0,
            bottom: height - if slanted { 94.0 } else { 38.0 },
        };
        self.draw_axes(&mut body, &frame, slanted);
        for layer in &self.layers {
            self.draw_layer(&mut body, &frame, layer);
        }
        Drawing {
            id: self.id.clone(),
            title: self.title.clone(),
            width,
            height,
            body,
        }
    }

    /// Rows of coloured squares with names; returns where they end.
    fn draw_legend(&self, body: &mut String, top: f64) -> f64 {
        let (mut x, mut y) = (4.0, top);
        for (colour, name) in &self.legend {
            let shown = short(name, 26);
            let needed = 18.0 + text_width(&shown, 11.0) + 10.0;
            if x > 4.0 && x + needed > self.size.0 {
                (x, y) = (4.0, y + 15.0);
            }
            put(
                body,
                format_args!(
                    "<g class=\"{}\"><rect class=\"k\" x=\"{}\" y=\"{}\" width=\"12\" \
                     height=\"9\"/></g><text class=\"t\" x=\"{}\" y=\"{}\">{}</text>",
                    colour_class(*colour),
                    at(x),
                    at(y),
                    at(x + 16.0),
                    at(y + 9.0),
                    escape(&shown)
                ),
            );
            x += needed;
        }
        if self.legend.is_empty() {
            top
        } else {
            y + 13.0
        }
    }

    /// Whether the names below the axis need to lie aslant.
    fn slanted(&self) -> bool {
        let Some(names) = &self.x.names else {
            return false;
        };
        let room = (self.size.0 - 62.0) / names.len().max(1) as f64;
        let widest = names.iter().map(|(_, name)| text_width(name, 11.0));
        widest.fold(0.0, f64::max) > room
    }

    fn draw_axes(&self, body: &mut String, frame: &Frame, slanted: bool) {
        let Frame {
            left,
            right,
            top,
            bottom,
        } = *frame;
        for (value, label) in self.y.ticks() {
            let y = bottom - self.y.part(value) * (bottom - top);
            put(
                body,
                format_args!(
                    "<path class=\"g\" d=\"M{} {}H{}\"/><text class=\"t e\" x=\"{}\" y=\"{}\">{}</text>",
                    at(left),
                    at(y),
                    at(right),
                    at(left - 5.0),
                    at(y + 3.5),
                    escape(&short(&label, 8))
                ),
            );
        }
        for (value, label) in self.x.ticks() {
            let x = left + self.x.part(value) * (right - left);
            if slanted {
                put(
                    body,
                    format_args!(
                        "<text class=\"t e\" transform=\"translate({} {})rotate(-38)\">{}</text>",
                        at(x + 4.0),
                        at(bottom + 12.0),
                        escape(&short(&label, 14))
                    ),
                );
                continue;
            }
            if self.x.names.is_none() {
                put(
                    body,
                    format_args!(
                        "<path class=\"g\" d=\"M{} {}V{}\"/>",
                        at(x),
                        at(top),
                        at(bottom)
                    ),
                );
            }
            put(
                body,
                format_args!(
                    "<text class=\"t m\" x=\"{}\" y=\"{}\">{}</text>",
                    at(x),
                    at(bottom + 13.0),
                    escape(&label)
                ),
            );
        }
        put(
            body,
            format_args!(
                "<path class=\"a\" d=\"M{} {}V{}H{}\"/>\
                 <text class=\"t m\" x=\"{}\" y=\"{}\">{}</text>\
                 <text class=\"t m\" transform=\"translate(11 {})rotate(-90)\">{}</text>",
                at(left),
                at(top),
                at(bottom),
                at(right),
                at((left + right) / 2.0),
                at(self.size.1 - 6.0),
                escape(&self.x.label),
                at((top + bottom) / 2.0),
                escape(&self.y.label)
            ),
        );
    }

    fn draw_layer(&self, body: &mut String, frame: &Frame, layer: &Layer) {
        let px = |x: f64| frame.left + self.x.part(x).clamp(0.0, 1.0) * (frame.right - frame.left);
        let py =
            |y: f64| frame.bottom - self.y.part(y).clamp(0.0, 1.0) * (frame.bottom - frame.top);
        let placed = |points: &[(f64, f64)]| -> Vec<(f64, f64)> {
            let finite = points
                .iter()
                .filter(|(x, y)| x.is_finite() && y.is_finite());
            finite.map(|&(x, y)| (px(x), py(y))).collect()
        };
        match layer {
            Layer::Line {
                colour,
                points,
                title,
            } => {
                let points = thin::line(&placed(points));
                put(
                    body,
                    format_args!(
                        "<g class=\"{}\"><path class=\"l\" d=\"{}\">{}</path></g>",
                        colour_class(*colour),
                        path(&points),
                        titled(title)
                    ),
                );
            }
            Layer::Guide(points) => put(
                body,
                format_args!("<path class=\"u\" d=\"{}\"/>", path(&placed(points))),
            ),
            Layer::Dots {
                colour,
                points,
                large,
                title,
            } => {
                let class = if *large { "q" } else { "p" };
                let mut d = String::new();
                for (x, y) in thin::dots(placed(points).into_iter()) {
                    put(&mut d, format_args!("M{} {}h0", at(x), at(y)));
                }
                put(
                    body,
                    format_args!(
                        "<g class=\"{}\"><path class=\"{class}\" d=\"{d}\">{}</path></g>",
                        colour_class(*colour),
                        titled(title)
                    ),
                );
            }
            Layer::Bars { colour, bars } => {
                put(
                    body,
                    format_args!("<g class=\"{}\">", colour_class(*colour)),
                );
                for bar in bars.iter().filter(|bar| bar.height.is_finite()) {
                    // Bars stand on zero; without one in the range, on the bottom.
                    let (zero, tip) = (py(0.0), py(bar.height));
                    let (x, right) = (px(bar.from), px(bar.to));
                    put(
                        body,
                        format_args!(
                            "<rect class=\"b\" x=\"{}\" y=\"{}\" width=\"{}\" height=\"{}\">{}</rect>",
                            at(x),
                            at(zero.min(tip)),
                            at((right - x).max(0.5)),
                            at((zero - tip).abs()),
                            titled(&bar.title)
                        ),
                    );
                }
                body.push_str("</g>");
            }
            Layer::Marks { colour, spots } => {
                put(
                    body,
                    format_args!("<g class=\"{}\">", colour_class(*colour)),
                );
                circles(body, "o", 5.0, spots, px, py);
                body.push_str("</g>");
            }
            Layer::Hover(spots) => circles(body, "n", 7.0, spots, px, py),
            Layer::Rule { x, y, title } => {
                let d = match (x, y) {
                    (Some(x), _) => {
                        format!("M{} {}V{}", at(px(*x)), at(frame.top), at(frame.bottom))
                    }
                    (None, Some(y)) => {
                        format!("M{} {}H{}", at(frame.left), at(py(*y)), at(frame.right))
                    }
                    (None, None) => return,
                };
                put(
                    body,
                    format_args!("<path class=\"r\" d=\"{d}\">{}</path>", titled(title)),
                );
            }
        }
    }
}

fn circles(
    body: &mut String,
    class: &str,
    radius: f64,
    spots: &[Spot],
    px: impl Fn(f64) -> f64,
    py: impl Fn(f64) -> f64,
) {
    for spot in spots.iter().filter(|s| s.x.is_finite() && s.y.is_finite()) {
        put(
            body,
            format_args!(
                "<circle class=\"{class}\" cx=\"{}\" cy=\"{}\" r=\"{}\">{}</circle>",
                at(px(spot.x)),
                at(py(spot.y)),
                at(radius),
                titled(&spot.title)
            ),
        );
    }
}

fn path(points: &[(f64, f64)]) -> String {
    let mut d = String::new();
    for (i, (x, y)) in points.iter().enumerate() {
        let step = if i == 0 { 'M' } else { 'L' };
        put(&mut d, format_args!("{step}{} {}", at(*x), at(*y)));
    }
    d
}
