//! Help, completions, manual pages, plain progress, and Ctrl-C.

use std::fs;

use crosr_tests::{crosr, folder};

#[test]
fn completions_and_manual_pages_know_every_command() {
    let dir = folder();
    for shell in ["bash", "zsh", "fish", "powershell", "elvish"] {
        let run = crosr(dir.path(), &["completions", shell]);
        assert_eq!(run.code, 0, "{}", run.stderr);
        for part in ["predict", "weibull", "pretrained"] {
            assert!(run.stdout.contains(part), "{shell}: {part}");
        }
    }
    assert_eq!(crosr(dir.path(), &["completions", "tcsh"]).code, 2);

    let page = crosr(dir.path(), &["man"]);
    assert_eq!(page.code, 0);
    assert!(page.stdout.contains(".TH crosr 1") && page.stdout.contains("crosr\\-predict(1)"));
    let run = crosr(dir.path(), &["man", "--out", "man1"]);
    assert_eq!(run.code, 0, "{}", run.stderr);
    for name in [
        "crosr",
        "crosr-predict",
        "crosr-weibull-fit",
        "crosr-bench-infer",
    ] {
        let page = fs::read_to_string(dir.path().join(format!("man1/{name}.1"))).expect(name);
        assert!(page.contains(&format!(".TH {name} 1")), "{name}");
        assert!(page.contains(".SH EXAMPLES\n.nf\nExample"), "{name}");
    }
}

#[cfg(unix)]
#[test]
fn an_interrupted_training_says_how_to_go_on_and_does() {
    use std::io::{BufRead, BufReader, Read};
    use std::process::{Command, Stdio};

    let dir = folder();
    let flags = [
        "train",
        "--dataset",
        "shapes",
        "--limit",
        "400",
        "--batch-size",
        "32",
        "--width",
        "0.125",
        "--schedule",
        "constant",
        "--learning-rate",
        "0.01",
        "--epochs",
        "1000",
        "--json",
        "--out",
        "a run",
    ];
    let mut child = crosr_tests::command(dir.path(), &flags)
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("crosr starts");
    let mut lines = BufReader::new(child.stdout.take().expect("piped")).lines();
    for _ in 0..2 {
        lines.next().expect("an epoch").expect("UTF-8");
    }
    let pid = child.id().to_string();
    let sent = Command::new("kill").args(["-INT", &pid]).status();
    assert!(sent.expect("kill runs").success());
    let printed = 2 + lines.count();
    let status = child.wait().expect("ends");
    let mut stderr = String::new();
    let mut pipe = child.stderr.take().expect("piped");
    pipe.read_to_string(&mut stderr).expect("UTF-8");
    assert_eq!(status.code(), Some(130), "{stderr}");
    assert!(!stderr.contains(['\u{1b}', '\r']), "{stderr:?}");
    let last = stderr.lines().last().expect("a line");
    assert!(
        last.ends_with("go on with: crosr train --out 'a run' --resume"),
        "{last}"
    );

    let names = |folder: &str| {
        let entries = fs::read_dir(dir.path().join(folder)).expect("there");
        let name = |entry: std::io::Result<fs::DirEntry>| entry.expect("there").file_name();
        let mut names: Vec<_> = entries.map(name).collect();
        names.sort();
        names
    };
    let files = [
        "config.toml",
        "history.jsonl",
        "last.safetensors",
        "model.safetensors",
    ];
    assert_eq!(names("a run"), files);
    let history = || fs::read_to_string(dir.path().join("a run/history.jsonl")).expect("written");
    let epochs = history().lines().count();
    // Between saving and printing there is a moment.
    assert!(
        epochs == printed || epochs == printed + 1,
        "{epochs} {printed}"
    );
    let more = (epochs + 1).to_string();
    let run = crosr(
        dir.path(),
        &[
            "train", "--out", "a run", "--resume", "--epochs", &more, "--json",
        ],
    );
    assert_eq!(run.code, 0, "{}", run.stderr);
    assert_eq!(run.stdout.lines().count(), 1);
    assert_eq!(history().lines().count(), epochs + 1);
}
