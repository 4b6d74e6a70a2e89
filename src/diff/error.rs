//! Why something was not compared.

use super::difference::Side;
use crate::error::Error;
use crate::method::Method;
use crate::shown::Escaped;

/// Why something was not compared.
#[derive(Clone, Debug, thiserror::Error)]
#[non_exhaustive]
pub enum DiffError {
    /// Something on one side cannot be read.
    #[error("{cause}")]
    Read {
        /// The side.
        side: Side,
        /// What it is.
        cause: Error,
    },
    /// What the two keep their values by is not of one kind.
    #[error("the first is {old}, the second {new}: they have nothing to be compared by")]
    Methods {
        /// The method of the first one.
        old: Method,
        /// That of the second one.
        new: Method,
    },
    /// One file holds several databases, and the other a single one.
    #[error("the {side} file holds several databases, and the other one: choose one of them")]
    Several {
        /// The side that holds several.
        side: Side,
    },
    /// The keys of one side are not in the order in which they are compared, so that nothing can be
    /// told of those that follow.
    #[error(
        "the keys of the {side} are not in order, from {:?} on: the application may have an order of its own",
        Escaped(.key)
    )]
    Order {
        /// The side.
        side: Side,
        /// The first key that is less than the one before.
        key: Vec<u8>,
    },
}

impl DiffError {
    /// The side that it is about, if it is about one.
    #[must_use]
    pub fn side(&self) -> Option<Side> {
        match self {
            DiffError::Read { side, .. } | DiffError::Several { side } | DiffError::Order { side, .. } => {
                Some(*side)
            }
            DiffError::Methods { .. } => None,
        }
    }
}
