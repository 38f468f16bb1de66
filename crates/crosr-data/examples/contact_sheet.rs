//! Draws the built-in shapes side by side, a row per kind: `contact_sheet OUT.png`.

use std::error::Error;

use crosr_data::{Dataset, Shapes};

fn main() -> Result<(), Box<dyn Error>> {
    let out = std::env::args()
        .nth(1)
        .ok_or("name the PNG file to write")?;
    let (columns, kinds) = (16, 6 + Shapes::unknown_kinds().len());
    let mut sheet = image::RgbImage::new(columns as u32 * 34, kinds as u32 * 34);
    for kind in 0..kinds {
        for column in 0..columns {
            let sample = match kind.checked_sub(6) {
                None => Shapes::known(6 * columns, 1).sample(column * 6 + kind)?,
                Some(kind) => Shapes::unknown_kind(kind, columns, 1)?.sample(column)?,
            };
            for (pixel, rgb) in sample.image.pixels().as_chunks::<3>().0.iter().enumerate() {
                let (x, y) = (column * 34 + pixel % 32, kind * 34 + pixel / 32);
                sheet.put_pixel(x as u32, y as u32, image::Rgb(*rgb));
            }
        }
    }
    sheet.save(out)?;
    Ok(())
}
