//! Peak memory of `crosr fit`, `eval` and `predict` at growing numbers of samples.
//!
//! ```sh
//! cargo run -p crosr-tests --example load -- vectors 100000 1000000 5000000
//! cargo run -p crosr-tests --example load -- pictures 100000 200000
//! ```
//!
//! Vectors of length 106 are written to a temporary folder (set TMPDIR for another one: 424 bytes a
//! vector, twice); pictures are 2,000 files, listed again and again on standard input. The peak is
//! what Linux says of the process (VmHWM).

#![allow(clippy::print_stdout, clippy::print_stderr)] // an example talks

use std::fs::File;
use std::io::{BufWriter, Write};
use std::path::Path;
use std::process::{Child, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use crosr_tests::{SMALL_TRAINING, command, crosr, folder, noise};

const CLASSES: usize = 10;
const DIM: usize = 106;
/// Different pictures on disk.
const PICTURES: usize = 2_000;

type Fallible<T = ()> = Result<T, Box<dyn std::error::Error>>;

fn main() -> Fallible {
    let mut args = std::env::args().skip(1);
    let what = args.next().unwrap_or_default();
    let sizes = args
        .map(|size| size.parse())
        .collect::<Result<Vec<usize>, _>>()?;
    println!("{:>9}  {:8}  peak MiB  seconds", "samples", "command");
    match what.as_str() {
        "vectors" => sizes.into_iter().try_for_each(vectors),
        "pictures" => pictures(&sizes),
        _ => Err("vectors or pictures, then numbers of them".into()),
    }
}

fn vectors(n: usize) -> Fallible {
    let dir = folder();
    let path = |name: &str| dir.path().join(name);
    write_vectors(&path("known.safetensors"), n, true)?;
    write_vectors(&path("far.safetensors"), n, false)?;
    let fit = [
        "fit",
        "--features",
        "known.safetensors",
        "--out",
        "openset.safetensors",
    ];
    measured(n, dir.path(), &fit, |_| Ok(()))?;
    let eval = [
        "eval",
        "--openset",
        "openset.safetensors",
        "--known",
        "known.safetensors",
        "--unknown",
        "far=far.safetensors",
        "--json",
    ];
    measured(n, dir.path(), &eval, |_| Ok(()))
}

/// Vectors of known samples, classes in turn, or of unknown ones; some of each look like the
/// others.
fn write_vectors(path: &Path, n: usize, known: bool) -> Fallible {
    let features = n * DIM * 4;
    let header = format!(
        "{{\"features\":{{\"dtype\":\"F32\",\"shape\":[{n},{DIM}],\"data_offsets\":[0,{features}]}},\
         \"labels\":{{\"dtype\":\"I64\",\"shape\":[{n}],\"data_offsets\":[{features},{}]}}}}",
        features + n * 8
    );
    let mut file = BufWriter::new(File::create(path)?);
    file.write_all(&(header.len() as u64).to_le_bytes())?;
    file.write_all(header.as_bytes())?;
    for i in 0..n {
        let at = i * DIM + usize::from(!known) * (1 << 40);
        let height = if known { 8.0 } else { 5.0 } * noise(at + (1 << 50));
        for k in 0..DIM {
            let peak = if k == i % CLASSES { height } else { 0.0 };
            file.write_all(&(peak + noise(at + k)).to_le_bytes())?;
        }
    }
    for i in 0..n {
        let label = if known { (i % CLASSES) as i64 } else { -1 };
        file.write_all(&label.to_le_bytes())?;
    }
    file.flush()?;
    Ok(())
}

fn pictures(sizes: &[usize]) -> Fallible {
    let dir = folder();
    let train = [&SMALL_TRAINING[..], &["--out", "run"]].concat();
    for args in [&train[..], &["fit", "--run", "run", "--tail", "20"]] {
        let run = crosr(dir.path(), args);
        if run.code != 0 {
            return Err(run.stderr.into());
        }
    }
    std::fs::create_dir(dir.path().join("pictures"))?;
    for i in 0..PICTURES {
        let pixels = (0..32 * 32 * 3).map(|p| (noise(i * 4096 + p) * 255.0) as u8);
        let picture = image::RgbImage::from_vec(32, 32, pixels.collect()).ok_or("its size")?;
        picture.save(dir.path().join(format!("pictures/{i}.png")))?;
    }
    for &n in sizes {
        let predict = ["predict", "--run", "run", "--jsonl", "-"];
        measured(n, dir.path(), &predict, |child| {
            let input = child.stdin.take().ok_or("a pipe")?;
            let mut input = BufWriter::new(input);
            for i in 0..n {
                writeln!(input, "pictures/{}.png", i % PICTURES)?;
            }
            Ok(input.flush()?)
        })?;
    }
    Ok(())
}

/// Runs a command and prints its peak.
fn measured(
    n: usize,
    folder: &Path,
    args: &[&str],
    feed: impl FnOnce(&mut Child) -> Fallible,
) -> Fallible {
    let start = Instant::now();
    let mut command = command(folder, args);
    command
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .stderr(Stdio::null());
    let mut child = command.spawn()?;
    let status = format!("/proc/{}/status", child.id());
    let watch = thread::spawn(move || {
        let mut peak = 0;
        // The process is there until it is waited for, its memory is not.
        while let Ok(text) = std::fs::read_to_string(&status) {
            let Some(now) = high_water_mark(&text) else {
                break;
            };
            peak = peak.max(now);
            thread::sleep(Duration::from_millis(5));
        }
        peak
    });
    feed(&mut child)?;
    drop(child.stdin.take());
    let peak = watch.join().map_err(|_| "the watch ends")?;
    let status = child.wait()?;
    println!(
        "{n:9}  {:8}  {:8.1}  {:7.1}",
        args[0],
        peak as f64 / 1024.0,
        start.elapsed().as_secs_f64()
    );
    if !status.success() {
        return Err(format!("crosr {args:?}: {status}").into());
    }
    Ok(())
}

/// Largest resident size so far, in KiB.
fn high_water_mark(status: &str) -> Option<u64> {
    let line = status.lines().find(|line| line.starts_with("VmHWM:"))?;
    line.split_whitespace().nth(1)?.parse().ok()
}
