//! What stands between a page in a file and its contents: a checksum.

use crate::error::Result;
use crate::format::checksum;
use crate::format::page::{HEADER, HEADER_CHECKSUMMED};
use crate::meta;
use crate::order::Endianness;
use crate::types::PageNo;

/// How ordinary pages of a file are sealed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Codec {
    checksummed: bool,
    order: Endianness,
    overhead: usize,
}

impl Codec {
    pub(crate) fn new(checksummed: bool, order: Endianness) -> Codec {
        Codec { checksummed, order, overhead: if checksummed { HEADER_CHECKSUMMED } else { HEADER } }
    }

    /// Where index arrays start.
    pub(crate) fn overhead(self) -> usize {
        self.overhead
    }

    /// Checks a page that is not a hole.
    ///
    /// # Errors
    ///
    /// [`Error::Checksum`](crate::Error::Checksum).
    pub(crate) fn check(self, page: &[u8], no: PageNo) -> Result<()> {
        if self.checksummed { meta::verify_checksum(page, no, checksum::ON_PAGE, self.order) } else { Ok(()) }
    }

    /// As [`Codec::check`], of a page of an extent: release 4.1 does not sum those up.
    ///
    /// # Errors
    ///
    /// As [`Codec::check`].
    pub(crate) fn check_of_extent(self, page: &[u8], no: PageNo) -> Result<()> {
        let unsummed = self.order.u32_at(page, checksum::ON_PAGE) == Some(0);
        if unsummed { Ok(()) } else { self.check(page, no) }
    }
}
