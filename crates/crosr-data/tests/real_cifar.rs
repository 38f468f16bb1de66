//! The published CIFAR-10 files, where they are: `CROSR_DATA_DIR` names the folder that holds
//! `cifar-10-batches-bin`.

#![allow(clippy::print_stderr)]

use std::path::PathBuf;

use crosr_data::{Cifar10, Dataset, Split};

#[test]
fn published_files_hold_ten_classes_of_6000() {
    let Some(folder) = std::env::var_os("CROSR_DATA_DIR").map(PathBuf::from) else {
        eprintln!("skipped: CROSR_DATA_DIR names no folder");
        return;
    };
    for (part, per_class) in [(Split::Train, 5_000), (Split::Test, 1_000)] {
        let data = Cifar10::open(&folder, part).unwrap();
        assert_eq!(data.class_names()[9], "truck");
        let mut counts = [0; 10];
        let mut sums = [0u64; 3];
        for index in 0..data.len() {
            let sample = data.sample(index).unwrap();
            counts[sample.label.unwrap()] += 1;
            for pixel in sample.image.pixels().chunks_exact(3) {
                sums.iter_mut()
                    .zip(pixel)
                    .for_each(|(sum, &v)| *sum += u64::from(v));
            }
        }
        assert_eq!(counts, [per_class; 10], "{part:?}");
        if part == Split::Train {
            // The published means of red, green and blue. They tell the planes apart; copies that
            // have been through JPEG are off by 2e-4.
            let means = sums.map(|sum| sum as f64 / (50_000.0 * 1024.0 * 255.0));
            for (mean, published) in means.iter().zip([0.4914, 0.4822, 0.4465]) {
                assert!((mean - published).abs() < 1e-3, "{means:?}");
            }
        }
    }
}
