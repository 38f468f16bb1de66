//! The rules on the workspace as it is, and on workspaces that break them.

use std::path::Path;

use super::*;

#[test]
fn the_workspace_keeps_its_arrows() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap();
    assert_eq!(check(root).unwrap(), Vec::<String>::new());
}

/// Every member, with the dependencies given and no other.
fn graph(edges: &[(&str, &str)], lock: &[(&str, &str)]) -> Graph {
    let mut graph = Graph::default();
    for (member, _) in ARROWS {
        graph.declared.insert((*member).to_owned(), BTreeSet::new());
    }
    for &(from, to) in edges {
        graph
            .declared
            .entry(from.to_owned())
            .or_default()
            .insert(to.to_owned());
    }
    for &(from, to) in edges.iter().chain(lock) {
        for name in [from, to] {
            let node = graph.nodes.entry(format!("{name} 1.0.0")).or_default();
            node.0 = name.to_owned();
        }
        let node = graph.nodes.entry(format!("{from} 1.0.0")).or_default();
        node.1.push(format!("{to} 1.0.0"));
    }
    graph
}

macro_rules! graph_case {
    ($name:ident, $edges:expr, $lock:expr, $faults:expr) => {
        #[test]
        fn $name() {
            let expected: &[&str] = $faults;
            assert_eq!(graph($edges, $lock).faults(ARROWS, UNREACHABLE), expected);
        }
    };
}

graph_case!(
    downward_arrows_are_fine,
    &[
        ("crosr-openmax", "crosr-libmr"),
        ("crosr-model", "crosr-data"),
        ("crosr-model", "candle-core"),
        ("crosr-cli", "crosr-model"),
        ("crosr-cli", "crosr-eval"),
        ("crosr-tests", "crosr-cli"),
        ("xtask", "ureq"),
    ],
    &[("candle-core", "gemm")],
    &[]
);
graph_case!(
    upward_arrow,
    &[("crosr-libmr", "crosr-openmax")],
    &[],
    &["crosr-libmr must not depend on crosr-openmax"]
);
graph_case!(
    sideways_arrow,
    &[("crosr-eval", "crosr-openmax")],
    &[],
    &["crosr-eval must not depend on crosr-openmax"]
);
graph_case!(
    xtask_links_no_crate_of_the_house,
    &[("xtask", "crosr-eval")],
    &[],
    &["xtask must not depend on crosr-eval"]
);
graph_case!(
    direct_reach,
    &[("crosr-eval", "candle-core")],
    &[],
    &["crosr-eval must not reach candle-core: crosr-eval > candle-core"]
);
graph_case!(
    reach_over_three_steps,
    &[("crosr-data", "shiny")],
    &[
        ("shiny", "glue"),
        ("glue", "shiny"),
        ("glue", "candle-core")
    ],
    &["crosr-data must not reach candle-core: crosr-data > shiny > glue > candle-core"]
);
graph_case!(
    a_member_nobody_decided_about,
    &[("crosr-new", "rayon")],
    &[],
    &["crosr-new: a new member; say in xtask/src/deps.rs what it may depend on"]
);

#[test]
fn a_member_that_is_gone() {
    let mut graph = graph(&[], &[]);
    graph.declared.remove("crosr-eval");
    let faults = graph.faults(ARROWS, UNREACHABLE);
    assert_eq!(
        faults,
        ["crosr-eval: named in xtask/src/deps.rs, but no member"]
    );
}

#[test]
fn lock_file_names_in_all_lengths() {
    let nodes = Graph::nodes(
        r#"
        [[package]]
        name = "a"
        version = "0.1.0"
        dependencies = ["b", "c 1.0.0", "c 2.0.0 (registry+x)"]
        [[package]]
        name = "b"
        version = "0.3.0"
        [[package]]
        name = "c"
        version = "1.0.0"
        source = "registry+x"
        [[package]]
        name = "c"
        version = "2.0.0"
        source = "registry+x"
        "#,
    )
    .unwrap();
    assert_eq!(nodes["a 0.1.0"].1, ["b 0.3.0", "c 1.0.0", "c 2.0.0"]);
    let missing = "[[package]]\nname = \"a\"\nversion = \"1.0.0\"\ndependencies = [\"z\"]";
    assert!(
        Graph::nodes(missing)
            .unwrap_err()
            .to_string()
            .contains("\"z\" is not locked")
    );
}

const GOOD: &str = "
[package]
name = \"a\"
version.workspace = true
edition.workspace = true
rust-version.workspace = true
license.workspace = true
[lints]
workspace = true
[dependencies]
b.workspace = true
c = { workspace = true, features = [\"x\"] }
";

#[test]
fn inherited_manifest_is_fine() {
    assert_eq!(manifest_faults("a", GOOD).unwrap(), Vec::<String>::new());
}

macro_rules! manifest_case {
    ($name:ident, $from:literal => $to:literal, $part:literal) => {
        #[test]
        fn $name() {
            let text = GOOD.replace($from, $to);
            assert_ne!(text, GOOD);
            let faults = manifest_faults("a", &text).unwrap();
            assert_eq!(faults.len(), 1, "{faults:?}");
            assert!(faults[0].contains($part), "{faults:?}");
        }
    };
}

manifest_case!(own_version, "b.workspace = true" => "b = \"1.0\"", "[dependencies] b");
manifest_case!(own_version_in_table, "b.workspace = true" => "b = { version = \"1\" }", "] b");
manifest_case!(own_path, "b.workspace = true" => "b = { path = \"../b\" }", "] b");
manifest_case!(not_inherited, "b.workspace = true" => "b = { workspace = false }", "] b");
manifest_case!(
    own_version_in_dev,
    "[dependencies]\nb.workspace = true" => "[dev-dependencies]\nb = \"1\"\n[dependencies]",
    "[dev-dependencies] b"
);
manifest_case!(
    own_version_for_one_target,
    "[dependencies]\nb.workspace = true"
        => "[target.'cfg(unix)'.dependencies]\nb = \"1\"\n[dependencies]",
    "[target.cfg(unix).dependencies] b"
);
manifest_case!(
    own_package_version,
    "version.workspace = true\nedition" => "version = \"0.2.0\"\nedition",
    "`version.workspace = true` is missing"
);
manifest_case!(own_lints, "[lints]\nworkspace = true" => "", "[lints]");
