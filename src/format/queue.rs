//! Pages of a QUEUE (database-format, annex B).
//!
//! ```text
//! 0 lsn   8 pgno   24 unused   25 type   28 records (48 behind a checksum, 64 if encrypted)
//! record   0 flags   1 its bytes, padded to a multiple of 4
//! ```

/// The record is there.
pub(crate) const VALID: u8 = 0x01;
/// It was there once.
pub(crate) const SET: u8 = 0x02;

/// The space that a record takes; `None` for a length that nothing can have.
pub(crate) fn slot_size(record_length: u32) -> Option<u32> {
    Some(record_length.checked_add(1)?.checked_add(3)? & !3)
}

/// How many records of this length fit a page.
pub(crate) fn per_page(page_size: u32, header: usize, record_length: u32) -> u32 {
    let room = page_size.saturating_sub(u32::try_from(header).unwrap_or(u32::MAX));
    slot_size(record_length).and_then(|size| room.checked_div(size)).unwrap_or(0)
}

/// A record as it stands on its page.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Record<'a> {
    pub(crate) flags: u8,
    /// Offset of the flags in the page.
    pub(crate) at: usize,
    pub(crate) bytes: &'a [u8],
}

impl<'a> Record<'a> {
    /// The record of a slot, of pages whose records start at `header` and have this length.
    pub(crate) fn at(page: &'a [u8], header: usize, record_length: u32, slot: u32) -> Option<Record<'a>> {
        let start = u64::from(slot_size(record_length)?).checked_mul(slot.into())?;
        let at = usize::try_from(start).ok()?.checked_add(header)?;
        let (&flags, rest) = page.get(at..)?.split_first()?;
        Some(Record { flags, at, bytes: rest.get(..usize::try_from(record_length).ok()?)? })
    }

    /// Whether it is there.
    pub(crate) fn is_valid(&self) -> bool {
        self.flags & VALID != 0
    }

    /// Whether its flags are ones that a library writes.
    pub(crate) fn has_known_flags(&self) -> bool {
        self.flags & !(VALID | SET) == 0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn records_take_multiples_of_four_with_their_flags() {
        assert_eq!([0, 3, 4, 32].map(slot_size), [4, 4, 8, 36].map(Some));
        assert_eq!(slot_size(u32::MAX), None);
        assert_eq!((per_page(512, 28, 32), per_page(512, 48, 32), per_page(512, 28, 60_000)), (13, 12, 0));
        let mut page = [0; 512];
        (page[64], page[65], page[96]) = (3, 7, 9);
        let record = Record::at(&page, 28, 32, 1).unwrap();
        assert_eq!((record.flags, record.at, record.bytes[0], record.bytes[31]), (3, 64, 7, 9));
        assert!(record.is_valid() && record.has_known_flags());
        assert!(Record::at(&page, 28, 32, 13).is_none());
        assert!(Record::at(&page, 28, u32::MAX - 4, u32::MAX).is_none());
    }
}
