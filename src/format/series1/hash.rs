//! HASH 1 to 3 (other-releases, "HASH 1 and 2" and "HASH 3 (1.86, krb5)").

use super::VERSION;
use crate::order::Endianness::{self, Big};

/// A field of the header, which is big-endian whatever the order of the pages.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Field {
    Lorder,
    PageSize,
    PageShift,
    OvflPoint,
    MaxBucket,
    HighMask,
    LowMask,
    Ffactor,
    Keys,
    HeaderPages,
    Charkey,
    Spares,
    Bitmaps,
}

impl Field {
    /// The name that the specification gives it.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Field::Lorder => "lorder",
            Field::PageSize => "bsize",
            Field::PageShift => "bshift",
            Field::OvflPoint => "ovfl_point",
            Field::MaxBucket => "max_bucket",
            Field::HighMask => "high_mask",
            Field::LowMask => "low_mask",
            Field::Ffactor => "ffactor",
            Field::Keys => "nkeys",
            Field::HeaderPages => "hdrpages",
            Field::Charkey => "h_charkey",
            Field::Spares => "spares",
            Field::Bitmaps => "bitmaps",
        }
    }
}

/// Points at which the table doubles.
const POINTS: usize = 32;

/// The header of a file, as it stands.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Header {
    pub(crate) version: u32,
    pub(crate) lorder: u32,
    pub(crate) page_size: u32,
    pub(crate) page_shift: u32,
    pub(crate) ovfl_point: u32,
    pub(crate) max_bucket: u32,
    pub(crate) high_mask: u32,
    pub(crate) low_mask: u32,
    pub(crate) fill_factor: u32,
    pub(crate) keys: u32,
    pub(crate) pages: u32,
    pub(crate) probe: u32,
    pub(crate) spares: [u32; POINTS],
    pub(crate) bitmaps: [u16; POINTS],
}

impl Header {
    /// That of a file; `None`, if it is too short.
    pub(crate) fn of(file: &[u8]) -> Option<Header> {
        let version = Big.u32_at(file, VERSION)?;
        let bytes = file.get(..Header::length(version))?;
        let number = |field| Big.u32_at(bytes, Header::place(version, field)).unwrap_or(0);
        let (mut spares, mut bitmaps) = ([0; POINTS], [0; POINTS]);
        let spares_at = (Header::place(version, Field::Spares)..).step_by(4);
        spares.iter_mut().zip(spares_at).for_each(|(to, at)| *to = Big.u32_at(bytes, at).unwrap_or(0));
        let bitmaps_at = (Header::place(version, Field::Bitmaps)..).step_by(2);
        bitmaps.iter_mut().zip(bitmaps_at).for_each(|(to, at)| *to = Big.u16_at(bytes, at).unwrap_or(0));
        Some(Header {
            version,
            lorder: number(Field::Lorder),
            page_size: number(Field::PageSize),
            page_shift: number(Field::PageShift),
            ovfl_point: number(Field::OvflPoint),
            max_bucket: number(Field::MaxBucket),
            high_mask: number(Field::HighMask),
            low_mask: number(Field::LowMask),
            fill_factor: number(Field::Ffactor),
            keys: number(Field::Keys),
            pages: number(Field::HeaderPages),
            probe: number(Field::Charkey),
            spares,
            bitmaps,
        })
    }

    /// Its length in a version.
    pub(crate) fn length(version: u32) -> usize {
        Header::place(version, Field::Bitmaps).saturating_add(POINTS * 2)
    }

    /// Where a field stands in a version.
    pub(crate) fn place(version: u32, field: Field) -> usize {
        let third = version == 3;
        match field {
            Field::Lorder => 8,
            Field::PageSize => 12,
            Field::PageShift => 16,
            Field::OvflPoint => {
                if third {
                    20
                } else {
                    32
                }
            }
            Field::MaxBucket => {
                if third {
                    28
                } else {
                    40
                }
            }
            Field::HighMask => {
                if third {
                    32
                } else {
                    44
                }
            }
            Field::LowMask => {
                if third {
                    36
                } else {
                    48
                }
            }
            Field::Ffactor => {
                if third {
                    40
                } else {
                    52
                }
            }
            Field::Keys => {
                if third {
                    44
                } else {
                    56
                }
            }
            Field::HeaderPages => {
                if third {
                    48
                } else {
                    60
                }
            }
            Field::Charkey => {
                if third {
                    52
                } else {
                    64
                }
            }
            Field::Spares => {
                if third {
                    56
                } else {
                    68
                }
            }
            Field::Bitmaps => {
                if third {
                    184
                } else {
                    196
                }
            }
        }
    }

    /// Whether pages carry their numbers, and link to one another by them: what 1.86 brought.
    pub(crate) fn has_page_numbers(&self) -> bool {
        self.version == 3
    }

    /// The order of all pages.
    pub(crate) fn order(&self) -> Option<Endianness> {
        match self.lorder {
            1234 => Some(Endianness::Little),
            4321 => Some(Endianness::Big),
            _ => None,
        }
    }

    /// The bucket of keys with this hash.
    pub(crate) fn bucket(&self, hash: u32) -> u32 {
        let bucket = hash & self.high_mask;
        if bucket > self.max_bucket { bucket & self.low_mask } else { bucket }
    }

    /// Overflow pages before the buckets of a doubling.
    fn spares_before(&self, point: usize) -> u32 {
        point.checked_sub(1).and_then(|before| self.spares.get(before)).copied().unwrap_or(0)
    }

    /// The first page of a bucket. A number that no page can have is the highest there is.
    pub(crate) fn bucket_page(&self, bucket: u32) -> u32 {
        let point = Header::point(bucket);
        bucket.saturating_add(self.pages).saturating_add(self.spares_before(point))
    }

    /// The doubling with which a bucket came: 0 for bucket 0, then 1, 2, 2, 3, 3, 3, 3…
    pub(crate) fn point(bucket: u32) -> usize {
        usize::try_from(32u32.saturating_sub(bucket.leading_zeros())).unwrap_or(0)
    }

    /// The page of an overflow address: so many behind the last bucket of a doubling.
    pub(crate) fn overflow_page(&self, address: u16) -> u32 {
        let (point, number) = split_address(address);
        let last = 1u32.checked_shl(point).unwrap_or(0).wrapping_sub(1);
        self.bucket_page(last).saturating_add(number)
    }

    /// The place of an overflow page in the bitmaps, from its address.
    pub(crate) fn bit(&self, address: u16) -> Option<u32> {
        let (point, number) = split_address(address);
        let before = self.spares_before(usize::try_from(point).ok()?);
        before.checked_add(number)?.checked_sub(1)
    }

    /// The page whose place in the bitmaps this is.
    pub(crate) fn page_of_bit(&self, bit: u32) -> Option<u32> {
        let number = bit.checked_add(1)?;
        let last = usize::try_from(self.ovfl_point).ok()?.min(POINTS - 1);
        let point = (0..last).find(|&point| self.spares.get(point).is_some_and(|&sum| number <= sum));
        let point = point.unwrap_or(last);
        let behind = number.checked_sub(self.spares_before(point))?;
        let bucket = 1u32.checked_shl(u32::try_from(point).ok()?)?.wrapping_sub(1);
        Some(self.bucket_page(bucket).saturating_add(behind))
    }
}

/// A doubling, and a number behind its last bucket, which counts from 1.
pub(crate) fn split_address(address: u16) -> (u32, u32) {
    (u32::from(address >> 11), u32::from(address & 0x7ff))
}

/// What a pair of words of a page stands for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Words {
    /// Offsets of a key and its data.
    Pair(usize, usize),
    /// The address of the next page of the bucket.
    Next(u16),
    /// A mark that has no business here.
    Mark(u16),
}

/// How a page of a big pair goes on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Mark {
    /// All of it is key.
    PartOfKey,
    /// The key ends here; of data it is a part.
    EndOfKey,
    /// Key and data are on this page; of data it is the last part.
    Last,
}

/// A page of HASH 1 or 2: an array of words that begins with how many there are.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Page<'a> {
    bytes: &'a [u8],
    order: Endianness,
}

impl<'a> Page<'a> {
    pub(crate) fn new(bytes: &'a [u8], order: Endianness) -> Page<'a> {
        Page { bytes, order }
    }

    pub(crate) fn word(&self, index: usize) -> u16 {
        index.checked_mul(2).and_then(|at| self.order.u16_at(self.bytes, at)).unwrap_or(0)
    }

    /// Number of words, without the first and the two behind.
    pub(crate) fn words(&self) -> usize {
        usize::from(self.word(0))
    }

    /// Where the words end, and data may begin.
    pub(crate) fn end_of_words(&self) -> usize {
        self.words().saturating_add(3).saturating_mul(2)
    }

    /// Whether the words come in twos and fit the page.
    pub(crate) fn has_words(&self) -> bool {
        self.words() & 1 == 0 && self.end_of_words() <= self.bytes.len()
    }

    /// The word behind all others but one: bytes that are free; of a page with the end of a big key,
    /// 0 if its data goes on.
    pub(crate) fn free(&self) -> u16 {
        self.word(self.words().saturating_add(1))
    }

    /// The last word: the lowest offset that is used.
    pub(crate) fn lowest(&self) -> usize {
        usize::from(self.word(self.words().saturating_add(2)))
    }

    /// Twos of words.
    pub(crate) fn entries(&self) -> usize {
        self.words() >> 1
    }

    /// Where an entry stands.
    pub(crate) fn entry_at(entry: usize) -> usize {
        entry.saturating_mul(4).saturating_add(2)
    }

    pub(crate) fn entry(&self, entry: usize) -> Words {
        let first = entry.saturating_mul(2).saturating_add(1);
        let (a, b) = (self.word(first), self.word(first.saturating_add(1)));
        match b {
            0 => Words::Next(a),
            1..=3 => Words::Mark(b),
            _ => Words::Pair(a.into(), b.into()),
        }
    }

    /// The mark of a page of a big pair, if it is one.
    pub(crate) fn mark(&self) -> Option<Mark> {
        match (self.words(), self.word(2)) {
            (0 | 1, _) => None,
            (_, 1) => Some(Mark::PartOfKey),
            (_, 2) => Some(Mark::EndOfKey),
            (_, 3) => Some(Mark::Last),
            _ => None,
        }
    }

    /// Of a page of a big pair: where its bytes begin, and where data does, if that is on the same
    /// page.
    pub(crate) fn big_at(&self) -> (usize, usize) {
        (usize::from(self.word(1)), usize::from(self.word(4)))
    }

    /// Of a page of a big pair: the address of the page behind it, if it has one.
    pub(crate) fn link(&self) -> Option<u16> {
        (self.words() > 2).then(|| self.word(self.words().saturating_sub(1)))
    }

    /// Where that address stands.
    pub(crate) fn link_at(&self) -> usize {
        self.words().saturating_sub(1).saturating_mul(2)
    }
}

/// Offsets of the fields of a page of HASH 3.
pub(crate) mod at3 {
    pub(crate) const PGNO: usize = 0;
    pub(crate) const NEXT: usize = 4;
    pub(crate) const PAIRS: usize = 8;
    pub(crate) const TYPE: usize = 10;
    pub(crate) const SLOTS: usize = 14;
    /// Of a page of a big pair.
    pub(crate) const BIG: usize = 18;
}

/// Types of pages of HASH 3.
pub(crate) const BUCKET: u8 = 2;
pub(crate) const BIG_PAIR: u8 = 3;
pub(crate) const OVERFLOW: u8 = 4;
/// No page follows.
pub(crate) const NO_PAGE: u32 = u32::MAX;

/// A page of HASH 3.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Page3<'a> {
    bytes: &'a [u8],
    order: Endianness,
}

impl<'a> Page3<'a> {
    pub(crate) fn new(bytes: &'a [u8], order: Endianness) -> Page3<'a> {
        Page3 { bytes, order }
    }

    pub(crate) fn pgno(&self) -> u32 {
        self.order.u32_at(self.bytes, at3::PGNO).unwrap_or(0)
    }

    pub(crate) fn next(&self) -> u32 {
        self.order.u32_at(self.bytes, at3::NEXT).unwrap_or(0)
    }

    pub(crate) fn pairs(&self) -> usize {
        self.order.u16_at(self.bytes, at3::PAIRS).map_or(0, usize::from)
    }

    pub(crate) fn kind(&self) -> u8 {
        self.bytes.get(at3::TYPE).copied().unwrap_or(0)
    }

    /// Whether it was never written.
    pub(crate) fn is_hole(&self) -> bool {
        self.pairs() == 0 && self.next() == 0
    }

    /// Where a pair of slots stands.
    pub(crate) fn slot_at(pair: usize) -> usize {
        pair.saturating_mul(4).saturating_add(at3::SLOTS)
    }

    /// Where the slots end, and data may begin.
    pub(crate) fn end_of_slots(&self) -> usize {
        Page3::slot_at(self.pairs())
    }

    /// Offsets of a key and its data; those of a big pair are 0 and an address.
    pub(crate) fn slots(&self, pair: usize) -> (usize, u16) {
        let at = Page3::slot_at(pair);
        let half = |at| self.order.u16_at(self.bytes, at).unwrap_or(0);
        (half(at).into(), half(at.saturating_add(2)))
    }

    /// Key and data bytes of a page of a big pair; `None`, if it has not so many.
    pub(crate) fn big(&self) -> Option<(&'a [u8], &'a [u8])> {
        let (key, data) = self.slots(0);
        let (key, behind) = self.bytes.get(at3::BIG..)?.split_at_checked(key)?;
        Some((key, behind.get(..data.into())?))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_and_bits_lead_to_the_same_pages() {
        let mut header = Header::of(&[0; 260]).unwrap();
        (header.pages, header.ovfl_point) = (1, 4);
        header.spares = [0; POINTS];
        header.spares[..5].copy_from_slice(&[2, 2, 5, 6, 9]);
        header.spares[5..].fill(9);
        assert_eq!([0, 1, 2, 3, 4, 7, 8].map(Header::point), [0, 1, 2, 2, 3, 3, 4]);
        assert_eq!([0, 1, 2, 3, 4].map(|bucket| header.bucket_page(bucket)), [1, 4, 5, 6, 10]);
        // Two behind bucket 0, none behind bucket 1, three behind bucket 3.
        assert_eq!([1, 2, 2 << 11 | 1].map(|address| header.overflow_page(address)), [2, 3, 7]);
        for address in [1, 2, 2 << 11 | 1, 2 << 11 | 3, 3 << 11 | 1, 4 << 11 | 3] {
            let bit = header.bit(address).unwrap();
            assert_eq!(header.page_of_bit(bit), Some(header.overflow_page(address)), "{address:#x}");
        }
        assert_eq!(header.bit(0), None);
        assert_eq!(header.overflow_page(0xffff), 0x7ff_u32.saturating_add(header.bucket_page(0x7fff_ffff)));
    }
}
