//! What can go wrong under a command while it writes: each fault is one line of error that names
//! the file, and the command said again, once the fault is mended, ends as if there had been none.
//!
//! The full and the read-only disk are a file system in memory of the test's own.
#![cfg(target_os = "linux")]
// Counts, for whoever asks with --nocapture.
#![allow(clippy::print_stdout)]

use std::fs;
use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::thread::sleep;
use std::time::Duration;

use crosr_tests::mounts::Mount;
use crosr_tests::run_folder::{Files, UNFINISHED, epochs_saved, files, same, timeless, unfinished};
use crosr_tests::{BRIEF_TRAINING, Run, command, crosr, finished, folder, noise};

const PAGE: u64 = 4096;

/// A command that must go well.
fn well(run: &Run) {
    assert_eq!(run.code, 0, "{}", run.stderr);
}

/// The files of a run that nothing happened to.
fn undisturbed(dir: &Path, flags: &[&str]) -> Files {
    well(&crosr(dir, &[flags, &["--out", "whole"]].concat()));
    files(&dir.join("whole"))
}

/// A file system of 16 MB at `mount` in the folder, where this machine allows one.
fn mount(dir: &Path) -> Option<Mount> {
    let place = dir.join("mount");
    fs::create_dir(&place).expect("writable");
    let mount = Mount::new(&place, "16m");
    mount
        .map_err(|reason| println!("skipped, there is no file system to be had: {reason}"))
        .ok()
}

/// A training that has been stopped between two files, with its second epoch behind it.
struct Stopped {
    training: Child,
    output: BufReader<std::process::ChildStdout>,
}

impl Stopped {
    fn new(mut training: Command, run: &Path) -> Self {
        training.stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut training = training.spawn().expect("starts");
        let mut output = BufReader::new(training.stdout.take().expect("piped"));
        for _ in 0..2 {
            let count = output.read_line(&mut String::new()).expect("an epoch");
            assert!(
                count > 0,
                "{:?}",
                finished(training.wait_with_output().expect("ends")).stderr
            );
        }
        let stopped = Self { training, output };
        loop {
            stopped.signal("-STOP");
            sleep(Duration::from_millis(5));
            let mut entries = fs::read_dir(run).expect("a run").flatten();
            if !entries.any(|entry| entry.file_name().to_string_lossy().starts_with(UNFINISHED)) {
                return stopped;
            }
            stopped.signal("-CONT");
            sleep(Duration::from_millis(5));
        }
    }

    fn signal(&self, name: &str) {
        let sent = Command::new("kill")
            .args([name, &self.training.id().to_string()])
            .status();
        assert!(sent.expect("kill runs").success());
    }

    /// Lets it go on to its end, with nobody to read its output if that is what is to be tried.
    fn end(self, read_on: bool) -> Run {
        self.signal("-CONT");
        if read_on {
            self.output.lines().for_each(drop);
        } else {
            drop(self.output);
        }
        finished(self.training.wait_with_output().expect("ends"))
    }
}

#[test]
fn a_disk_that_is_full_while_training() {
    let dir = folder();
    let expected = undisturbed(dir.path(), &BRIEF_TRAINING);
    let Some(mount) = mount(dir.path()) else {
        return;
    };
    let place = dir.path().join("mount/run");
    let place = place.to_str().expect("UTF-8");
    let run = mount.outside("run");
    let room = |name: &str| (expected[name].len() as u64).next_multiple_of(PAGE);
    let (model, last) = (room("model.safetensors"), room("last.safetensors"));
    // A page each for config.toml and history.jsonl; then an epoch's files beside the last one's.
    let epoch = PAGE + model + PAGE + last;
    let cases = [
        (0, "config.toml"),
        (PAGE + model / 2, "model.safetensors"),
        (PAGE + model, "history.jsonl"),
        (2 * PAGE + model + last / 2, "last.safetensors"),
        (epoch + model / 2, "model.safetensors"),
        (epoch + model.midpoint(last), "last.safetensors"),
    ];
    let always = ["--out", place, "--json"];
    for (free, name) in cases {
        mount.fill_but(free);
        let train = [&BRIEF_TRAINING[..], &always].concat();
        let reason = "No space left on device (os error 28)";
        mount.crosr(&train).failed(&[place, name, reason]);
        assert_eq!(unfinished(&files(&run)), 0);
        mount.empty();
        let again = if epochs_saved(&run) > 0 {
            [&["train", "--resume"], &always[..]].concat()
        } else {
            [&train[..], &["--overwrite"]].concat()
        };
        well(&mount.crosr(&again));
        same(&files(&run), &expected);
        fs::remove_dir_all(&run).expect("ours");
    }
    println!("{} faults: the disk is full while training", cases.len());
}

#[test]
fn a_disk_that_is_full_while_fitting_and_evaluating() {
    let dir = folder();
    let Some(mount) = mount(dir.path()) else {
        return;
    };
    let place = dir.path().join("mount/run");
    let place = place.to_str().expect("UTF-8");
    let run = mount.outside("run");
    let fit = |tail| ["fit", "--run", place, "--shrink-tail", "--tail", tail];
    let eval = ["eval", "--run", place, "--outliers", "rest=builtin:rest"];
    well(&mount.crosr(&[&BRIEF_TRAINING[..], &["--out", place]].concat()));
    well(&mount.crosr(&fit("7")));
    well(&mount.crosr(&eval));
    let old = files(&run);
    well(&mount.crosr(&fit("12")));
    well(&mount.crosr(&eval));
    let new = files(&run);

    // Files are replaced by others of about their size, the smaller ones first.
    let half = |name: &str| (new[name].len() as u64 / 2).next_multiple_of(PAGE);
    let between = |a: &str, b: &str| half(a) + half(b);
    let fit = fit("12");
    let cases: [(u64, &[&str], &str); 4] = [
        (half("openset.safetensors"), &fit, "openset.safetensors"),
        (0, &eval, "config.toml"),
        (half("scores.csv"), &eval, "scores.csv"),
        (between("scores.csv", "report.json"), &eval, "report.json"),
    ];
    for (free, args, name) in cases {
        mount.fill_but(free);
        mount
            .crosr(args)
            .failed(&[place, name, "No space left on device"]);
        mount.empty();
        let found = files(&run);
        assert_eq!(unfinished(&found), 0);
        for (path, bytes) in &found {
            let now = timeless(path, bytes);
            let whole = now == timeless(path, &old[path]) || now == timeless(path, &new[path]);
            assert!(whole, "{path} is neither the old one nor the new one");
        }
        well(&mount.crosr(args));
    }
    same(&files(&run), &new);
    println!(
        "{} faults: the disk is full while fitting and evaluating",
        cases.len()
    );
}

#[test]
fn a_disk_that_becomes_read_only() {
    let dir = folder();
    let expected = undisturbed(dir.path(), &BRIEF_TRAINING);
    let Some(mount) = mount(dir.path()) else {
        return;
    };
    let place = dir.path().join("mount/run");
    let place = place.to_str().expect("UTF-8");
    let run = mount.outside("run");
    let train = [&BRIEF_TRAINING[..], &["--out", place, "--json"]].concat();
    let stopped = Stopped::new(mount.command(&train), &run);
    mount.remount("ro");
    let reason = "Read-only file system";
    stopped
        .end(true)
        .failed(&[place, "model.safetensors", reason]);
    let left = files(&run);
    assert_eq!(unfinished(&left), 0);

    let resume = ["train", "--resume", "--out", place];
    mount.crosr(&resume).failed(&[place, "config.toml", reason]);
    assert!(files(&run) == left, "something was written after all");

    mount.remount("rw");
    well(&mount.crosr(&resume));
    same(&files(&run), &expected);
    mount.remount("ro");
    let fit = ["fit", "--run", place, "--shrink-tail"];
    mount
        .crosr(&fit)
        .failed(&[place, "openset.safetensors", reason]);
    let eval = ["eval", "--run", place];
    mount.crosr(&eval).failed(&[place, "config.toml", reason]);
    same(&files(&run), &expected);
    println!("4 faults: a read-only disk");
}

/// Two classes of small pictures, so many of each.
fn write_pictures(folder: &Path, count: usize) {
    for (class, name) in ["dark", "light"].iter().enumerate() {
        let folder = folder.join(name);
        fs::create_dir_all(&folder).expect("writable");
        for i in 0..count {
            let shade = |x, y| {
                let position = ((class * count + i) * 16 + y as usize) * 16 + x as usize;
                image::Luma([(noise(position) * 120.0) as u8 + 100 * class as u8])
            };
            let picture = image::GrayImage::from_fn(16, 16, shade);
            picture
                .save(folder.join(format!("{i}.png")))
                .expect("writable");
        }
    }
}

#[test]
fn data_that_vanish() {
    let dir = folder();
    let data = dir.path().join("pictures");
    write_pictures(&data, 60);
    let flags = [
        "train",
        "--dataset",
        "folder",
        "--data-dir",
        "pictures",
        "--width",
        "0.125",
        "--epochs",
        "12",
        "--batch-size",
        "16",
        "--seed",
        "7",
    ];
    let expected = undisturbed(dir.path(), &flags);
    let run = dir.path().join("run");
    let train = [&flags[..], &["--out", "run", "--json"]].concat();
    let stopped = Stopped::new(command(dir.path(), &train), &run);
    let away = dir.path().join("away");
    fs::rename(&data, &away).expect("ours");
    stopped
        .end(true)
        .failed(&["pictures/", ".png", "not found"]);
    let left = files(&run);
    assert_eq!(unfinished(&left), 0);

    let resume = ["train", "--resume", "--out", "run"];
    crosr(dir.path(), &resume).failed(&["pictures"]);
    crosr(dir.path(), &["fit", "--run", "run"]).failed(&["pictures"]);
    assert!(files(&run)["last.safetensors"] == left["last.safetensors"]);

    fs::rename(&away, &data).expect("ours");
    well(&crosr(dir.path(), &resume));
    same(&files(&run), &expected);
    println!("3 faults: the data have gone");
}

#[test]
fn a_run_folder_that_vanishes() {
    let dir = folder();
    let expected = undisturbed(dir.path(), &BRIEF_TRAINING);
    let run = dir.path().join("run");
    let train = [&BRIEF_TRAINING[..], &["--out", "run", "--json"]].concat();
    let stopped = Stopped::new(command(dir.path(), &train), &run);
    let away = dir.path().join("away");
    fs::rename(&run, &away).expect("ours");
    stopped.end(true).failed(&["run: "]);
    assert!(!run.exists(), "half a run beside the whole one");
    assert_eq!(unfinished(&files(&away)), 0);
    well(&crosr(dir.path(), &["train", "--resume", "--out", "away"]));
    same(&files(&away), &expected);
    println!("1 fault: the run folder has gone");
}

#[test]
fn a_log_that_nobody_reads_any_longer() {
    let dir = folder();
    let expected = undisturbed(dir.path(), &BRIEF_TRAINING);
    let run = dir.path().join("run");
    let train = [&BRIEF_TRAINING[..], &["--out", "run", "--json"]].concat();
    let stopped = Stopped::new(command(dir.path(), &train), &run);
    stopped
        .end(false)
        .failed(&["standard output", "Broken pipe"]);
    assert_eq!(unfinished(&files(&run)), 0);
    let resume = ["train", "--resume", "--out", "run"];
    well(&crosr(dir.path(), &resume));
    same(&files(&run), &expected);

    // An error that nobody reads is still told by the exit code.
    let mut refused = command(dir.path(), &["train", "--resume", "--out", "absent"]);
    let (reader, writer) = std::io::pipe().expect("a pipe");
    drop(reader);
    let status = refused.stderr(writer).status().expect("starts");
    assert_eq!(status.code(), Some(2));
    println!("2 faults: a closed pipe");
}
