//! What can be wrong with a PyTorch checkpoint.

use std::path::PathBuf;

use crosr_pickle::PickleError;

/// A PyTorch checkpoint that cannot be read.
///
/// Offsets count bytes from the start of the named record; in the container from before
/// PyTorch 1.6, which has no records, from the start of the file.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum TorchError {
    /// The file cannot be opened or read.
    #[error("{path}: {source}", path = path.display())]
    Io {
        /// The file.
        path: PathBuf,
        /// What the operating system says.
        source: std::io::Error,
    },
    /// The file was read, its content is at fault.
    #[error("{path}: {error}", path = path.display())]
    File {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        #[source]
        error: Box<TorchError>,
    },
    /// Neither of PyTorch's containers.
    #[error(
        "not a PyTorch checkpoint: it starts with bytes {start:02x?}, neither a zip archive nor the \
         container from before PyTorch 1.6; give a file written by torch.save"
    )]
    Container {
        /// The first bytes of the file, eight at most.
        start: Vec<u8>,
    },
    /// The zip archive is damaged.
    #[error("zip archive, record {record:?}: {source}; fetch the file again")]
    Zip {
        /// The record being read, or `directory`.
        record: String,
        /// What the zip reader says.
        source: zip::result::ZipError,
    },
    /// A record of the zip archive is missing, or is not as `torch.save` writes it.
    #[error("record {record:?}: {what}")]
    Record {
        /// The record.
        record: String,
        /// What is wrong, and what to do.
        what: String,
    },
    /// The pickle calls for a function or class outside the closed list; nothing was called.
    #[error(
        "record {record:?}, offset {offset}: the pickle asks for {name:?}, which no plain state dict \
         needs; refused, nothing was executed; save the state_dict alone"
    )]
    Global {
        /// The record that holds the pickle.
        record: String,
        /// Where the opcode starts.
        offset: usize,
        /// Module and name, joined by a full stop.
        name: String,
    },
    /// The pickle has an opcode that no `torch.save` writes.
    #[error(
        "record {record:?}, offset {offset}: pickle opcode 0x{opcode:02x} is not supported; write \
         the file again with torch.save and its default protocol"
    )]
    Opcode {
        /// The record that holds the pickle.
        record: String,
        /// Where the opcode stands.
        offset: usize,
        /// The byte.
        opcode: u8,
    },
    /// The pickle is cut short or contradicts itself.
    #[error("record {record:?}, offset {offset}: malformed pickle: {what}; fetch the file again")]
    Pickle {
        /// The record that holds the pickle.
        record: String,
        /// Where the opcode at fault starts.
        offset: usize,
        /// What is wrong.
        what: String,
    },
    /// The pickle is larger or nested deeper than any state dict.
    #[error(
        "record {record:?}, offset {offset}: more than {limit} {what}; save the state_dict alone"
    )]
    Limit {
        /// The record that holds the pickle.
        record: String,
        /// Where the limit was reached.
        offset: usize,
        /// What was counted.
        what: &'static str,
        /// The most that is read.
        limit: usize,
    },
    /// A storage (the numbers behind one or several tensors) is missing or of another size.
    #[error("storage {key:?}: {what}")]
    Storage {
        /// Its key.
        key: String,
        /// What is wrong.
        what: String,
    },
    /// A tensor that does not fit its storage, or that is too large for its file.
    #[error("tensor {tensor:?}: {what}")]
    Tensor {
        /// Its name in the file.
        tensor: String,
        /// What is wrong.
        what: String,
    },
    /// No state dict where one is looked for.
    #[error(
        "no state dict at top level, under model_state_dict or under state_dict; the file holds \
         {found}"
    )]
    NoStateDict {
        /// The type at top level, or the first keys of the dict there.
        found: String,
    },
}

impl TorchError {
    /// What is wrong with the pickle in a record.
    pub(super) fn of(error: PickleError, record: &str) -> Self {
        let record = record.to_owned();
        match error {
            PickleError::Global { offset, name } => Self::Global {
                record,
                offset,
                name,
            },
            PickleError::Opcode { offset, opcode } => Self::Opcode {
                record,
                offset,
                opcode,
            },
            PickleError::Malformed { offset, what } => Self::Pickle {
                record,
                offset,
                what,
            },
            PickleError::Limit {
                offset,
                what,
                limit,
            } => Self::Limit {
                record,
                offset,
                what,
                limit,
            },
            other => Self::Pickle {
                record,
                offset: 0,
                what: other.to_string(),
            },
        }
    }
}
