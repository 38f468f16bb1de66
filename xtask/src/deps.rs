//! Which crate may depend on which: the arrows of the house, as data.
//!
//! Members and what they declare come from `cargo metadata --no-deps`, what stands behind those
//! from `Cargo.lock`: no network, every platform, every optional dependency that any feature of
//! the workspace can switch on.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::fs;
use std::path::Path;

use anyhow::{Context, bail};
use cargo_metadata::{Metadata, MetadataCommand};
use serde::Deserialize;

use crate::ui;

#[cfg(test)]
mod tests;

/// The members that each member may name in its manifest, dev- and build-dependencies included.
const ARROWS: &[(&str, &[&str])] = &[
    ("crosr-libmr", &[]),
    ("crosr-pickle", &[]),
    ("crosr-data", &["crosr-pickle"]),
    ("crosr-eval", &[]),
    ("crosr-openmax", &["crosr-libmr"]),
    ("crosr-model", &["crosr-data", "crosr-pickle"]),
    (
        "crosr-cli",
        &[
            "crosr-data",
            "crosr-eval",
            "crosr-libmr",
            "crosr-model",
            "crosr-openmax",
        ],
    ),
    (
        "custom-dataset",
        &["crosr-data", "crosr-eval", "crosr-model", "crosr-openmax"],
    ),
    ("xtask", &[]),
    (
        "crosr-tests",
        &[
            "crosr-cli",
            "crosr-data",
            "crosr-eval",
            "crosr-libmr",
            "crosr-model",
            "crosr-openmax",
        ],
    ),
];

const TENSORS: &[&str] = &["candle-core", "candle-nn"];
const NETWORK: &[&str] = &["ureq", "reqwest", "hyper"];
const PICTURES: &[&str] = &["image", "png", "jpeg-decoder", "zune-jpeg"];

/// What a member must not reach, over however many steps, and which groups of crates those are.
const UNREACHABLE: &[(&str, &[&[&str]])] = &[
    (
        "crosr-libmr",
        &[TENSORS, NETWORK, PICTURES, &["nalgebra", "safetensors"]],
    ),
    (
        "crosr-openmax",
        &[TENSORS, NETWORK, PICTURES, &["safetensors"]],
    ),
    ("crosr-eval", &[TENSORS, NETWORK, &["safetensors"]]),
    (
        "crosr-pickle",
        &[
            TENSORS,
            NETWORK,
            PICTURES,
            &["nalgebra", "safetensors", "serde"],
        ],
    ),
    ("crosr-data", &[TENSORS, NETWORK, &["safetensors"]]),
    ("crosr-model", &[NETWORK]),
    ("crosr-cli", &[NETWORK]),
    ("custom-dataset", &[NETWORK]),
    ("xtask", &[TENSORS]),
];

/// Checks the workspace in `root`.
pub(crate) fn run(root: &Path) -> anyhow::Result<()> {
    let faults = check(root)?;
    for fault in &faults {
        ui::error(fault);
    }
    if !faults.is_empty() {
        bail!("deps: {} faults", faults.len());
    }
    Ok(())
}

/// Every breach of the rules in the workspace in `root`.
pub(crate) fn check(root: &Path) -> anyhow::Result<Vec<String>> {
    let metadata = metadata(root)?;
    let path = root.join("Cargo.lock");
    let lock = fs::read_to_string(&path).with_context(|| path.display().to_string())?;
    let graph = Graph::new(&metadata, &lock).with_context(|| path.display().to_string())?;
    let mut faults = graph.faults(ARROWS, UNREACHABLE);
    for package in &metadata.packages {
        let path = package.manifest_path.as_std_path();
        let text = fs::read_to_string(path).with_context(|| path.display().to_string())?;
        faults.extend(manifest_faults(&crate::shown(root, path), &text)?);
    }
    Ok(faults)
}

/// The members, without what they depend on: works offline.
pub(crate) fn metadata(root: &Path) -> anyhow::Result<Metadata> {
    MetadataCommand::new()
        .manifest_path(root.join("Cargo.toml"))
        .no_deps()
        .exec()
        .context("cargo metadata")
}

/// Who depends on whom.
#[derive(Debug, Default)]
struct Graph {
    /// What each member declares, whatever its kind, platform or feature.
    declared: BTreeMap<String, BTreeSet<String>>,
    /// Name by node, and the nodes behind each node, as locked.
    nodes: BTreeMap<String, (String, Vec<String>)>,
}

#[derive(Deserialize)]
struct LockFile {
    package: Vec<Locked>,
}

#[derive(Deserialize)]
struct Locked {
    name: String,
    version: String,
    source: Option<String>,
    #[serde(default)]
    dependencies: Vec<String>,
}

impl Graph {
    fn new(metadata: &Metadata, lock: &str) -> anyhow::Result<Self> {
        let mut declared = BTreeMap::new();
        for package in &metadata.packages {
            let names = package
                .dependencies
                .iter()
                .map(|dependency| dependency.name.clone());
            declared.insert(package.name.to_string(), names.collect::<BTreeSet<_>>());
        }
        Ok(Self {
            declared,
            nodes: Self::nodes(lock)?,
        })
    }

    fn nodes(lock: &str) -> anyhow::Result<BTreeMap<String, (String, Vec<String>)>> {
        let lock: LockFile = toml::from_str(lock)?;
        // A dependency is written as `name`, `name version` or `name version (source)`, as short
        // as it is still unique.
        let mut keys: BTreeMap<String, Vec<String>> = BTreeMap::new();
        let node = |package: &Locked| format!("{} {}", package.name, package.version);
        for package in &lock.package {
            let long = node(package);
            let source = package.source.as_deref().unwrap_or_default();
            for key in [
                package.name.clone(),
                long.clone(),
                format!("{long} ({source})"),
            ] {
                keys.entry(key).or_default().push(long.clone());
            }
        }
        let mut nodes = BTreeMap::new();
        for package in &lock.package {
            let mut behind = Vec::new();
            for dependency in &package.dependencies {
                match keys.get(dependency) {
                    Some(found) => behind.extend(found.iter().cloned()),
                    None => bail!("{}: dependency {dependency:?} is not locked", package.name),
                }
            }
            nodes.insert(node(package), (package.name.clone(), behind));
        }
        Ok(nodes)
    }

    fn faults(
        &self,
        arrows: &[(&str, &[&str])],
        unreachable: &[(&str, &[&[&str]])],
    ) -> Vec<String> {
        let mut faults = Vec::new();
        for (member, dependencies) in &self.declared {
            let Some((_, allowed)) = arrows.iter().find(|(name, _)| name == member) else {
                faults.push(format!(
                    "{member}: a new member; say in xtask/src/deps.rs what it may depend on"
                ));
                continue;
            };
            for dependency in dependencies {
                let ours = self.declared.contains_key(dependency);
                if ours && dependency != member && !allowed.contains(&dependency.as_str()) {
                    faults.push(format!("{member} must not depend on {dependency}"));
                }
            }
        }
        for (name, _) in arrows {
            if !self.declared.contains_key(*name) {
                faults.push(format!("{name}: named in xtask/src/deps.rs, but no member"));
            }
        }
        for (member, groups) in unreachable {
            for &forbidden in groups.iter().copied().flatten() {
                if let Some(path) = self.path(member, forbidden) {
                    faults.push(format!("{member} must not reach {forbidden}: {path}"));
                }
            }
        }
        faults
    }

    /// The shortest way from a member to a crate, as `a > b > c`.
    fn path(&self, member: &str, goal: &str) -> Option<String> {
        // What is declared but not locked (an optional dependency of a manifest changed just now)
        // is still a direct step.
        if self.declared.get(member)?.contains(goal) {
            return Some(format!("{member} > {goal}"));
        }
        let start = self.nodes.iter().find(|(_, (name, _))| name == member)?.0;
        let mut came_from: BTreeMap<&str, &str> = BTreeMap::new();
        let mut queue = VecDeque::from([start.as_str()]);
        while let Some(at) = queue.pop_front() {
            let (name, behind) = self.nodes.get(at)?;
            if name == goal {
                let mut way = vec![name.as_str()];
                let mut at = at;
                while let Some(before) = came_from.get(at) {
                    way.push(self.nodes.get(*before).map_or(before, |(name, _)| name));
                    at = before;
                }
                way.reverse();
                return Some(way.join(" > "));
            }
            for next in behind {
                if next != start && !came_from.contains_key(next.as_str()) {
                    came_from.insert(next, at);
                    queue.push_back(next);
                }
            }
        }
        None
    }
}

/// Whatever a member's manifest says that belongs in the root manifest.
fn manifest_faults(shown: &str, text: &str) -> anyhow::Result<Vec<String>> {
    let manifest: toml::Table = toml::from_str(text).with_context(|| shown.to_owned())?;
    let mut faults = Vec::new();
    let inherited = |value: Option<&toml::Value>| {
        value
            .and_then(|value| value.get("workspace"))
            .and_then(toml::Value::as_bool)
            == Some(true)
    };
    for field in ["version", "edition", "rust-version", "license"] {
        let value = manifest
            .get("package")
            .and_then(|package| package.get(field));
        if !inherited(value) {
            faults.push(format!(
                "{shown}: `{field}.workspace = true` is missing in [package]"
            ));
        }
    }
    if !inherited(manifest.get("lints")) {
        faults.push(format!("{shown}: `workspace = true` is missing in [lints]"));
    }
    let mut tables = vec![(String::new(), &manifest)];
    if let Some(targets) = manifest.get("target").and_then(toml::Value::as_table) {
        for (target, table) in targets {
            tables.extend(
                table
                    .as_table()
                    .map(|table| (format!("target.{target}."), table)),
            );
        }
    }
    for (prefix, table) in tables {
        for kind in ["dependencies", "dev-dependencies", "build-dependencies"] {
            let Some(dependencies) = table.get(kind).and_then(toml::Value::as_table) else {
                continue;
            };
            for (name, value) in dependencies {
                let own = ["version", "path", "git", "registry"]
                    .iter()
                    .any(|key| value.get(key).is_some());
                if !inherited(Some(value)) || own {
                    faults.push(format!(
                        "{shown}: [{prefix}{kind}] {name}: the version belongs in the root \
                         manifest, `{name}.workspace = true` here"
                    ));
                }
            }
        }
    }
    Ok(faults)
}
