//! The weights that come with the repository.

use std::path::Path;

use crosr_tests::{crosr, folder, noise};
use image::RgbImage;

#[test]
fn the_weights_that_ship_reject_noise_and_name_their_classes() {
    let dir = folder();
    let weights =
        Path::new(env!("CARGO_MANIFEST_DIR")).join("../data/pretrained/dhrnet-cifar10.safetensors");
    let size = std::fs::metadata(&weights)
        .expect("in the repository")
        .len();
    assert!(size <= 16_000_000, "{size} bytes");
    for number in 0..12 {
        let image = RgbImage::from_fn(32, 32, |x, y| {
            let at = (number * 7 + 1) * 10_000 + (y * 32 + x) as usize * 3;
            image::Rgb([at, at + 1, at + 2].map(|at| (noise(at) * 255.0) as u8))
        });
        image
            .save(dir.path().join(format!("{number:02}.png")))
            .expect("writable");
    }
    let weights = weights.to_string_lossy();
    let run = crosr(
        dir.path(),
        &["predict", "--pretrained", &weights, "--jsonl", "."],
    );
    assert_eq!(run.code, 0, "{}", run.stderr);
    let lines: Vec<serde_json::Value> = run
        .stdout
        .lines()
        .map(|line| serde_json::from_str(line).expect("JSON"))
        .collect();
    assert_eq!(lines.len(), 12);
    for line in &lines {
        assert_eq!(line["unknown"], true, "{line}");
        let probabilities = line["probabilities"].as_object().expect("by class");
        assert_eq!(probabilities.len(), 11);
        for class in ["airplane", "truck", "unknown"] {
            assert!(probabilities[class].is_number(), "{class}: {line}");
        }
        let sum: f64 = probabilities
            .values()
            .filter_map(serde_json::Value::as_f64)
            .sum();
        assert!((sum - 1.0).abs() < 1e-9, "{sum}");
    }
}
