//! What the command line tells its user when something is wrong.

use std::error::Error;
use std::path::{Path, PathBuf};

/// Any failure of a command.
#[derive(Debug, thiserror::Error)]
pub(crate) enum CliError {
    #[error(transparent)]
    Data(#[from] crosr_data::DataError),
    #[error(transparent)]
    Model(#[from] crosr_model::ModelError),
    #[error(transparent)]
    OpenMax(#[from] crosr_openmax::OpenMaxError),
    #[error(transparent)]
    Eval(#[from] crosr_eval::EvalError),
    #[error(transparent)]
    Fit(#[from] crosr_libmr::FitError),
    #[error(transparent)]
    Param(#[from] crosr_libmr::ParamError),
    /// A class whose samples cannot be fitted, by name.
    #[error("class {name}: {source}")]
    Class {
        name: String,
        source: crosr_openmax::OpenMaxError,
    },
    #[error("{path}: cannot {action}: {source}", path = path.display())]
    Io {
        path: PathBuf,
        action: &'static str,
        source: std::io::Error,
    },
    /// A file that is not what it should be.
    #[error("{path}: {what}", path = path.display())]
    File { path: PathBuf, what: String },
    /// Flags that do not go together or values that make no sense.
    #[error("{0}")]
    Usage(String),
    /// Pictures that were asked about and could not be read.
    #[error("{failed} of {total} pictures could not be read")]
    Pictures { failed: usize, total: usize },
    /// Standard output went away.
    #[error("cannot write to standard output: {0}")]
    Output(std::io::Error),
}

/// Result of a command.
pub(crate) type Result<T, E = CliError> = std::result::Result<T, E>;

impl CliError {
    pub(crate) fn io(path: &Path, action: &'static str) -> impl FnOnce(std::io::Error) -> Self {
        let path = path.to_owned();
        move |source| Self::Io {
            path,
            action,
            source,
        }
    }

    pub(crate) fn file(path: &Path, what: impl Into<String>) -> Self {
        Self::File {
            path: path.to_owned(),
            what: what.into(),
        }
    }

    pub(crate) fn usage(what: impl Into<String>) -> Self {
        Self::Usage(what.into())
    }

    /// Whether the user can mend it: a file, a folder, a flag.
    pub(crate) fn is_input(&self) -> bool {
        !matches!(
            self,
            Self::Model(crosr_model::ModelError::Candle(_))
                | Self::Pictures { .. }
                | Self::Output(_)
        )
    }

    /// The message and its causes in one line, each said once.
    pub(crate) fn one_line(&self) -> String {
        let text = with_causes(self);
        // Backtraces and multi-line reasons of libraries do not belong on a terminal.
        text.lines().next().unwrap_or_default().to_owned()
    }
}

/// A message and its causes, each said once.
pub(crate) fn with_causes(error: &dyn Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        let more = error.to_string();
        if !text.contains(&more) {
            text.push_str(": ");
            text.push_str(&more);
        }
        cause = error.source();
    }
    text
}
