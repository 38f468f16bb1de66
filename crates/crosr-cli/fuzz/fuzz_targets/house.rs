// The binary's modules, under the names by which they call each other; included at the root of
// each target.

#[allow(dead_code, unused_imports)] // each target uses some of it
#[path = "../../src/args/mod.rs"]
mod args;
#[allow(dead_code)]
#[path = "../../src/error.rs"]
mod error;
#[allow(dead_code, unused_imports)]
#[path = "../../src/formats/mod.rs"]
mod formats;
#[allow(dead_code)]
#[path = "../../../crosr-model/fuzz/fuzz_targets/mutator.rs"]
mod mutator;
#[allow(dead_code)]
#[path = "../../src/run_folder.rs"]
mod run_folder;

/// A folder of this process for files.
#[allow(dead_code)]
fn folder() -> std::path::PathBuf {
    let folder = std::env::temp_dir().join(format!("crosr-fuzz-{}", std::process::id()));
    std::fs::create_dir_all(&folder).expect("writable");
    folder
}
