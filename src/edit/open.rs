//! Opening what is to be changed.

use super::error::Result;
use super::extents::Extent;
use super::operation::Operation;
use crate::access::Database;
use crate::error::Error;
use crate::pages::File;

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
    if let Some(kind) = file.kind().database().filter(|kind| !operation.takes(kind.method)) {
        let (method, version, order) = (kind.method, kind.version, kind.order);
        return Err(Error::UnsupportedMethod { method, version, order }.into());
    }
    Ok(file.database()?)
}

/// A file in memory, with the extents that it has.
pub(crate) fn with_extents<'c>(contents: &'c [u8], extents: &'c [Extent]) -> File<'c> {
    match extents.first() {
        Some(first) => {
            let given = extents.iter().map(|extent| (extent.number, &extent.contents[..])).collect();
            File::with_extents(contents, &first.main, given)
        }
        None => File::from_bytes(contents),
    }
}
