//! Why a text is not loaded.

use std::io;

use crate::build::BuildError;
use crate::dump::TextError;

/// Why a text is not loaded.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum LoadError {
    /// The text is no dump, or not a whole one.
    #[error(transparent)]
    Text(#[from] TextError),
    /// What the text says cannot be built.
    #[error("line {line}: {error}")]
    Build {
        /// The line up to which the text was read.
        line: u64,
        /// What cannot be built.
        error: BuildError,
    },
    /// A setting that was given beside the text.
    #[error("{0}")]
    Setting(crate::dump::TextFault),
    /// A HEAP is not built.
    #[error("line {line}: a HEAP cannot be built: db_load of release 5.2 or later does it")]
    Heap {
        /// The line where its header ends.
        line: u64,
    },
    /// The text has records without keys, and the database is to have keys.
    #[error("line {line}: the text has records without keys, which a BTREE or a HASH needs")]
    NoKeys {
        /// The line.
        line: u64,
    },
    /// There is no database in the text.
    #[error("the text is empty")]
    Empty,
    /// A temporary file.
    #[error("a temporary file: {0}")]
    Io(#[from] io::Error),
}
