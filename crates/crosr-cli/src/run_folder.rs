//! Run folders: every file is written beside its place, synced, then renamed, so that a kill at
//! any instant leaves the old one or the new one.

use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};

use serde::Serialize;
use serde::de::DeserializeOwned;
use tempfile::NamedTempFile;

use crate::error::{CliError, Result};

/// How a file is called until it is complete: this, and characters that nobody else has chosen.
const UNFINISHED: &str = ".writing-";

/// Replaces `path` by a file with this content, or leaves it as it was.
pub(crate) fn write_atomically(path: &Path, content: &[u8]) -> Result<()> {
    let folder = match path.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => parent,
        _ => Path::new("."),
    };
    fs::create_dir_all(folder).map_err(CliError::io(folder, "create the folder"))?;
    let write = || -> std::io::Result<()> {
        let mut file = unfinished_in(folder)?;
        // The file below the name: errors shall speak of `path`, not of a name that is gone by then.
        file.as_file_mut().write_all(content)?;
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

/// A file to write to, locked as long as it is open: that is how [`remove_unfinished`] tells it
/// from one that a killed process left.
fn unfinished_in(folder: &Path) -> std::io::Result<NamedTempFile> {
    let mut builder = tempfile::Builder::new();
    builder.prefix(UNFINISHED);
    #[cfg(unix)]
    {
        // For whom the umask says; by itself a temporary file is for its owner alone.
        use std::os::unix::fs::PermissionsExt as _;
        builder.permissions(fs::Permissions::from_mode(0o666));
    }
    loop {
        let file = builder.tempfile_in(folder)?;
        let locked = file.as_file().lock();
        // Before it was locked, another process may have taken it away. Where files cannot be
        // locked at all, nobody takes any away.
        if locked.is_err() || file.path().exists() {
            return Ok(file);
        }
    }
}

/// Takes away what killed processes have left half-written. What another process is writing at
/// this moment is locked, and stays; what cannot be taken away does no harm.
fn remove_unfinished(folder: &Path) {
    let Ok(entries) = fs::read_dir(folder) else {
        return;
    };
    for entry in entries.flatten() {
        let name = entry.file_name();
        let unfinished = name.to_string_lossy().starts_with(UNFINISHED)
            && entry.file_type().is_ok_and(|kind| kind.is_file());
        if !unfinished {
            continue;
        }
        // Open for writing, without which network file systems lock nothing.
        if let Ok(file) = fs::OpenOptions::new().write(true).open(entry.path())
            && file.try_lock().is_ok()
        {
            // Still locked: whoever has just made it waits, and then makes another.
            fs::remove_file(entry.path()).ok();
        }
    }
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

    /// Replaces a file of a run that is under way. A folder that has gone since it began is not made
    /// anew: half a run would be left in its place.
    pub(crate) fn replace(&self, path: &Path, content: &[u8]) -> Result<()> {
        if !self.config().is_file() {
            let what = "config.toml is gone: the folder was moved or removed while it was in use";
            return Err(CliError::file(&self.root, what));
        }
        write_atomically(path, content)
    }

    /// Takes away a network, and what was made of it, before another takes its place; figures stay
    /// until they are drawn again.
    ///
    /// The network goes last: whenever this is killed, it is done to the end the next time, and
    /// nothing of one run is ever taken for the other's.
    pub(crate) fn clear(&self) -> Result<()> {
        if !self.model().exists() && !self.last().exists() {
            // Whatever bears one of the names is none of ours.
            return Ok(());
        }
        for path in [
            self.openset(),
            self.metrics(),
            self.scores(),
            self.report_values(),
            self.report(),
            self.last(),
            self.history(),
            self.model(),
        ] {
            match fs::remove_file(&path) {
                Err(e) if e.kind() == std::io::ErrorKind::NotFound => {}
                other => other.map_err(CliError::io(&path, "remove"))?,
            }
        }
        Ok(())
    }

    /// Puts one table into the run's config, leaving the others. What earlier commands were killed
    /// over is cleared away.
    pub(crate) fn record<T: Serialize>(&self, table: &str, choices: &T) -> Result<()> {
        remove_unfinished(&self.root);
        remove_unfinished(&self.figures());
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

#[cfg(test)]
mod tests {
    use super::*;

    fn names(folder: &Path) -> Vec<String> {
        let entries = fs::read_dir(folder).expect("there").flatten();
        let name = |entry: fs::DirEntry| entry.file_name().to_string_lossy().into_owned();
        let mut names: Vec<String> = entries.map(name).collect();
        names.sort();
        names
    }

    #[test]
    fn what_a_kill_left_goes_and_what_is_being_written_stays() {
        let dir = tempfile::tempdir().expect("a temporary folder");
        let run = RunFolder::new(dir.path());
        fs::create_dir(run.figures()).expect("writable");
        for left in [&run.root, &run.figures()] {
            fs::write(left.join(".writing-Ab3dEf"), "half").expect("writable");
        }
        let ours = unfinished_in(&run.root).expect("writable");
        run.record("train", &toml::Table::new()).expect("writable");
        let name = ours.path().file_name().expect("a name").to_string_lossy();
        assert_eq!(names(&run.root), [&*name, "config.toml", "figures"]);
        assert!(names(&run.figures()).is_empty());
        drop(ours);
        assert_eq!(names(&run.root), ["config.toml", "figures"]);
    }

    /// One takes away without a pause what others are about to write.
    #[test]
    fn no_file_is_taken_away_from_whoever_writes_it() {
        let dir = tempfile::tempdir().expect("a temporary folder");
        let write = |name: &str| {
            let path = dir.path().join(name);
            for i in 0..50_u8 {
                write_atomically(&path, &[i; 100]).expect("nobody is in the way");
                assert_eq!(fs::read(&path).expect("written"), [i; 100]);
            }
        };
        std::thread::scope(|scope| {
            let writers = ["a", "b"].map(|name| scope.spawn(move || write(name)));
            while writers.iter().any(|writer| !writer.is_finished()) {
                remove_unfinished(dir.path());
            }
        });
        assert_eq!(names(dir.path()), ["a", "b"]);
    }
}
