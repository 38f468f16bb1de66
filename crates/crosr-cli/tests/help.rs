//! The binary starts and explains itself.

use std::process::Command;

#[test]
fn help_names_every_command() {
    let output = Command::new(env!("CARGO_BIN_EXE_crosr"))
        .arg("--help")
        .output()
        .expect("starts");
    let text = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success());
    for command in [
        "demo", "train", "fit", "eval", "sweep", "weibull", "convert", "bench",
    ] {
        assert!(
            text.lines()
                .any(|line| line.trim_start().starts_with(command)),
            "{command}: {text}"
        );
    }
}

#[test]
fn flags_that_do_not_exist_are_refused_with_exit_code_2() {
    let status = Command::new(env!("CARGO_BIN_EXE_crosr"))
        .args(["train", "--nope"])
        .output();
    assert_eq!(status.expect("starts").status.code(), Some(2));
}
