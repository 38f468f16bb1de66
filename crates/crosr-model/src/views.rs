//! One picture read several times.

use crosr_data::Batch;

/// How often a picture is read for its activation vector and reconstruction error, which are means
/// over the readings: more work for steadier numbers.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Views {
    /// As it is.
    #[default]
    Single,
    /// As it is and with left and right exchanged, where that makes no difference to the class:
    /// twice the work.
    Mirrored,
    /// In place, and moved by a pixel up and left, and down and right, half as much each; all three
    /// as they are and mirrored: six times the work. What a picture loses at a border, the pixels
    /// beside it replace.
    Shifted,
}

impl Views {
    /// The readings: how far the picture moves right and down, whether it is mirrored, and what
    /// part of the mean it is.
    pub(crate) fn readings(self) -> Vec<(isize, bool, f32)> {
        match self {
            Self::Single => vec![(0, false, 1.0)],
            Self::Mirrored => vec![(0, false, 0.5), (0, true, 0.5)],
            Self::Shifted => [(0, 0.25), (-1, 0.125), (1, 0.125)]
                .iter()
                .flat_map(|&(shift, part)| [(shift, false, part), (shift, true, part)])
                .collect(),
        }
    }
}

/// The pictures of a batch moved by `shift` pixels right and down, then mirrored or not.
pub(crate) fn viewed(batch: &Batch, shift: isize, mirrored: bool) -> Vec<f32> {
    let [.., height, width] = batch.shape;
    let mut images = Vec::with_capacity(batch.images.len());
    if width * height == 0 {
        return images;
    }
    let from = |at: usize, side: usize| at.saturating_add_signed(-shift).min(side - 1);
    for plane in batch.images.chunks_exact(width * height) {
        for y in 0..height {
            let row = &plane[from(y, height) * width..][..width];
            if mirrored {
                images.extend((0..width).rev().map(|x| row[from(x, width)]));
            } else {
                images.extend((0..width).map(|x| row[from(x, width)]));
            }
        }
    }
    images
}

#[cfg(test)]
mod tests {
    use super::*;

    fn batch() -> Batch {
        Batch {
            images: (0..12).map(|v| v as f32).collect(),
            shape: [1, 1, 3, 4],
            labels: vec![None],
            indices: vec![0],
        }
    }

    #[test]
    fn pictures_move_and_borders_continue() {
        let rows = |values: [[u8; 4]; 3]| values.concat().iter().map(|&v| f32::from(v)).collect();
        let expected: Vec<f32> = rows([[0, 0, 1, 2], [0, 0, 1, 2], [4, 4, 5, 6]]);
        assert_eq!(viewed(&batch(), 1, false), expected);
        let expected: Vec<f32> = rows([[7, 7, 6, 5], [11, 11, 10, 9], [11, 11, 10, 9]]);
        assert_eq!(viewed(&batch(), -1, true), expected);
        assert_eq!(viewed(&batch(), 0, false), batch().images);
    }

    #[test]
    fn the_parts_make_a_whole() {
        for views in [Views::Single, Views::Mirrored, Views::Shifted] {
            let parts = views.readings().into_iter().map(|(.., part)| part);
            assert_eq!(parts.sum::<f32>(), 1.0, "{views:?}");
        }
    }
}
