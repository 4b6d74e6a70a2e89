//! What stands between a page in a file and its contents: a checksum, or the code of a cipher.

use super::cipher::Cipher;
use crate::error::Result;
use crate::format::checksum;
use crate::format::seal::Seal;
use crate::meta;
use crate::order::Endianness;
use crate::types::PageNo;

/// How ordinary pages of a file are sealed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Codec {
    seal: Seal,
    order: Endianness,
    /// Whether checksums are not looked at.
    unsummed: bool,
}

impl Codec {
    pub(crate) fn new(seal: Seal, order: Endianness) -> Codec {
        Codec { seal, order, unsummed: false }
    }

    /// The same, but that checksums are not looked at.
    pub(super) fn unsummed(self, unsummed: bool) -> Codec {
        Codec { unsummed, ..self }
    }

    /// Where index arrays start.
    pub(crate) fn overhead(self) -> usize {
        self.seal.overhead()
    }

    /// Checks a page that is not a hole; one of an encrypted file after it was
    /// [opened](Cipher::open).
    ///
    /// # Errors
    ///
    /// [`Error::Checksum`](crate::Error::Checksum),
    /// [`Error::Authentication`](crate::Error::Authentication).
    pub(crate) fn check(self, page: &[u8], no: PageNo) -> Result<()> {
        match self.seal {
            Seal::None => Ok(()),
            Seal::Checksum if self.unsummed => Ok(()),
            Seal::Checksum => meta::verify_checksum(page, no, checksum::ON_PAGE, self.order),
            Seal::Encrypted => Cipher::check(page, no),
        }
    }

    /// As [`Codec::check`], of a page of an extent: release 4.1 does not sum those up.
    ///
    /// # Errors
    ///
    /// As [`Codec::check`].
    pub(crate) fn check_of_extent(self, page: &[u8], no: PageNo) -> Result<()> {
        let unsummed = self.order.u32_at(page, checksum::ON_PAGE) == Some(0);
        if unsummed && self.seal == Seal::Checksum { Ok(()) } else { self.check(page, no) }
    }
}
