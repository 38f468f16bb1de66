//! The binary as a user runs it: exit codes, and what stands on which stream.

use std::fs;
use std::path::Path;

use assert_cmd::Command;

#[allow(dead_code)]
#[path = "../src/data/tests/server.rs"]
mod server;

use server::{Reply, Server};

fn xtask(arguments: &[&str]) -> Command {
    let mut command = assert_cmd::cargo::cargo_bin_cmd!("xtask");
    command.args(arguments);
    for name in ["http_proxy", "https_proxy", "all_proxy"] {
        command
            .env_remove(name)
            .env_remove(name.to_ascii_uppercase());
    }
    command
}

/// Runs it: exit code, standard output, standard error.
fn run(arguments: &[&str]) -> (i32, String, String) {
    let output = xtask(arguments).output().unwrap();
    let text = |bytes| String::from_utf8(bytes).unwrap();
    (
        output.status.code().unwrap(),
        text(output.stdout),
        text(output.stderr),
    )
}

/// A list with one dataset of one plain file, which holds `abc`.
fn list(folder: &Path, md5: &str) -> String {
    let path = folder.join("list.toml");
    let text = format!(
        "[[dataset]]\nname = \"abc\"\ndefault = true\ndescription = \"d\"\nlicence = \"l\"\n\
         home = \"http://h\"\nfolder = \"abc\"\nformat = \"plain\"\n\
         [[dataset.file]]\nurl = \"http://h/abc.bin\"\nmd5 = \"{md5}\"\n"
    );
    fs::write(&path, text).unwrap();
    path.to_str().unwrap().to_owned()
}

const MD5_OF_ABC: &str = "900150983cd24fb0d6963f7d28e17f72";

#[test]
fn fetch_twice_then_verify() {
    let folder = tempfile::tempdir().unwrap();
    let server = Server::start(|_, _| Reply::whole(b"abc"));
    let list = list(folder.path(), MD5_OF_ABC);
    let data = folder.path().join("data").to_str().unwrap().to_owned();
    let place = ["--data-dir", &data, "--sources", &list];
    let base = server.base();
    let fetch = [&["fetch-data", "--mirror", &base][..], &place].concat();
    let verify = [&["verify-data"][..], &place].concat();

    let (code, out, _) = run(&verify);
    assert_eq!(code, 0);
    assert!(out.contains("no dataset here"), "{out}");
    let (code, out, err) = run(&fetch);
    assert_eq!((code, err.as_str()), (0, ""));
    assert!(out.starts_with("abc: 1 files in "), "{out}");
    let (code, out, err) = run(&fetch);
    assert_eq!((code, err.as_str()), (0, ""));
    assert!(out.starts_with("abc: already in "), "{out}");
    assert_eq!(server.requests().len(), 1);
    assert_eq!(run(&verify).1, "abc: ok\n");

    let (code, out, _) = run(&[&["fetch-data", "--list"][..], &place].concat());
    assert_eq!(code, 0);
    assert!(out.contains("* abc") && out.contains("here"), "{out}");

    fs::write(Path::new(&data).join("abc/abc.bin"), b"abd").unwrap();
    let (code, _, err) = run(&verify);
    assert_eq!(code, 1);
    assert!(err.contains("abc.bin: SHA-256"), "{err}");
}

#[test]
fn wrong_checksum_is_one_line_and_code_1() {
    let folder = tempfile::tempdir().unwrap();
    let server = Server::start(|_, _| Reply::whole(b"abd"));
    let list = list(folder.path(), MD5_OF_ABC);
    let data = folder.path().join("data");
    let base = server.base();
    let (code, out, err) = run(&[
        "fetch-data",
        "abc",
        "--mirror",
        &base,
        "--sources",
        &list,
        "--data-dir",
        data.to_str().unwrap(),
    ]);
    assert_eq!((code, out.as_str()), (1, ""));
    assert_eq!(
        err,
        format!(
            "xtask: {base}/abc.bin: wrong checksum, the download was removed: MD5 {MD5_OF_ABC} \
             expected, 4911e516e5aa21d327512e0c8b197616 found\n"
        )
    );
    assert!(!data.join("abc").exists());
}

#[test]
fn what_the_user_can_mend_is_code_2() {
    let (code, _, err) = run(&["fetch-data", "cifar-11", "--offline"]);
    assert_eq!(code, 2);
    assert!(
        err.contains("no dataset \"cifar-11\"; there are cifar-10, "),
        "{err}"
    );
    assert_eq!(run(&["fetch-data", "--mirror", "example.org"]).0, 2);
    assert_eq!(run(&["verify-data", "cifar-11"]).0, 2);
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().to_str().unwrap();
    let (code, _, err) = run(&["fetch-data", "--offline", "--data-dir", data]);
    assert_eq!(code, 2);
    assert!(
        err.contains("cifar-10-binary.tar.gz: not downloaded"),
        "{err}"
    );
    assert_eq!(run(&["dance"]).0, 2);
}

#[test]
fn the_real_list() {
    let (code, out, err) = run(&["fetch-data", "--list"]);
    assert_eq!((code, err.as_str()), (0, ""));
    for part in [
        "* cifar-10 ",
        "* tiny-imagenet-crop ",
        "lsun-resize",
        "Imagenet/test",
    ] {
        assert!(out.contains(part), "{out}");
    }
}

#[test]
fn deps_runs() {
    xtask(&["deps"]).assert().success();
}
