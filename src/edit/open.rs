//! Opening what is to be changed.

use super::error::Result;
use crate::access::Database;
use crate::error::Error;
use crate::meta::{DatabaseKind, FileKind};
use crate::method::{Feature, Method};

/// Opens the database in a file that is to be changed. Of a QUEUE not even its records are
/// looked for, which may be in other files: none is changed.
pub(super) fn open(contents: &[u8]) -> Result<Database<'_>> {
    if let FileKind::Database(DatabaseKind { method: method @ Method::Queue, version, order, .. }) =
        FileKind::of(contents)
    {
        return Err(Error::UnsupportedMethod { method, version, order }.into());
    }
    match Database::from_bytes(contents) {
        // No password would help.
        Err(Error::Encrypted { method, version, order }) => {
            let feature = Feature::Encrypted;
            Err(Error::UnsupportedFeature { method, version, order, feature }.into())
        }
        opened => Ok(opened?),
    }
}
