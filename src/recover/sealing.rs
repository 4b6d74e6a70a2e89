//! What protects the pages of a file that is recovered: taken off when a page comes into memory, and put
//! on when it goes out (recovery, "Files with page checksums or encryption").

use std::borrow::Cow;

use crate::error::Result;
use crate::format::checksum;
use crate::format::edit;
use crate::format::meta::LENGTH;
use crate::format::page::{PageKind, at};
use crate::format::seal::{Seal, is_metadata};
use crate::meta::DatabaseKind;
use crate::order::{Endianness, with_order};
use crate::pages::{Cipher, File, Nonce};
use crate::types::PageNo;

/// So many pages are tried where the first does not show whether a password is right.
const TRIED: u32 = 8;

/// What opens the pages of an encrypted file, and seals them again.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Sealing {
    cipher: Cipher,
    nonce: Nonce,
}

impl Sealing {
    /// That of a file, by the password with which it was opened.
    pub(crate) fn of(file: &File<'_>, kind: &DatabaseKind) -> Result<Sealing> {
        let bytes = file.bytes()?;
        let size = kind.page_size.map_or(0, |size| size.bytes());
        let page = |no: u32| {
            let start = usize::try_from(no).ok()?.checked_mul(size)?;
            Some((PageNo(no), Cow::Borrowed(bytes.get(start..)?.get(..size)?)))
        };
        let cipher = Cipher::of(file.password(), kind, bytes, (1..TRIED).map_while(page))?;
        Ok(Sealing { cipher, nonce: Nonce::fresh()? })
    }

    /// That of a new file, made with the same password on the same machine.
    pub(crate) fn anew(self) -> Result<Sealing> {
        Ok(Sealing { nonce: Nonce::fresh()?, ..self })
    }

    /// The first page in the clear, as far as metadata goes.
    pub(crate) fn first(&self, page: &[u8]) -> Vec<u8> {
        let mut first = page.get(..LENGTH).unwrap_or(page).to_vec();
        self.cipher.open(&mut first, PageNo::META);
        first
    }
}

/// Takes off what protects a page as it stands in the file. Says whether it was right; a page of zeros has
/// nothing, and that is right.
pub(super) fn open(
    seal: Seal,
    sealing: Option<&Sealing>,
    page: &mut [u8],
    no: u32,
    order: Endianness,
) -> bool {
    if page.iter().all(|&byte| byte == 0) {
        return true;
    }
    match (seal, sealing) {
        (Seal::None, _) => true,
        (Seal::Encrypted, Some(sealing)) => sealing.cipher.open(page, PageNo(no)),
        (Seal::Encrypted, None) => false,
        (Seal::Checksum, _) => {
            let (field, covered) = summed(page, no);
            order.u32_at(page, field) == Some(checksum::sum(page.get(..covered).unwrap_or_default(), field))
        }
    }
}

/// Puts on what protects a page: its checksum, or the cipher with its code. A page of zeros gets none.
pub(super) fn close(seal: Seal, sealing: Option<&Sealing>, page: &mut [u8], no: u32, order: Endianness) {
    if page.iter().all(|&byte| byte == 0) {
        return;
    }
    match (seal, sealing) {
        (Seal::Encrypted, Some(sealing)) => sealing.cipher.seal(page, PageNo(no), &sealing.nonce),
        (Seal::Checksum, _) => {
            let (field, covered) = summed(page, no);
            let sum = checksum::sum(page.get(..covered).unwrap_or_default(), field);
            with_order!(order, O => edit::put_u32::<O>(page, field, sum));
        }
        _ => {}
    }
}

/// Where the checksum of a page stands, and of how many bytes it is.
fn summed(page: &[u8], no: u32) -> (usize, usize) {
    let kind = page.get(at::TYPE).copied().and_then(PageKind::from_byte);
    let metadata = no == 0 || kind.is_some_and(is_metadata);
    if metadata { (checksum::ON_META, LENGTH) } else { (checksum::ON_PAGE, page.len()) }
}
