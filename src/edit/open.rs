//! Opening what is to be changed.

use super::error::Result;
use super::extents::Extent;
use super::operation::Operation;
use crate::access::Database;
use crate::error::Error;
use crate::meta::FileKind;
use crate::method::Feature;
use crate::pages::{File, OpenOptions};

/// Opens the database in a file that is to be changed, with the extents that it has.
///
/// # Errors
///
/// As [`File::database`]; [`Error::UnsupportedMethod`] if the operation changes no such files.
pub(super) fn open<'c>(
    operation: &impl Operation,
    contents: &'c [u8],
    extents: &'c [Extent],
) -> Result<Database<'c>> {
    let file = with_extents(contents, extents);
    if let FileKind::Series1 { method, version, order } = *file.kind() {
        return Err(Error::Series1 { method, version, order }.into());
    }
    if let Some(kind) = file.kind().database() {
        let (method, version, order) = (kind.method, kind.version, kind.order);
        if !operation.takes(method) {
            return Err(Error::UnsupportedMethod { method, version, order }.into());
        }
        if kind.partitions.is_some() {
            let feature = Feature::Partitioned;
            return Err(Error::UnsupportedFeature { method, version, order, feature }.into());
        }
    }
    match file.database() {
        // No password would help.
        Err(Error::Encrypted { method, version, order }) => {
            let feature = Feature::Encrypted;
            Err(Error::UnsupportedFeature { method, version, order, feature }.into())
        }
        opened => Ok(opened?),
    }
}

/// A file in memory, with the extents that it has.
pub(crate) fn with_extents<'c>(contents: &'c [u8], extents: &'c [Extent]) -> File<'c> {
    match extents.first() {
        Some(first) => {
            let given = extents.iter().map(|extent| (extent.number, &extent.contents[..])).collect();
            File::with_beside(contents, &first.main, given, OpenOptions::new())
        }
        None => File::from_bytes(contents),
    }
}
