//! Helpers of the end-to-end tests: the real binary, small data on disk, and mishaps.

pub mod kills;
#[cfg(target_os = "linux")]
pub mod mounts;
pub mod run_folder;

use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::sync::OnceLock;

use safetensors::tensor::{Dtype, TensorView};
use serde_json::Value;

/// The `crosr` binary of this build. `cargo test --workspace` has made it; a run of this package
/// alone makes it now.
fn binary() -> &'static Path {
    static BINARY: OnceLock<PathBuf> = OnceLock::new();
    BINARY.get_or_init(|| {
        let test = std::env::current_exe().expect("a test has a path");
        let profile = test
            .parent()
            .and_then(Path::parent)
            .expect("target/PROFILE/deps/TEST");
        let binary = profile.join(format!("crosr{}", std::env::consts::EXE_SUFFIX));
        if !binary.is_file() {
            let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
            let mut build = Command::new(cargo);
            build.args(["build", "--package", "crosr-cli", "--bin", "crosr"]);
            if profile.ends_with("release") {
                build.arg("--release");
            }
            assert!(
                build.status().expect("cargo runs").success(),
                "crosr builds"
            );
        }
        binary
    })
}

/// What a run of the binary left.
pub struct Run {
    /// Exit code.
    pub code: i32,
    /// Standard output.
    pub stdout: String,
    /// Standard error.
    pub stderr: String,
}

impl Run {
    /// Standard output as JSON, of a run that went well.
    ///
    /// # Panics
    /// When the run failed or printed something else.
    #[must_use]
    pub fn json(&self) -> Value {
        assert_eq!(self.code, 0, "{}", self.stderr);
        serde_json::from_str(&self.stdout).expect(&self.stdout)
    }

    /// Checks that the run was refused: exit code 2 and one line that holds all of `parts`.
    ///
    /// # Panics
    /// When it was not.
    pub fn refused(&self, parts: &[&str]) {
        assert_eq!(self.code, 2, "{}{}", self.stdout, self.stderr);
        self.failed(parts);
    }

    /// Checks that the run failed, whoever is to blame: one line that holds all of `parts`, and no
    /// panic.
    ///
    /// # Panics
    /// When it did not.
    pub fn failed(&self, parts: &[&str]) {
        assert!([1, 2].contains(&self.code), "{} {}", self.code, self.stderr);
        let lines: Vec<&str> = self
            .stderr
            .lines()
            .filter(|line| line.starts_with("crosr: "))
            .collect();
        let [line] = lines.as_slice() else {
            panic!("one line of error: {}", self.stderr)
        };
        assert!(!self.stderr.contains("panicked"), "{}", self.stderr);
        for part in parts {
            assert!(line.contains(part), "{line:?} does not speak of {part:?}");
        }
    }
}

/// Runs `crosr` with these arguments in `folder`.
///
/// # Panics
/// When it cannot be started.
pub fn crosr(folder: &Path, args: &[&str]) -> Run {
    run(command(folder, args))
}

/// Runs `crosr` with these arguments in `folder` and `input` on its standard input.
///
/// # Panics
/// When it cannot be started or does not read.
pub fn crosr_reading(folder: &Path, args: &[&str], input: &[u8]) -> Run {
    let mut command = command(folder, args);
    command.stdin(Stdio::piped());
    command.stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().expect("crosr starts");
    let mut stdin = child.stdin.take().expect("piped");
    stdin.write_all(input).expect("read");
    drop(stdin);
    finished(child.wait_with_output().expect("ends"))
}

/// `crosr` with these arguments in `folder`, not yet started.
pub fn command(folder: &Path, args: &[&str]) -> Command {
    let mut command = Command::new(binary());
    command.args(args).current_dir(folder);
    command
}

fn run(mut command: Command) -> Run {
    finished(command.output().expect("crosr starts"))
}

/// What a process that has ended left.
#[must_use]
pub fn finished(output: Output) -> Run {
    Run {
        code: output.status.code().unwrap_or(-1),
        stdout: String::from_utf8_lossy(&output.stdout).into_owned(),
        stderr: String::from_utf8_lossy(&output.stderr).into_owned(),
    }
}

/// A fresh folder that goes away with the returned value.
///
/// # Panics
/// When none can be made.
#[must_use]
pub fn folder() -> tempfile::TempDir {
    tempfile::tempdir().expect("a temporary folder")
}

/// Rows of one length, and a label each.
pub type Labelled = (Vec<Vec<f32>>, Vec<i64>);

/// Flags that train a small network on three of the drawn shapes in seconds.
pub const SMALL_TRAINING: [&str; 19] = [
    "train",
    "--dataset",
    "shapes",
    "--limit",
    "600",
    "--known-classes",
    "disc,triangle,star",
    "--width",
    "0.125",
    "--epochs",
    "8",
    "--batch-size",
    "16",
    "--learning-rate",
    "0.03",
    "--conv-dropout",
    "0",
    "--fc-dropout",
    "0",
];

/// Epochs of [`BRIEF_TRAINING`].
pub const BRIEF_EPOCHS: usize = 8;

/// Flags that train a network of the same size for a second: it learns just enough to be fitted.
/// Dropout, augmentation and the schedule are on, all of which a resumed training must take up
/// where they were.
pub const BRIEF_TRAINING: [&str; 23] = [
    "train",
    "--dataset",
    "shapes",
    "--limit",
    "200",
    "--known-classes",
    "disc,triangle,star",
    "--width",
    "0.125",
    "--epochs",
    "8",
    "--batch-size",
    "16",
    "--learning-rate",
    "0.03",
    "--conv-dropout",
    "0.02",
    "--fc-dropout",
    "0.05",
    "--seed",
    "7",
    "--device",
    "cpu",
];

/// A folder with `features/` in it, as `crosr fit` and `crosr eval` leave it: train, held-out, known
/// and these outlier sets.
///
/// # Panics
/// When it cannot be written.
#[must_use]
pub fn feature_folder(
    known: impl Fn(usize, usize) -> Labelled,
    outliers: &[(&str, Labelled)],
) -> tempfile::TempDir {
    let dir = folder();
    std::fs::create_dir(dir.path().join("features")).expect("writable");
    let write = |name: &str, (rows, labels): &Labelled| {
        let path = dir.path().join(format!("features/{name}.safetensors"));
        write_features(&path, rows, labels);
    };
    write("train", &known(300, 0));
    write("held-out", &known(300, 1 << 20));
    write("known", &known(300, 1 << 21));
    for (name, set) in outliers {
        write(name, set);
    }
    dir
}

/// Writes a features file: rows of one length, and a label each.
///
/// # Panics
/// When it cannot be written.
pub fn write_features(path: &Path, rows: &[Vec<f32>], labels: &[i64]) {
    let data: Vec<u8> = rows
        .iter()
        .flatten()
        .flat_map(|v| v.to_le_bytes())
        .collect();
    let label_data: Vec<u8> = labels.iter().flat_map(|v| v.to_le_bytes()).collect();
    let dim = rows.first().map_or(0, Vec::len);
    let views = [
        (
            "features",
            TensorView::new(Dtype::F32, vec![rows.len(), dim], &data).expect("fits"),
        ),
        (
            "labels",
            TensorView::new(Dtype::I64, vec![labels.len()], &label_data).expect("fits"),
        ),
    ];
    let bytes = safetensors::serialize(views, None).expect("serialises");
    std::fs::write(path, bytes).expect("writable");
}

/// Numbers in [0, 1) that only their position decides.
#[must_use]
pub fn noise(position: usize) -> f32 {
    let mut z = (position as u64).wrapping_add(0x9E37_79B9_7F4A_7C15);
    z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    ((z ^ (z >> 31)) >> 40) as f32 / 16_777_216.0
}

/// `n` vectors of `n_classes` logits and 4 more numbers, classes in turn, clearly classified.
#[must_use]
pub fn known_features(n: usize, n_classes: usize, seed: usize) -> Labelled {
    let row = |i: usize| {
        let class = i % n_classes;
        (0..n_classes + 4)
            .map(|k| if k == class { 8.0 } else { 0.0 } + noise(seed + i * 64 + k))
            .collect()
    };
    (
        (0..n).map(row).collect(),
        (0..n).map(|i| (i % n_classes) as i64).collect(),
    )
}

/// `n` vectors far from every class: no logit stands out, the rest is large.
#[must_use]
pub fn unknown_features(n: usize, n_classes: usize, seed: usize) -> Labelled {
    let row = |i: usize| {
        (0..n_classes + 4)
            .map(|k| if k < n_classes { 2.0 } else { 20.0 } + noise(seed + i * 64 + k))
            .collect()
    };
    ((0..n).map(row).collect(), vec![-1; n])
}
