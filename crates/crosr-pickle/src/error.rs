//! What can be wrong with a pickle.

/// A pickle that cannot be read. Offsets count bytes from the start of what was given.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum PickleError {
    /// It calls for a function or class outside the closed list; nothing was called.
    #[error(
        "offset {offset}: the pickle asks for {name:?}, which is not on the list of what this kind \
         of file needs; refused, nothing was executed"
    )]
    Global {
        /// Where the opcode starts.
        offset: usize,
        /// Module and name, joined by a full stop.
        name: String,
    },
    /// It has an opcode that no plain data need.
    #[error("offset {offset}: pickle opcode 0x{opcode:02x} is not supported")]
    Opcode {
        /// Where the opcode stands.
        offset: usize,
        /// The byte.
        opcode: u8,
    },
    /// It is cut short or contradicts itself.
    #[error("offset {offset}: malformed pickle: {what}")]
    Malformed {
        /// Where the opcode at fault starts.
        offset: usize,
        /// What is wrong.
        what: String,
    },
    /// It is larger or nested deeper than makes sense.
    #[error("offset {offset}: more than {limit} {what}")]
    Limit {
        /// Where the limit was reached.
        offset: usize,
        /// What was counted.
        what: &'static str,
        /// The most that is read.
        limit: usize,
    },
}
