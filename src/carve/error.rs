//! What can go wrong when an image is searched.

use std::io;

/// Why an image could not be searched, or a file not be put together from it.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum CarveError {
    /// The image could not be read.
    #[error("byte {at}: {cause}")]
    Read {
        /// The offset in the image.
        at: u64,
        /// What was said.
        cause: io::Error,
    },
    /// More of the image looks like pages than can be counted.
    #[error("byte {at}: more than 2^32 sectors look like pages: search the image in parts")]
    TooMany {
        /// The offset in the image up to which it was searched.
        at: u64,
    },
    /// Whoever takes the bytes of a file gave an error.
    #[error(transparent)]
    Write(io::Error),
}
