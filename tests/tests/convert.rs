//! `crosr convert` on PyTorch checkpoints.

use std::path::{Path, PathBuf};

use crosr_tests::{crosr, folder};

/// Reference files beside the checkout; `None`, with a word, in a user's clone.
fn golden(file: &str) -> Option<PathBuf> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("../../shared/golden/dhrnet")
        .join(file);
    if path.is_file() {
        return Some(path.canonicalize().expect("it is there"));
    }
    #[allow(clippy::print_stderr)]
    {
        eprintln!("skipped: {} is not there", path.display());
    }
    None
}

#[test]
fn a_narrow_network_keeps_its_shape_and_values() {
    let (Some(pt), Some(wanted)) = (
        golden("dhr_net_small.pt"),
        golden("dhr_net_small.safetensors"),
    ) else {
        return;
    };
    let dir = folder();
    let input = pt.to_str().expect("a path");
    let run = crosr(
        dir.path(),
        &["convert", input, "--out", "small.safetensors", "--json"],
    );
    let json = run.json();
    assert_eq!(json["widths"], serde_json::json!([8, 12, 16]));
    let (found, wanted) = (
        std::fs::read(dir.path().join("small.safetensors")).expect("written"),
        std::fs::read(wanted).expect("readable"),
    );
    let found = safetensors::SafeTensors::deserialize(&found).expect("safetensors");
    let wanted = safetensors::SafeTensors::deserialize(&wanted).expect("safetensors");
    let mut compared = 0;
    for (name, view) in wanted.iter().filter(|(name, _)| !name.ends_with("tracked")) {
        assert_eq!(
            found.tensor(name).expect(name).data(),
            view.data(),
            "{name}"
        );
        compared += 1;
    }
    assert_eq!(compared, found.len());
}

#[test]
fn the_published_shape_converts() {
    let Some(pt) = golden("dhr_net_ref.pt") else {
        return;
    };
    let dir = folder();
    let input = pt.to_str().expect("a path");
    let run = crosr(
        dir.path(),
        &["convert", input, "--out", "ref.safetensors", "--json"],
    );
    let json = run.json();
    assert_eq!(json["widths"], serde_json::json!([64, 128, 256]));
    assert_eq!(json["classes"][3], "cat");
}

#[test]
fn what_is_no_dhrnet_is_refused() {
    let dir = folder();
    let tiny = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("../crates/crosr-model/tests/data/torch/tiny_zip.pt");
    let tiny = tiny.to_str().expect("a path");
    crosr(dir.path(), &["convert", tiny, "--out", "o"]).refused(&["tiny_zip.pt", "missing"]);
    std::fs::write(dir.path().join("junk.pt"), [7; 100]).expect("writable");
    crosr(dir.path(), &["convert", "junk.pt", "--out", "o"]).refused(&["junk.pt"]);
    assert!(!dir.path().join("o").exists());
}
