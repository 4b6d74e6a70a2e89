//! Opening what is to be changed.

use super::error::{Refusal, Result};
use super::extents::Extent;
use super::operation::Operation;
use crate::access::Database;
use crate::error::Error;
use crate::limits::Limits;
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
    options: OpenOptions<'c>,
) -> Result<Database<'c>> {
    let file = with_extents(contents, extents, options);
    if let FileKind::Series1 { method, version, order } = *file.kind() {
        return Err(Error::Series1 { method, version, order }.into());
    }
    if let Some(kind) = file.kind().database() {
        let (method, version, order) = (kind.method, kind.version, kind.order);
        if !operation.takes(method) {
            return Err(Error::UnsupportedMethod { method, version, order }.into());
        }
        let encrypted = kind.encrypted && !operation.takes_encrypted();
        let partitioned = kind.partitions.is_some() && !operation.takes_partitions();
        for (there, feature) in [(encrypted, Feature::Encrypted), (partitioned, Feature::Partitioned)] {
            if let Some(refusal) = operation.refuses(feature).filter(|_| there) {
                return Err(refusal.into());
            }
        }
        if encrypted && !extents.is_empty() {
            return Err(Refusal::Encrypted.into());
        }
        if partitioned {
            let feature = Feature::Partitioned;
            return Err(Error::UnsupportedFeature { method, version, order, feature }.into());
        }
    }
    match file.database() {
        // No password would help.
        Err(Error::Encrypted { method, version, order }) if !operation.takes_encrypted() => {
            let feature = Feature::Encrypted;
            Err(Error::UnsupportedFeature { method, version, order, feature }.into())
        }
        opened => Ok(opened?),
    }
}

/// How files are opened that change: of a partitioned database each by itself. All pages are needed,
/// decrypted ones, too.
pub(super) fn opening() -> OpenOptions<'static> {
    OpenOptions::new().alone().limits(Limits::DEFAULT.max_kept(u64::MAX))
}

/// A file in memory, with the extents that it has.
pub(crate) fn with_extents<'c>(
    contents: &'c [u8],
    extents: &'c [Extent],
    options: OpenOptions<'c>,
) -> File<'c> {
    match extents.first() {
        Some(first) => {
            let given = extents.iter().map(|extent| (extent.number, &extent.contents[..])).collect();
            File::with_beside(contents, &first.main, given, options)
        }
        None => options.file_from_bytes(contents),
    }
}
