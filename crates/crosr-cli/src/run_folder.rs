//! Run folders: every file is written beside its place, synced, then renamed, so that a kill at
//! any instant leaves the old one or the new one.

use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};

use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::error::{CliError, Result};

/// Replaces `path` by a file with this content, or leaves it as it was.
pub(crate) fn write_atomically(path: &Path, content: &[u8]) -> Result<()> {
    let folder = match path.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => parent,
        _ => Path::new("."),
    };
    fs::create_dir_all(folder).map_err(CliError::io(folder, "create the folder"))?;
    let write = || -> std::io::Result<()> {
        let mut file = tempfile::Builder::new()
            .prefix(".writing-")
            .tempfile_in(folder)?;
        file.write_all(content)?;
        file.as_file().sync_all()?;
        file.persist(path).map_err(|e| e.error)?;
        // The rename itself lies in the folder.
        if let Ok(folder) = fs::File::open(folder) {
            folder.sync_all().ok();
        }
        Ok(())
    };
    write().map_err(CliError::io(path, "write"))
}

/// Reads a whole file.
pub(crate) fn read(path: &Path) -> Result<Vec<u8>> {
    fs::read(path).map_err(CliError::io(path, "read"))
}

/// Reads a whole text file.
pub(crate) fn read_text(path: &Path) -> Result<String> {
    fs::read_to_string(path).map_err(CliError::io(path, "read"))
}

/// A folder that holds one run.
#[derive(Clone, Debug)]
pub(crate) struct RunFolder {
    root: PathBuf,
}

impl RunFolder {
    pub(crate) fn new(root: &Path) -> Self {
        Self {
            root: root.to_owned(),
        }
    }

    /// A folder that must hold a trained network.
    pub(crate) fn open(root: &Path) -> Result<Self> {
        let folder = Self::new(root);
        let model = folder.model();
        if !model.is_file() {
            return Err(CliError::file(
                &model,
                "there is no trained network here; name a run folder of `crosr train`",
            ));
        }
        Ok(folder)
    }

    pub(crate) fn root(&self) -> &Path {
        &self.root
    }

    pub(crate) fn config(&self) -> PathBuf {
        self.root.join("config.toml")
    }

    pub(crate) fn model(&self) -> PathBuf {
        self.root.join("model.safetensors")
    }

    pub(crate) fn last(&self) -> PathBuf {
        self.root.join("last.safetensors")
    }

    pub(crate) fn history(&self) -> PathBuf {
        self.root.join("history.jsonl")
    }

    pub(crate) fn openset(&self) -> PathBuf {
        self.root.join("openset.safetensors")
    }

    pub(crate) fn metrics(&self) -> PathBuf {
        self.root.join("metrics.json")
    }

    pub(crate) fn scores(&self) -> PathBuf {
        self.root.join("scores.csv")
    }

    /// What the report is drawn from.
    pub(crate) fn report_values(&self) -> PathBuf {
        self.root.join("report.json")
    }

    pub(crate) fn report(&self) -> PathBuf {
        self.root.join("report.html")
    }

    pub(crate) fn figures(&self) -> PathBuf {
        self.root.join("figures")
    }

    /// Puts one table into the run's config, leaving the others.
    pub(crate) fn record<T: Serialize>(&self, table: &str, choices: &T) -> Result<()> {
        let path = self.config();
        let mut config = if path.exists() {
            parse(&path)?
        } else {
            toml::Table::new()
        };
        let mut about = toml::Table::new();
        about.insert("crosr".to_owned(), env!("CARGO_PKG_VERSION").into());
        config.insert("about".to_owned(), about.into());
        let choices = toml::Table::try_from(choices)
            .map_err(|e| CliError::file(&path, format!("cannot record the choices: {e}")))?;
        config.insert(table.to_owned(), choices.into());
        write_atomically(&path, config.to_string().as_bytes())
    }

    /// One table of the run's config.
    pub(crate) fn recorded<T: DeserializeOwned>(&self, table: &str) -> Result<T> {
        from_table(&self.config(), table)
    }
}

fn parse(path: &Path) -> Result<toml::Table> {
    read_text(path)?
        .parse::<toml::Table>()
        .map_err(|e| CliError::file(path, e.to_string().replace('\n', " ")))
}

fn from_table<T: DeserializeOwned>(path: &Path, table: &str) -> Result<T> {
    let mut config = parse(path)?;
    let value = config
        .remove(table)
        .ok_or_else(|| CliError::file(path, format!("there is no table [{table}]")))?;
    value
        .try_into()
        .map_err(|e: toml::de::Error| CliError::file(path, format!("[{table}]: {}", e.message())))
}

/// The flags, with what they leave open taken from a config file's table.
///
/// Fields that a config file does not hold come back empty.
pub(crate) fn with_config<T>(flags: &T, config: Option<&Path>, table: &str) -> Result<T>
where
    T: Serialize + DeserializeOwned,
{
    let internal = |e: serde_json::Error| CliError::usage(format!("[{table}]: {e}"));
    let mut merged = match config {
        None => serde_json::Map::new(),
        Some(path) => from_table(path, table)?,
    };
    if let serde_json::Value::Object(given) = serde_json::to_value(flags).map_err(internal)? {
        for (name, value) in given {
            let unset = match &value {
                serde_json::Value::Null => true,
                serde_json::Value::Array(items) => items.is_empty(),
                _ => false,
            };
            if !unset {
                merged.insert(name, value);
            }
        }
    }
    serde_json::from_value(serde_json::Value::Object(merged)).map_err(|e| match config {
        Some(path) => CliError::file(path, format!("[{table}]: {e}")),
        None => internal(e),
    })
}
