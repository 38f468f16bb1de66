//! The drawn shapes: what they promise, and that pixels alone do not give the kinds away.

use std::sync::Arc;

use crosr_data::{
    Batch, BatchPlan, DataError, Dataset, Image, PixelFormat, Sample, Shapes, batches,
};

#[test]
fn samples_follow_from_seed_and_position_alone() {
    let (few, many) = (Shapes::known(8, 3), Shapes::known(1_000, 3));
    for index in 0..8 {
        assert_eq!(few.sample(index).unwrap(), many.sample(index).unwrap());
    }
    assert_ne!(
        few.sample(0).unwrap(),
        Shapes::known(8, 4).sample(0).unwrap()
    );
    assert_ne!(few.sample(0).unwrap().image, few.sample(6).unwrap().image);
    assert!(matches!(
        few.sample(8),
        Err(DataError::OutOfRange { index: 8, len: 8 })
    ));
}

#[test]
fn known_kinds_come_in_turn_and_unknown_ones_without_a_label() {
    let n_known = Shapes::known_kinds().len();
    assert!(n_known >= 6 && Shapes::unknown_kinds().len() >= 4);
    let known = Shapes::known(20, 0);
    assert_eq!(known.class_names(), Shapes::known_kinds());
    for index in 0..20 {
        assert_eq!(known.label(index).unwrap(), Some(index % n_known));
        assert_eq!(known.sample(index).unwrap().label, Some(index % n_known));
    }
    let unknown = Shapes::unknown(5, 0);
    assert_eq!(unknown.class_names(), known.class_names());
    assert!((0..5).all(|i| unknown.sample(i).unwrap().label.is_none()));
    for name in Shapes::unknown_kinds() {
        assert!(!Shapes::known_kinds().contains(name), "{name} is known");
    }
    // The first picture of kind 0 is the same, alone or among all kinds.
    let alone = Shapes::unknown_kind(0, 1, 0).unwrap();
    assert_eq!(alone.sample(0).unwrap(), unknown.sample(0).unwrap());
    let past = Shapes::unknown_kind(Shapes::unknown_kinds().len(), 1, 0);
    assert!(matches!(past, Err(DataError::Classes { .. })), "{past:?}");
    assert!(Shapes::unknown_kind(usize::MAX, 1, 0).is_err());
}

#[test]
fn pictures_are_32_by_32_with_colour_and_some_contrast() {
    let data = Shapes::unknown(40, 9);
    for index in 0..40 {
        let image = data.sample(index).unwrap().image;
        assert_eq!(
            (image.width(), image.height(), image.format()),
            (32, 32, PixelFormat::Rgb)
        );
        let light: Vec<u32> = image
            .pixels()
            .chunks_exact(3)
            .map(|p| (299 * u32::from(p[0]) + 587 * u32::from(p[1]) + 114 * u32::from(p[2])) / 1000)
            .collect();
        assert!(light.iter().max().unwrap() - light.iter().min().unwrap() >= 50);
    }
}

/// Accuracy on `test` of a softmax regression on all pixels, trained by gradient descent with
/// momentum: the best that a linear classifier can do, or nearly.
fn linear_accuracy(train: Arc<dyn Dataset>, test: Arc<dyn Dataset>) -> f64 {
    const D: usize = 3 * 32 * 32;
    let n_classes = train.class_names().len();
    let read = |data: Arc<dyn Dataset>| -> Vec<Batch> {
        batches(data, &BatchPlan::default())
            .unwrap()
            .map(Result::unwrap)
            .collect()
    };
    let (train, test) = (read(train), read(test));
    let logits = |weights: &[f32], image: &[f32]| -> Vec<f32> {
        weights
            .chunks_exact(D + 1)
            .map(|w| w[D] + w[..D].iter().zip(image).map(|(w, x)| w * x).sum::<f32>())
            .collect()
    };
    let mut weights = vec![0.0f32; n_classes * (D + 1)];
    let mut velocity = weights.clone();
    for epoch in 0..20 {
        let rate = 0.02 / (1.0 + epoch as f32);
        for batch in &train {
            let mut gradient = vec![0.0f32; weights.len()];
            for (image, label) in batch.images.chunks_exact(D).zip(&batch.labels) {
                let mut p = logits(&weights, image);
                let most = p.iter().copied().fold(f32::MIN, f32::max);
                p.iter_mut().for_each(|v| *v = (*v - most).exp());
                let sum: f32 = p.iter().sum();
                for (class, row) in gradient.chunks_exact_mut(D + 1).enumerate() {
                    let error = p[class] / sum - f32::from(u8::from(*label == Some(class)));
                    row[..D]
                        .iter_mut()
                        .zip(image)
                        .for_each(|(g, x)| *g += error * x);
                    row[D] += error;
                }
            }
            let step = rate / batch.labels.len() as f32;
            for ((w, v), g) in weights.iter_mut().zip(&mut velocity).zip(&gradient) {
                *v = 0.9 * *v - step * (g + 1e-3 * *w);
                *w += *v;
            }
        }
    }
    let (mut right, mut all) = (0, 0);
    for batch in &test {
        for (image, label) in batch.images.chunks_exact(D).zip(&batch.labels) {
            let scores = logits(&weights, image);
            let best = (0..n_classes).max_by(|&a, &b| scores[a].total_cmp(&scores[b]));
            right += usize::from(best == *label);
            all += 1;
        }
    }
    right as f64 / all as f64
}

#[test]
fn a_linear_classifier_on_pixels_learns_little() {
    let train = Arc::new(Shapes::known(4_000, 1));
    let accuracy = linear_accuracy(train, Arc::new(Shapes::known(1_000, 2)));
    // Chance is 1/6.
    assert!(accuracy < 0.5, "{accuracy}");
}

/// Shapes with one pixel in the corner that tells the class.
struct Marked(Shapes);

impl Dataset for Marked {
    fn class_names(&self) -> &[String] {
        self.0.class_names()
    }

    fn len(&self) -> usize {
        self.0.len()
    }

    fn sample(&self, index: usize) -> Result<Sample, DataError> {
        let Sample { image, label } = self.0.sample(index)?;
        let mut pixels = image.pixels().to_vec();
        for p in 0..6 {
            for q in 0..16 {
                pixels[(p * 16 + q) * 3] = if label == Some(p) { 255 } else { 0 };
            }
        }
        Ok(Sample {
            image: Image::new(32, 32, PixelFormat::Rgb, pixels)?,
            label,
        })
    }
}

#[test]
fn the_linear_classifier_finds_what_pixels_do_tell() {
    let train = Arc::new(Marked(Shapes::known(1_000, 1)));
    let accuracy = linear_accuracy(train, Arc::new(Marked(Shapes::known(500, 2))));
    assert!(accuracy > 0.95, "{accuracy}");
}
