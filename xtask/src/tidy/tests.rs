//! The rules on the workspace as it is, and on texts that break them.

use std::path::Path;

use super::commands::Known;
use super::{Findings, check, markdown, source};

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap()
}

#[test]
fn the_workspace_is_tidy() {
    let found = check(root()).unwrap();
    assert_eq!(found.faults, Vec::<String>::new());
}

#[test]
fn the_whole_tree_is_seen() {
    let files = super::files(root()).unwrap();
    for name in [
        "xtask/src/main.rs",
        "crates/crosr-libmr/src/lib.rs",
        "data/README.md",
    ] {
        assert!(files.contains(&root().join(name)), "{name}");
    }
    assert!(
        !files
            .iter()
            .any(|path| path.starts_with(root().join("target")))
    );
}

fn known() -> Known {
    let set = |words: &[&str]| words.iter().map(|&word| word.to_owned()).collect();
    Known {
        packages: set(&["crosr-libmr", "crosr-cli", "xtask"]),
        targets: set(&["example plot", "bench fit"]),
        features: set(&["cuda"]),
        crosr: set(&["train", "fit"]),
        crosr_source: "pub(crate) data_dir: PathBuf, long = \"out-of\", tail: usize".to_owned(),
    }
}

macro_rules! markdown_case {
    ($name:ident, $text:expr, $faults:expr) => {
        #[test]
        fn $name() {
            let expected: &[&str] = $faults;
            let folder = root().join("xtask");
            let found = markdown::check("a.md", $text, root(), &folder, &known());
            assert_eq!(found, expected);
        }
    };
}

markdown_case!(
    all_there,
    "`crosr-libmr` in crates/crosr-libmr/src/lib.rs, see [this](src/main.rs#L1), \
     [that](https://x.y/z), [here](#top), [`Weibull`](Weibull), `crates/*`, `crates/NAME/x`.\n\
     `cargo build`, `cargo run -p crosr-cli -- train --data-dir x`, `crosr fit --out-of 3`,\n\
     `cargo xtask fetch-data NAME… --offline`, `RUSTFLAGS=x cargo +nightly test -p xtask`\n\
     ```sh\n$ cargo run -p crosr-cli --features cuda -- fit \\\n    --tail 20   # a comment\n```\n",
    &[]
);
markdown_case!(
    crate_gone,
    "`crosr-gone`",
    &["a.md:1: `crosr-gone` is no crate of the workspace"]
);
markdown_case!(
    path_gone,
    "x\nin crates/crosr-libmr/src/nothing.rs.",
    &["a.md:2: \"crates/crosr-libmr/src/nothing.rs\": not there"]
);
markdown_case!(
    link_gone,
    "[a](docs.md) and [b](/xtask)\n[c]: ../nowhere.md",
    &[
        "a.md:1: link to \"docs.md\": not there",
        "a.md:2: link to \"../nowhere.md\": not there"
    ]
);
markdown_case!(
    cargo_command,
    "`cargo frobnicate`",
    &["a.md:1: `cargo frobnicate` is no command"]
);
markdown_case!(
    package_gone,
    "```\ncargo test -p crosr-gone\n```",
    &["a.md:2: `-p crosr-gone` names nothing in the workspace"]
);
markdown_case!(
    example_gone,
    "`cargo run --example winequality`",
    &["a.md:1: `--example winequality` names nothing in the workspace"]
);
markdown_case!(
    feature_gone,
    "    cargo build --features=rocm",
    &["a.md:1: `--features rocm` names nothing in the workspace"]
);
markdown_case!(
    task_gone,
    "`cargo xtask dance`",
    &["a.md:1: `cargo xtask dance` is no task"]
);
markdown_case!(
    task_flag_gone,
    "`cargo xtask fetch-data --fast`",
    &["a.md:1: `cargo xtask fetch-data` has no flag `--fast`"]
);
markdown_case!(
    crosr_command,
    "`crosr fly`",
    &["a.md:1: `crosr fly` is no command"]
);
markdown_case!(
    crosr_flag_on_a_second_line,
    "```\ncrosr train \\\n  --dat\n```",
    &["a.md:3: `crosr train` has no flag `--dat`"]
);
markdown_case!(
    crosr_behind_a_pipe,
    "`cat x | crosr fry`",
    &["a.md:1: `crosr fry` is no command"]
);

fn source_of(shown: &str, text: &str) -> Findings {
    let mut found = Findings::default();
    source::check(shown, text, &mut found);
    found
}

#[test]
fn file_lengths() {
    let lines = |count: usize| "// x\n".repeat(count);
    for (count, warnings, faults) in [(400, 0, 0), (401, 1, 0), (600, 1, 0), (601, 0, 1)] {
        let found = source_of("crates/a/src/b.rs", &lines(count));
        assert_eq!(
            (found.warnings.len(), found.faults.len()),
            (warnings, faults),
            "{count}"
        );
    }
}

#[test]
fn crate_pages() {
    assert!(
        source_of("crates/a/src/lib.rs", "//! A.\n")
            .faults
            .is_empty()
    );
    assert!(source_of("crates/a/src/b.rs", "mod b;\n").faults.is_empty());
    let fault = "crates/a/src/lib.rs: must begin with the crate's page (`//!`)";
    assert_eq!(
        source_of("crates/a/src/lib.rs", "mod b;\n//! A.\n").faults,
        [fault]
    );
}

#[test]
fn unsafe_has_one_place() {
    let text = "fn f() {\n    unsafe { g() }\n}\n";
    assert!(
        source_of("crates/crosr-model/src/cpu/gemm.rs", text)
            .faults
            .is_empty()
    );
    for elsewhere in [
        "crates/crosr-model/src/cpux.rs",
        "crates/crosr-data/src/cpu/a.rs",
    ] {
        let fault = format!("{elsewhere}:2: `unsafe` outside crates/crosr-model/src/cpu");
        assert_eq!(source_of(elsewhere, text).faults, [fault]);
    }
    assert_eq!(source_of("a.rs", "#![allow(unsafe_code)]").faults.len(), 1);
    assert!(
        source_of("a.rs", "#![forbid(unsafe_code)]")
            .faults
            .is_empty()
    );
}

#[test]
fn unsafe_in_comments_and_literals_is_none() {
    for text in [
        "// unsafe\n",
        "/* a /* unsafe */ unsafe */ fn f() {}",
        "let a = \"unsafe \\\" unsafe\";",
        "let a = r#\"unsafe \" unsafe\"#;",
        "let a = br\"unsafe\";",
        "let unsafely = 'a'; let not_unsafe = '\\''; let s = \"unsafe\";",
    ] {
        assert_eq!(
            source_of("a.rs", text).faults,
            Vec::<String>::new(),
            "{text}"
        );
    }
    for text in [
        "/* */ unsafe {}",
        "let a = \"\\\\\"; unsafe {}",
        "let a = r\"\\\"; unsafe {}",
        "let a = r#\"\"#; unsafe {}",
        "fn f<'a>(x: &'a str) { unsafe {} }",
        "let q = '\"'; unsafe {}",
        "let q = '\\''; unsafe {}",
        "let r#type = 1; unsafe {}",
    ] {
        assert_eq!(source_of("a.rs", text).faults.len(), 1, "{text}");
    }
}
