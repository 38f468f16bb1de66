//! Killed at any instant, nothing is lost: what is in a run folder is whole after every kill, and
//! the commands said again end as if nothing had happened.
//!
//! `CROSR_KILLS=50 cargo test -p crosr-tests --test kills -- --nocapture` kills more often, and
//! shows how often.

// Counts, for whoever asks with --nocapture.
#![allow(clippy::print_stdout)]

use std::fs::{self, File};
use std::path::Path;
use std::time::{Duration, Instant};

use crosr_tests::kills::Kills;
use crosr_tests::run_folder::{
    Files, epochs_saved, files, history, restore, same, timeless, unfinished,
};
use crosr_tests::{BRIEF_EPOCHS, BRIEF_TRAINING, command, crosr, folder};

/// Runs a command that must go well, and says how long it took.
fn timed(folder: &Path, args: &[&str]) -> Duration {
    let start = Instant::now();
    let run = crosr(folder, args);
    assert_eq!(run.code, 0, "{}", run.stderr);
    start.elapsed()
}

/// Runs a command that writes to the folder `run`, with its output in the files `out` and `err`;
/// says whether it came to its end before it was killed.
fn ends(dir: &Path, args: &[&str], kills: &mut Kills) -> bool {
    let output = |name: &str| File::create(dir.join(name)).expect("writable");
    let mut command = command(dir, args);
    command.stdout(output("out")).stderr(output("err"));
    let code = kills.run(&mut command, &dir.join("run"));
    if let Some(code) = code {
        let error = fs::read_to_string(dir.join("err")).expect("written");
        assert_eq!(code, 0, "{error}");
    }
    code.is_some()
}

/// What kills of a training left.
#[derive(Default)]
struct Left {
    /// Times that there was nothing to resume yet.
    nothing: usize,
    /// Times that there was an unfinished file.
    unfinished: usize,
}

#[test]
fn a_training_ends_as_if_it_had_not_been_killed() {
    let dir = folder();
    let train = [&BRIEF_TRAINING[..], &["--out", "whole"]].concat();
    let usual = timed(dir.path(), &train);
    let expected = files(&dir.path().join("whole"));
    let mut other = BRIEF_TRAINING;
    let seed = other.iter_mut().find(|flag| **flag == "7");
    *seed.expect("the seed is among the flags") = "8";
    timed(dir.path(), &[&other[..], &["--out", "other"]].concat());
    let other = files(&dir.path().join("other"));

    let run = dir.path().join("run");
    let mut kills = Kills::new(6, usual, 16);
    let mut left = Left::default();
    let mut trainings = 0;
    while !kills.are_over() {
        // Every other time there is a network already, to be replaced.
        if trainings % 2 == 1 {
            restore(&run, &other);
        }
        train_despite_kills(dir.path(), &other, &mut kills, &mut left);
        let found = files(&run);
        assert_eq!(unfinished(&found), 0, "left for ever");
        same(&found, &expected);
        for (epoch, line) in (1..).zip(history(&run)) {
            assert_eq!(line["epoch"], epoch);
        }
        assert_eq!(history(&run).len(), BRIEF_EPOCHS);
        fs::remove_dir_all(&run).expect("ours");
        trainings += 1;
    }
    println!(
        "train: {} kills survived in {trainings} trainings, {} before an epoch was saved, {} \
         amid the writing of a file",
        kills.survived(),
        left.nothing,
        left.unfinished
    );
}

/// Trains until the end, however often that takes; `other` is a run that is replaced, if one is.
fn train_despite_kills(dir: &Path, other: &Files, kills: &mut Kills, left: &mut Left) {
    let run = dir.join("run");
    let mut saved = 0;
    loop {
        let threads = (1 + kills.survived() % 3).to_string();
        let always = ["--out", "run", "--json", "--threads", &threads];
        let args = if saved == 0 {
            [&BRIEF_TRAINING[..], &["--overwrite"], &always].concat()
        } else {
            [&["train", "--resume"][..], &always].concat()
        };
        let ended = ends(dir, &args, kills);
        let found = if run.is_dir() {
            files(&run)
        } else {
            Files::new()
        };
        let halves = unfinished(&found);
        assert!(halves <= 1, "{halves} unfinished files: they pile up");
        // What has been said to be done is done, and what was saved stays.
        let printed = fs::read_to_string(dir.join("out")).expect("written");
        let now = if untouched(&found, other) {
            0
        } else {
            epochs_saved(&run)
        };
        assert!(now >= saved + printed.matches('\n').count(), "{printed}");
        saved = now;
        if ended {
            return;
        }
        left.nothing += usize::from(saved == 0);
        left.unfinished += halves;
    }
}

/// Whether the network that is to be replaced is still there. If so, it is with its own choices: a
/// resumed training would take the new ones for those of the old network.
fn untouched(found: &Files, other: &Files) -> bool {
    let still = |name: &str| found.get(name) == other.get(name);
    let mut old = ["last.safetensors", "model.safetensors", "history.jsonl"]
        .into_iter()
        .filter(|name| still(name));
    if !still("config.toml")
        && let Some(name) = old.next()
    {
        panic!("{name} of the old network beside config.toml of the new one");
    }
    still("last.safetensors")
}

const FIT: [&str; 6] = ["fit", "--run", "run", "--shrink-tail", "--tail", "12"];
const OTHER_FIT: [&str; 6] = ["fit", "--run", "run", "--shrink-tail", "--tail", "7"];
const EVAL: [&str; 6] = [
    "eval",
    "--run",
    "run",
    "--outliers",
    "rest=builtin:rest",
    "--json",
];

#[test]
fn a_killed_fit_or_evaluation_leaves_the_old_or_the_new() {
    let dir = folder();
    let run = dir.path().join("run");
    let train = [&BRIEF_TRAINING[..], &["--out", "run"]].concat();
    for args in [&train[..], &OTHER_FIT, &EVAL] {
        timed(dir.path(), args);
    }
    let before = files(&run);
    let fitting = timed(dir.path(), &FIT);
    let fitted = files(&run);
    let evaluating = timed(dir.path(), &EVAL);
    let evaluated = files(&run);
    for name in [
        "openset.safetensors",
        "metrics.json",
        "scores.csv",
        "report.json",
    ] {
        let differs = before[name] != evaluated[name];
        assert!(differs, "{name} shows nothing: it is the same both ways");
    }
    let fits = Kills::new(4, fitting, 2);
    survive(dir.path(), &FIT, &before, &fitted, fits);
    let evaluations = Kills::new(4, evaluating, 40);
    survive(dir.path(), &EVAL, &fitted, &evaluated, evaluations);
}

/// Says a command again and again, whenever it has ended in a run folder with the files `from`:
/// each file is the old one or the new one at any time, and in the end they are all new.
fn survive(dir: &Path, args: &[&str], from: &Files, to: &Files, mut kills: Kills) {
    let run = dir.join("run");
    let mut halves = 0;
    while !kills.are_over() {
        restore(&run, from);
        while !ends(dir, args, &mut kills) {
            let found = files(&run);
            halves += usize::from(unfinished(&found) > 0);
            for (path, old) in from {
                let now = timeless(path, &found[path]);
                let known = now == timeless(path, old) || now == timeless(path, &to[path]);
                assert!(known, "{path} is neither the old one nor the new one");
            }
        }
        let found = files(&run);
        assert_eq!(unfinished(&found), 0, "left for ever");
        same(&found, to);
    }
    println!(
        "{}: {} kills survived, after {halves} of which there was an unfinished file",
        args[0],
        kills.survived()
    );
}
