//! From 8-bit pixels to normalised planes, with what was drawn for a sample.

use std::ops::Range;

use rand_chacha::ChaCha8Rng;

use crate::colour::{Pixel, Recolouring};
use crate::image::{Image, PixelFormat};
use crate::random::{below, between, unit};
use crate::transform::{Affine, Augmentation, Normalisation};

/// What happens to one sample: the draws of an [`Augmentation`].
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Changes {
    flip: bool,
    /// Where the window that is seen begins, in whole pixels.
    shift: (isize, isize),
    recolouring: Vec<Recolouring>,
    rotation: Option<Rotation>,
    /// Columns and rows that take the mean colour.
    erased: Option<[Range<usize>; 2]>,
}

impl Changes {
    /// Draws for a picture of `width * height` pixels.
    pub(crate) fn draw(
        augmentation: &Augmentation,
        (width, height): (usize, usize),
        random: &mut ChaCha8Rng,
    ) -> Self {
        let padding = augmentation.crop_padding;
        let step =
            |random: &mut ChaCha8Rng| below(random, 2 * padding + 1) as isize - padding as isize;
        Self {
            flip: unit(random) < augmentation.horizontal_flip,
            shift: (step(random), step(random)),
            recolouring: augmentation
                .colour_jitter
                .map_or_else(Vec::new, |jitter| Recolouring::draw(&jitter, random)),
            rotation: augmentation
                .affine
                .map(|affine| Rotation::draw(&affine, (width as f32, height as f32), random)),
            erased: (augmentation.erased_side > 0).then(|| {
                [width, height].map(|side| erased(augmentation.erased_side, side, random))
            }),
        }
    }
}

/// `length` pixels about one of a side's pixels, or as many as are on the picture.
fn erased(length: usize, side: usize, random: &mut ChaCha8Rng) -> Range<usize> {
    let middle = below(random, side);
    let end = (middle + length.div_ceil(2)).min(side);
    middle.saturating_sub(length / 2)..end
}

/// Rotation, scale and shift about the middle.
#[derive(Clone, Copy, Debug, PartialEq)]
struct Rotation {
    /// Cosine and sine of the angle over the scale: the inverse mapping.
    cos: f32,
    sin: f32,
    /// In pixels.
    shift: (f32, f32),
}

impl Rotation {
    fn draw(affine: &Affine, (width, height): (f32, f32), random: &mut ChaCha8Rng) -> Self {
        let angle = between(random, -affine.degrees, affine.degrees).to_radians();
        let scale = between(random, affine.scale.0, affine.scale.1);
        let mut shift = |side: f32| between(random, -affine.translate, affine.translate) * side;
        Self {
            cos: angle.cos() / scale,
            sin: angle.sin() / scale,
            shift: (shift(width), shift(height)),
        }
    }
}

/// Writes pictures as the network takes them.
pub(crate) struct Painter {
    normalisation: Normalisation,
    /// The 256 values that each channel can take.
    tables: [[f32; 256]; 3],
}

impl Painter {
    pub(crate) fn new(normalisation: Normalisation) -> Self {
        let table = |c: usize| {
            let (mean, std) = (normalisation.mean[c], normalisation.std[c]);
            std::array::from_fn(|v| (v as f32 / 255.0 - mean) / std)
        };
        Self {
            normalisation,
            tables: std::array::from_fn(table),
        }
    }

    /// Fills `planes`, red, green and blue of the picture's size one after the other.
    pub(crate) fn paint(&self, image: &Image, changes: &Changes, planes: &mut [f32]) {
        if changes.recolouring.is_empty() && changes.rotation.is_none() {
            self.copy(image, changes.flip, changes.shift, planes);
        } else {
            self.resample(image, changes, planes);
        }
        if let Some([columns, rows]) = &changes.erased {
            let (width, height) = (image.width(), image.height());
            for plane in planes.chunks_exact_mut(width * height) {
                for row in rows.clone() {
                    // The mean colour, normalised.
                    plane[row * width..][columns.clone()].fill(0.0);
                }
            }
        }
    }

    /// Flips and moves by whole pixels: every value comes from a table.
    fn copy(&self, image: &Image, flip: bool, (dx, dy): (isize, isize), planes: &mut [f32]) {
        let (width, height) = (image.width(), image.height());
        let black = [self.tables[0][0], self.tables[1][0], self.tables[2][0]];
        // Columns first..last see the picture, the others its black surroundings.
        let first = dx.min(0).unsigned_abs().min(width);
        let last = width - dx.max(0).unsigned_abs().min(width);
        let start = dx.max(0).unsigned_abs().min(width);
        let seen = last.saturating_sub(first);
        // Flipping comes first, so the window moves over the mirrored picture.
        let start = if flip { width - start - seen } else { start };
        let channels = image.format().channels();
        let (red, rest) = planes.split_at_mut(width * height);
        let (green, blue) = rest.split_at_mut(width * height);
        for y in 0..height {
            let mut rows =
                [&mut *red, &mut *green, &mut *blue].map(|plane| &mut plane[y * width..][..width]);
            let from = y.checked_add_signed(dy).filter(|&from| from < height);
            let Some(from) = from.filter(|_| seen > 0) else {
                rows.iter_mut()
                    .zip(black)
                    .for_each(|(row, black)| row.fill(black));
                continue;
            };
            for (row, black) in rows.iter_mut().zip(black) {
                row[..first].fill(black);
                row[last..].fill(black);
            }
            let rows = rows.map(|row| &mut row[first..last]);
            let source = &image.pixels()[(from * width + start) * channels..][..seen * channels];
            match (image.format(), flip) {
                (PixelFormat::Rgb, false) => self.look_up(source.as_chunks::<3>().0.iter(), rows),
                (PixelFormat::Rgb, true) => {
                    self.look_up(source.as_chunks::<3>().0.iter().rev(), rows);
                }
                (PixelFormat::Grey, false) => {
                    self.look_up(
                        source.iter().map(|&v| [v; 3]).collect::<Vec<_>>().iter(),
                        rows,
                    );
                }
                (PixelFormat::Grey, true) => {
                    let rgb: Vec<[u8; 3]> = source.iter().rev().map(|&v| [v; 3]).collect();
                    self.look_up(rgb.iter(), rows);
                }
            }
        }
    }

    fn look_up<'a>(
        &self,
        source: impl Iterator<Item = &'a [u8; 3]>,
        [red, green, blue]: [&mut [f32]; 3],
    ) {
        for (((&[r, g, b], red), green), blue) in source.zip(red).zip(green).zip(blue) {
            *red = self.tables[0][usize::from(r)];
            *green = self.tables[1][usize::from(g)];
            *blue = self.tables[2][usize::from(b)];
        }
    }

    /// Changes colours, then takes each pixel from where rotation, window and flip say.
    fn resample(&self, image: &Image, changes: &Changes, planes: &mut [f32]) {
        let (width, height) = (image.width(), image.height());
        let mut pixels: Vec<Pixel> = match image.format() {
            PixelFormat::Rgb => {
                let rgb = image.pixels().as_chunks::<3>().0;
                rgb.iter()
                    .map(|&[r, g, b]| [r, g, b, 0].map(f32::from))
                    .collect()
            }
            PixelFormat::Grey => image.pixels().iter().map(|&v| [f32::from(v); 4]).collect(),
        };
        for step in &changes.recolouring {
            step.apply(&mut pixels);
        }
        let framed = framed(&pixels, width, height);
        let stride = width + 3;
        let scale: [f32; 3] = std::array::from_fn(|c| 1.0 / (255.0 * self.normalisation.std[c]));
        let offset: [f32; 3] =
            std::array::from_fn(|c| -self.normalisation.mean[c] / self.normalisation.std[c]);
        let rotation = changes.rotation.unwrap_or(Rotation {
            cos: 1.0,
            sin: 0.0,
            shift: (0.0, 0.0),
        });
        let (middle_x, middle_y) = (width as f32 * 0.5 - 0.5, height as f32 * 0.5 - 0.5);
        let (right, bottom) = (width as f32, height as f32);
        let (dx, dy) = (changes.shift.0 as f32, changes.shift.1 as f32);
        let (red, rest) = planes.split_at_mut(width * height);
        let (green, blue) = rest.split_at_mut(width * height);
        for y in 0..height {
            let v = y as f32 - middle_y - rotation.shift.1;
            for x in 0..width {
                let u = x as f32 - middle_x - rotation.shift.0;
                let from_x = rotation.cos * u + rotation.sin * v + middle_x + dx;
                let from_y = rotation.cos * v - rotation.sin * u + middle_y + dy;
                let from_x = if changes.flip {
                    right - 1.0 - from_x
                } else {
                    from_x
                };
                // One pixel outside is as black as any further out. Plus one for the frame.
                let (from_x, from_y) = (
                    from_x.clamp(-1.0, right) + 1.0,
                    from_y.clamp(-1.0, bottom) + 1.0,
                );
                let (left, top) = (from_x as usize, from_y as usize);
                let (a, b) = (from_x - left as f32, from_y - top as f32);
                let at = top * stride + left;
                let upper = mixed(framed[at], framed[at + 1], a);
                let lower = mixed(framed[at + stride], framed[at + stride + 1], a);
                let [r, g, bl, _] = mixed(upper, lower, b);
                let to = y * width + x;
                red[to] = r * scale[0] + offset[0];
                green[to] = g * scale[1] + offset[1];
                blue[to] = bl * scale[2] + offset[2];
            }
        }
    }
}

fn mixed(a: Pixel, b: Pixel, part: f32) -> Pixel {
    std::array::from_fn(|c| a[c] + (b[c] - a[c]) * part)
}

/// The picture with one black pixel to the left and above, and two to the right and below, so
/// that interpolation needs no test.
fn framed(pixels: &[Pixel], width: usize, height: usize) -> Vec<Pixel> {
    let stride = width + 3;
    let mut framed = vec![[0.0; 4]; stride * (height + 3)];
    for (row, target) in pixels
        .chunks_exact(width)
        .zip(framed.chunks_exact_mut(stride).skip(1))
    {
        target[1..=width].copy_from_slice(row);
    }
    framed
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::random::{Purpose, generator};

    fn pictures() -> impl Strategy<Value = Image> {
        (1..9usize, 1..9usize, any::<bool>()).prop_flat_map(|(width, height, grey)| {
            let format = if grey {
                PixelFormat::Grey
            } else {
                PixelFormat::Rgb
            };
            proptest::collection::vec(any::<u8>(), width * height * format.channels())
                .prop_map(move |pixels| Image::new(width, height, format, pixels).expect("fits"))
        })
    }

    fn painted(image: &Image, changes: &Changes) -> Vec<f32> {
        let mut planes = vec![f32::NAN; 3 * image.width() * image.height()];
        Painter::new(Normalisation::CIFAR10).paint(image, changes, &mut planes);
        planes
    }

    /// Value of a plane at (x, y) by the definition, black outside.
    fn plainly(image: &Image, c: usize, x: isize, y: isize) -> f32 {
        let rgb = image.to_rgb();
        let inside =
            (0..image.width() as isize).contains(&x) && (0..image.height() as isize).contains(&y);
        let v = if inside {
            f32::from(rgb.pixels()[(y as usize * image.width() + x as usize) * 3 + c])
        } else {
            0.0
        };
        (v / 255.0 - Normalisation::CIFAR10.mean[c]) / Normalisation::CIFAR10.std[c]
    }

    fn all_close(a: &[f32], b: &[f32]) -> bool {
        a.len() == b.len() && a.iter().zip(b).all(|(a, b)| (a - b).abs() < 2e-3)
    }

    proptest! {
        #[test]
        fn a_copy_is_flip_then_window(
            image in pictures(), flip in any::<bool>(), dx in -9isize..10, dy in -9isize..10,
        ) {
            let planes = painted(&image, &Changes { flip, shift: (dx, dy), ..Changes::default() });
            let (width, height) = (image.width() as isize, image.height() as isize);
            for (i, value) in planes.iter().enumerate() {
                let i = i as isize;
                let (c, y, x) = (i / (width * height), i / width % height, i % width);
                let x = x + dx;
                let x = if flip { width - 1 - x } else { x };
                // Bit for bit: the table holds exactly the definition's values.
                prop_assert_eq!(*value, plainly(&image, c as usize, x, y + dy));
            }
        }

        #[test]
        fn resampling_by_nothing_is_copying(
            image in pictures(), flip in any::<bool>(), dx in -3isize..4, dy in -3isize..4,
        ) {
            let copied = Changes { flip, shift: (dx, dy), ..Changes::default() };
            let still = Rotation { cos: 1.0, sin: 0.0, shift: (0.0, 0.0) };
            let resampled = Changes { rotation: Some(still), ..copied.clone() };
            prop_assert!(all_close(&painted(&image, &copied), &painted(&image, &resampled)));
        }

        #[test]
        fn whole_shifts_agree(image in pictures(), dx in -3isize..4, dy in -3isize..4) {
            let window = Changes { shift: (dx, dy), ..Changes::default() };
            // A picture that moves left is a window that moves right.
            let shift = (-dx as f32, -dy as f32);
            let moved = Rotation { cos: 1.0, sin: 0.0, shift };
            let moved = Changes { rotation: Some(moved), ..Changes::default() };
            prop_assert!(all_close(&painted(&image, &window), &painted(&image, &moved)));
        }

        #[test]
        fn a_half_turn_reverses_each_plane(image in pictures()) {
            let half = Rotation { cos: -1.0, sin: 0.0, shift: (0.0, 0.0) };
            let turned = painted(&image, &Changes { rotation: Some(half), ..Changes::default() });
            let mut plain = painted(&image, &Changes::default());
            let area = image.width() * image.height();
            plain.chunks_exact_mut(area).for_each(<[f32]>::reverse);
            prop_assert!(all_close(&turned, &plain));
        }

        #[test]
        fn draws_keep_their_bounds(seed in any::<u64>()) {
            let augmentation = Augmentation { crop_padding: 3, ..Augmentation::reference() };
            let mut random = generator(Purpose::Augmentation, &[seed]);
            let changes = Changes::draw(&augmentation, (32, 16), &mut random);
            prop_assert!(changes.shift.0.abs() <= 3 && changes.shift.1.abs() <= 3);
            let rotation = changes.rotation.expect("the preset rotates");
            let scale = 1.0 / rotation.cos.hypot(rotation.sin);
            prop_assert!((0.7499..1.0001).contains(&scale));
            prop_assert!(rotation.sin.atan2(rotation.cos).to_degrees().abs() < 30.01);
            prop_assert!(rotation.shift.0.abs() <= 6.41 && rotation.shift.1.abs() <= 3.21);
            prop_assert!(changes.recolouring.len() <= 2, "only brightness and hue are set");
        }
    }

    #[test]
    fn a_square_about_any_pixel_is_erased_and_nothing_else() {
        let image = Image::new(6, 4, PixelFormat::Grey, vec![255; 24]).expect("fits");
        let plain = painted(&image, &Changes::default());
        let augmentation = Augmentation {
            erased_side: 3,
            ..Augmentation::none()
        };
        let mut middles = std::collections::BTreeSet::new();
        for i in 0..500 {
            let mut random = generator(Purpose::Augmentation, &[i]);
            let changes = Changes::draw(&augmentation, (6, 4), &mut random);
            let planes = painted(&image, &changes);
            let [columns, rows] = changes.erased.expect("asked for");
            assert!((2..=3).contains(&columns.len()) && (2..=3).contains(&rows.len()));
            for (at, value) in planes.iter().enumerate() {
                let inside = columns.contains(&(at % 6)) && rows.contains(&(at / 6 % 4));
                assert_eq!(*value, if inside { 0.0 } else { plain[at] });
            }
            middles.insert((columns.end, rows.end));
        }
        // Ends tell all middles apart but the last two of a side.
        assert_eq!(middles.len(), 5 * 3);
    }

    #[test]
    fn a_quarter_turn_moves_the_upper_left_corner_to_the_upper_right() {
        let mut pixels = vec![0; 9];
        pixels[0] = 255;
        let image = Image::new(3, 3, PixelFormat::Grey, pixels).expect("fits");
        let quarter = Rotation {
            cos: 0.0,
            sin: 1.0,
            shift: (0.0, 0.0),
        };
        let turned = painted(
            &image,
            &Changes {
                rotation: Some(quarter),
                ..Changes::default()
            },
        );
        let brightest = (0..9).max_by(|&a, &b| turned[a].total_cmp(&turned[b]));
        assert_eq!(brightest, Some(2));
    }

    #[test]
    fn doubling_the_scale_halves_what_is_seen() {
        let image = Image::new(4, 1, PixelFormat::Grey, vec![0, 100, 200, 0]).expect("fits");
        let doubled = Rotation {
            cos: 0.5,
            sin: 0.0,
            shift: (0.0, 0.0),
        };
        let planes = painted(
            &image,
            &Changes {
                rotation: Some(doubled),
                ..Changes::default()
            },
        );
        let red: Vec<f32> = planes[..4]
            .iter()
            .map(|v| (v * 0.2023 + 0.4914) * 255.0)
            .collect();
        assert!(all_close(&red, &[75.0, 125.0, 175.0, 150.0]), "{red:?}");
    }

    #[test]
    fn half_of_the_pictures_are_flipped_and_every_shift_occurs() {
        let augmentation = Augmentation::flip_and_crop();
        let draws: Vec<Changes> = (0..4_000)
            .map(|i| {
                let mut random = generator(Purpose::Augmentation, &[i]);
                Changes::draw(&augmentation, (32, 32), &mut random)
            })
            .collect();
        let flips = draws.iter().filter(|d| d.flip).count();
        // Six standard deviations of a binomial count: 6 * sqrt(4000 / 4) = 190.
        assert!(flips.abs_diff(2_000) < 190, "{flips}");
        for shift in -4..=4 {
            assert!(draws.iter().any(|d| d.shift.0 == shift));
            assert!(draws.iter().any(|d| d.shift.1 == shift));
        }
    }
}
