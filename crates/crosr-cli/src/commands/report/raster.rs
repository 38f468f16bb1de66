//! SVG figures as PNG.

use std::sync::Arc;

use resvg::tiny_skia::{Pixmap, Transform};
use resvg::usvg::{Options, Tree, fontdb};

/// Pixels per unit of a figure: sharp on paper and on dense screens.
const SCALE: f32 = 2.0;

/// Draws with fonts of its own, so that a figure looks the same on every machine.
pub(super) struct Rasteriser {
    options: Options<'static>,
}

impl Rasteriser {
    pub(super) fn new() -> Self {
        let mut fonts = fontdb::Database::new();
        for font in [dejavu::sans::regular(), dejavu::sans::bold()] {
            fonts.load_font_source(fontdb::Source::Binary(Arc::new(font)));
        }
        fonts.set_sans_serif_family("DejaVu Sans");
        Self {
            options: Options {
                fontdb: Arc::new(fonts),
                ..Options::default()
            },
        }
    }

    /// The PNG file; in an error, what is wrong with the figure.
    pub(super) fn png(&self, svg: &str) -> Result<Vec<u8>, String> {
        let tree = Tree::from_str(svg, &self.options).map_err(|e| e.to_string())?;
        let pixels = |length: f32| (length * SCALE).ceil() as u32;
        let (width, height) = (pixels(tree.size().width()), pixels(tree.size().height()));
        let mut pixmap = Pixmap::new(width, height)
            .ok_or_else(|| format!("a figure of {width} x {height} pixels"))?;
        let scale = Transform::from_scale(SCALE, SCALE);
        resvg::render(&tree, scale, &mut pixmap.as_mut());
        pixmap.encode_png().map_err(|e| e.to_string())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ink(svg: &str) -> usize {
        let tree = Tree::from_str(svg, &Rasteriser::new().options).expect("well formed");
        let mut pixmap = Pixmap::new(100, 40).expect("small");
        resvg::render(&tree, Transform::identity(), &mut pixmap.as_mut());
        let drawn = pixmap.pixels().iter();
        drawn.filter(|p| p.alpha() > 0).count()
    }

    #[test]
    fn text_and_colours_of_classes_are_drawn() {
        let svg = |body: &str| {
            format!(
                "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"100\" height=\"40\"><style>\
                 text{{font-family:sans-serif;font-size:20px}}.c0{{color:#0072b2}}\
                 .l{{stroke:currentColor;fill:none}}</style>{body}</svg>"
            )
        };
        assert_eq!(ink(&svg("")), 0);
        assert!(ink(&svg("<text y=\"30\">ÄΩ known</text>")) > 100);
        assert!(
            ink(&svg(
                "<g class=\"c0\"><path class=\"l\" d=\"M0 9H99\"/></g>"
            )) > 90
        );
        let png = Rasteriser::new().png(&svg("")).expect("drawn");
        assert!(png.starts_with(b"\x89PNG"));
        assert!(Rasteriser::new().png("<svg").is_err());
    }
}
