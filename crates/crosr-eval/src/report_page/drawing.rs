//! A drawn figure, within a page or as a file by itself.
//!
//! Colours are classes, `c0` to `c7`, that a style sheet fills in: the page's follows the
//! reader's light or dark scheme, a file by itself carries its own.

use std::fmt::Write as _;

use super::svg::{at, escape};

/// Number of colours; a ninth series has the first one's, dashed.
pub(super) const COLOURS: usize = 8;

/// A drawn figure: what stands inside the `svg` element.
pub(super) struct Drawing {
    /// Unique within the page; also the name of the figure's files.
    pub(super) id: String,
    /// Read out in place of the figure.
    pub(super) title: String,
    pub(super) width: f64,
    pub(super) height: f64,
    pub(super) body: String,
}

/// Opening of a group in a series' colour.
pub(super) fn colour_class(colour: usize) -> String {
    let dashed = if (colour / COLOURS) % 2 == 1 {
        " dash"
    } else {
        ""
    };
    format!("c{}{dashed}", colour % COLOURS)
}

pub(super) fn titled(title: &str) -> String {
    format!("<title>{}</title>", escape(title))
}

/// Appends; writing to a string cannot fail.
pub(super) fn put(out: &mut String, text: std::fmt::Arguments<'_>) {
    out.write_fmt(text).ok();
}

/// What colours and text look like in a file by itself: light, without variables, which not every
/// reader of SVG knows.
const STANDALONE_STYLE: &str = concat!(
    "text{font-family:sans-serif;font-size:11px;fill:#26303a}",
    ".h{font-size:13px;font-weight:bold}.e{text-anchor:end}.m{text-anchor:middle}",
    ".w{fill:#fff}",
    ".g{stroke:#e3e7eb;fill:none}.a{stroke:#7b8794;fill:none}.r{stroke:#7b8794;fill:none;",
    "stroke-dasharray:4 3}.u{stroke:#9aa5b1;fill:none}",
    ".l{stroke:currentColor;fill:none;stroke-width:1.7}",
    ".p{stroke:currentColor;fill:none;stroke-width:2;stroke-linecap:round;stroke-opacity:.55}",
    ".q{stroke:currentColor;fill:none;stroke-width:4.5;stroke-linecap:round;stroke-opacity:.8}",
    ".b{fill:currentColor;fill-opacity:.5}.k{fill:currentColor}.s{fill:currentColor}",
    ".o{stroke:currentColor;stroke-width:2.5;fill:#fff}.n{fill:none}",
    ".dash .l{stroke-dasharray:6 3}",
    ".c0{color:#0072b2}.c1{color:#d55e00}.c2{color:#009e73}.c3{color:#b0629a}",
    ".c4{color:#b8860b}.c5{color:#8a5a3c}.c6{color:#6a4c93}.c7{color:#5f6b76}",
);

impl Drawing {
    /// The `svg` element of a page whose style sheet knows the classes.
    pub(super) fn inline(&self) -> String {
        format!(
            "<svg viewBox=\"0 0 {} {}\" role=\"img\" aria-label=\"{}\">{}</svg>",
            at(self.width),
            at(self.height),
            escape(&self.title),
            self.body
        )
    }

    /// A whole SVG file, on white.
    pub(super) fn standalone(&self) -> String {
        let (width, height) = (at(self.width), at(self.height));
        format!(
            "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"{width}\" height=\"{height}\" \
             viewBox=\"0 0 {width} {height}\"><style>{STANDALONE_STYLE}</style>\
             <rect width=\"{width}\" height=\"{height}\" fill=\"#fff\"/>{}</svg>\n",
            self.body
        )
    }
}
