//! Datasets made of datasets.

use std::sync::Arc;

use crosr_data::{
    ClassSplit, Concat, DataError, Dataset, Image, Noise, PixelFormat, Sample, Subset, split,
};

/// One pixel a sample, whose value is the sample's number; classes as listed.
#[derive(Clone)]
struct Numbers {
    names: Vec<String>,
    labels: Vec<Option<usize>>,
}

impl Numbers {
    fn new(n_classes: usize, labels: &[usize]) -> Self {
        let names = (0..n_classes).map(|c| format!("class {c}")).collect();
        Self {
            names,
            labels: labels.iter().map(|&l| Some(l)).collect(),
        }
    }
}

impl Dataset for Numbers {
    fn class_names(&self) -> &[String] {
        &self.names
    }

    fn len(&self) -> usize {
        self.labels.len()
    }

    fn sample(&self, index: usize) -> Result<Sample, DataError> {
        let len = self.len();
        let label = *self
            .labels
            .get(index)
            .ok_or(DataError::OutOfRange { index, len })?;
        Ok(Sample {
            image: Image::new(1, 1, PixelFormat::Grey, vec![index as u8])?,
            label,
        })
    }
}

/// Numbers and labels of all samples; `label` must agree with `sample`.
fn listed(data: &dyn Dataset) -> Vec<(u8, Option<usize>)> {
    (0..data.len())
        .map(|i| {
            let sample = data.sample(i).unwrap();
            assert_eq!(data.label(i).unwrap(), sample.label);
            (sample.image.pixels()[0], sample.label)
        })
        .collect()
}

fn assert_ends(data: &dyn Dataset) {
    let index = data.len();
    for error in [data.sample(index).err(), data.label(index).err()] {
        assert!(
            matches!(error, Some(DataError::OutOfRange { .. })),
            "{error:?}"
        );
    }
    assert_eq!(data.path(index), None);
}

#[test]
fn a_subset_keeps_the_order_it_was_given() {
    let data = Numbers::new(2, &[0, 1, 0]);
    let subset = Subset::new(&data, vec![2, 1, 2]).unwrap();
    assert_eq!(listed(&subset), [(2, Some(0)), (1, Some(1)), (2, Some(0))]);
    assert_eq!(subset.indices(), [2, 1, 2]);
    assert_ends(&subset);
    let past = Subset::new(&data, vec![0, 3]).err();
    assert!(
        matches!(past, Some(DataError::OutOfRange { index: 3, len: 3 })),
        "{past:?}"
    );
}

#[test]
fn a_union_runs_through_its_parts() {
    let a: Arc<dyn Dataset> = Arc::new(Numbers::new(2, &[0, 1]));
    let none: Arc<dyn Dataset> = Arc::new(Numbers::new(2, &[]));
    let b: Arc<dyn Dataset> = Arc::new(Numbers::new(2, &[1]));
    let noise: Arc<dyn Dataset> = Arc::new(Noise::uniform(2, 1, 1, 0));
    let union = Concat::new(vec![noise, a.clone(), none, b]).unwrap();
    assert_eq!(union.class_names(), a.class_names());
    let labels: Vec<Option<usize>> = listed(&union).iter().map(|(_, label)| *label).collect();
    assert_eq!(labels, [None, None, Some(0), Some(1), Some(1)]);
    assert_ends(&union);
    let other: Arc<dyn Dataset> = Arc::new(Numbers::new(3, &[0]));
    assert!(matches!(
        Concat::new(vec![a, other]),
        Err(DataError::Classes { .. })
    ));
    assert!(matches!(
        Concat::new(vec![]),
        Err(DataError::Classes { .. })
    ));
}

#[test]
fn a_class_split_numbers_the_known_classes_anew() {
    let data = Numbers::new(4, &[3, 0, 1, 3, 2]);
    let (known, unknown) = ClassSplit::new(&data, &[3, 1]).unwrap();
    assert_eq!(known.class_names(), ["class 3", "class 1"]);
    assert_eq!(unknown.class_names(), known.class_names());
    assert_eq!(listed(&known), [(0, Some(0)), (2, Some(1)), (3, Some(0))]);
    assert_eq!(listed(&unknown), [(1, None), (4, None)]);
    assert_ends(&known);
    assert_ends(&unknown);
    for wrong in [&[][..], &[4], &[1, 1]] {
        let error = ClassSplit::new(&data, wrong).err();
        assert!(
            matches!(error, Some(DataError::Classes { .. })),
            "{wrong:?}: {error:?}"
        );
    }
}

#[test]
fn a_split_takes_the_same_share_of_every_class() {
    let labels: Vec<usize> = (0..200)
        .map(|i| if i % 10 == 0 { 2 } else { i % 2 })
        .collect();
    let data = Numbers::new(3, &labels);
    let count = |part: &dyn Dataset, class| {
        listed(part)
            .iter()
            .filter(|(_, label)| *label == Some(class))
            .count()
    };
    for held_out in [0, 1, 20, 50, 199, 200] {
        let (rest, held) = split(&data, held_out, 1).unwrap();
        assert_eq!((rest.len(), held.len()), (200 - held_out, held_out));
        let mut all = [rest.indices(), held.indices()].concat();
        assert!(rest.indices().is_sorted() && held.indices().is_sorted());
        all.sort_unstable();
        assert_eq!(all, (0..200).collect::<Vec<_>>());
        for class in 0..3 {
            let share = count(&data, class) as f64 * held_out as f64 / 200.0;
            let taken = count(&held, class) as f64;
            assert!(
                (taken - share).abs() <= 1.0,
                "class {class}: {taken} of {share}"
            );
        }
    }
    let chosen = |seed| split(&data, 50, seed).unwrap().1.indices().to_vec();
    assert_eq!(chosen(1), chosen(1));
    assert_ne!(chosen(1), chosen(2));
    assert!(matches!(split(&data, 201, 1), Err(DataError::Param { .. })));
}

#[test]
fn unlabelled_samples_are_split_and_impossible_labels_refused() {
    let (rest, held) = split(Noise::uniform(10, 1, 1, 0), 4, 0).unwrap();
    assert_eq!((rest.len(), held.len()), (6, 4));
    let error = split(Numbers::new(2, &[0, 2]), 1, 0).err();
    let refused = matches!(
        error,
        Some(DataError::SampleLabel {
            index: 1,
            label: 2,
            n_classes: 2
        })
    );
    assert!(refused, "{error:?}");
}

#[test]
fn datasets_work_behind_any_pointer() {
    let boxed: Box<dyn Dataset> = Box::new(Numbers::new(2, &[1, 0]));
    let shared: Arc<dyn Dataset> = Arc::new(boxed);
    let (rest, held) = split(shared, 1, 0).unwrap();
    assert_eq!(rest.len() + held.len(), 2);
    assert!(!held.is_empty());
}
