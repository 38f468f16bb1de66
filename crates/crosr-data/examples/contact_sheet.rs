//! Draws the built-in shapes side by side, a row per kind: `contact_sheet OUT.png`.

use std::error::Error;

use crosr_data::{Dataset, Shapes};

const COLUMNS: usize = 20;
const PITCH: usize = 34;

fn main() -> Result<(), Box<dyn Error>> {
    let out = std::env::args()
        .nth(1)
        .ok_or("name the PNG file to write")?;
    let n_known = Shapes::known_kinds().len();
    let rows = n_known + Shapes::unknown_kinds().len();
    let mut sheet = image::RgbImage::new((COLUMNS * PITCH) as u32, (rows * PITCH) as u32);
    for row in 0..rows {
        for column in 0..COLUMNS {
            let sample = match row.checked_sub(n_known) {
                None => Shapes::known(n_known * COLUMNS, 1).sample(column * n_known + row)?,
                Some(kind_idx) => Shapes::unknown_kind(kind_idx, COLUMNS, 1)?.sample(column)?,
            };
            let pixels = sample.image.pixels().as_chunks::<3>().0;
            for (pixel, rgb) in pixels.iter().enumerate() {
                let x = column * PITCH + pixel % sample.image.width();
                let y = row * PITCH + pixel / sample.image.width();
                sheet.put_pixel(x as u32, y as u32, image::Rgb(*rgb));
            }
        }
    }
    sheet.save(out)?;
    Ok(())
}
