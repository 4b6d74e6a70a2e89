//! The small nouns of the formats: page numbers, page sizes, LSNs, file ids.

use std::fmt;
use std::str::FromStr;

/// The number of a page: its offset in the file divided by the page size.
///
/// Page 0 is the metadata page of the file; as a link, 0 means "none"
/// (database-format, "Conventions").
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct PageNo(pub u32);

impl PageNo {
    /// The metadata page of the file.
    pub const META: PageNo = PageNo(0);

    /// Reads a link to another page, where 0 stands for "none".
    #[must_use]
    pub fn link(raw: u32) -> Option<PageNo> {
        (raw != 0).then_some(PageNo(raw))
    }

    /// The number as an index into tables with one entry a page.
    #[must_use]
    pub fn index(self) -> usize {
        usize::try_from(self.0).unwrap_or(usize::MAX)
    }
}

impl From<u32> for PageNo {
    fn from(number: u32) -> PageNo {
        PageNo(number)
    }
}

impl From<PageNo> for u32 {
    fn from(no: PageNo) -> u32 {
        no.0
    }
}

impl fmt::Display for PageNo {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// A legal page size: a power of two from 512 to 65536 bytes
/// (database-format, "Identification"). Files of the 1.x series may have others: any even number
/// from 512 on, and of HASH powers of two from 64 on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct PageSize(u32);

impl PageSize {
    /// What is taken if nothing says otherwise.
    #[cfg(feature = "build")]
    pub(crate) const DEFAULT: PageSize = PageSize(4096);

    /// The smallest one.
    pub(crate) const LEAST: PageSize = PageSize(512);

    /// Accepts a legal size, and nothing else.
    #[must_use]
    pub fn new(bytes: u32) -> Option<PageSize> {
        (bytes.is_power_of_two() && (512..=65536).contains(&bytes)).then_some(PageSize(bytes))
    }

    /// A size that a BTREE or RECNO file of the 1.x series can have.
    pub(crate) fn of_series1(bytes: u32) -> Option<PageSize> {
        (bytes & 1 == 0 && (512..=65536).contains(&bytes)).then_some(PageSize(bytes))
    }

    /// A size that a HASH file of the 1.x series can have.
    pub(crate) fn of_table(bytes: u32) -> Option<PageSize> {
        (bytes.is_power_of_two() && (64..=65536).contains(&bytes)).then_some(PageSize(bytes))
    }

    /// The size in bytes.
    #[must_use]
    pub fn get(self) -> u32 {
        self.0
    }

    /// The size in bytes, as a length in memory.
    #[must_use]
    pub fn bytes(self) -> usize {
        usize::try_from(self.0).unwrap_or(usize::MAX)
    }
}

impl From<PageSize> for u32 {
    fn from(size: PageSize) -> u32 {
        size.0
    }
}

/// A legal size, and nothing else.
impl TryFrom<u32> for PageSize {
    type Error = ParseError;

    fn try_from(bytes: u32) -> Result<PageSize, ParseError> {
        PageSize::new(bytes).ok_or(ParseError { expected: "a page size: a power of two from 512 to 65536" })
    }
}

impl fmt::Display for PageSize {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// Where a record of a HEAP stands: its page, and its slot there. It is the key of the record,
/// and stays the same as long as the record is there.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct RecordId {
    /// The page.
    pub page: PageNo,
    /// The slot on the page.
    pub slot: u16,
}

/// As it is typed: `7:3` for slot 3 of page 7.
impl fmt::Display for RecordId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.page, self.slot)
    }
}

/// `7:3`, as it is displayed.
impl FromStr for RecordId {
    type Err = ParseError;

    fn from_str(text: &str) -> Result<RecordId, ParseError> {
        let number =
            |digits: &str| digits.bytes().all(|byte| byte.is_ascii_digit()).then(|| digits.parse().ok())?;
        let id = text.split_once(':').and_then(|(page, slot)| {
            let slot = number(slot).and_then(|slot: u32| u16::try_from(slot).ok())?;
            Some(RecordId { page: PageNo(number(page)?), slot })
        });
        id.ok_or(ParseError { expected: "a record's place: PAGE:SLOT" })
    }
}

/// A log sequence number: which log file, and the offset in it.
///
/// On a page it names the last log record that changed the page; `[0][0]` and
/// `[0][1]` mean "never logged" (database-format, "Conventions").
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Lsn {
    /// Number of the log file, from 1.
    pub file: u32,
    /// Offset of the record in that file, in bytes.
    pub offset: u32,
}

impl Lsn {
    /// The LSN of a page that no log knows.
    #[cfg(feature = "upgrade")]
    pub(crate) const NOT_LOGGED: Lsn = Lsn { file: 0, offset: 1 };
}

impl fmt::Display for Lsn {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "[{}][{}]", self.file, self.offset)
    }
}

/// A text or a number that is no LSN, page number, page size or file id.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
#[error("expected {expected}")]
pub struct ParseError {
    /// What it should be.
    pub expected: &'static str,
}

/// `[1][28]`, as it is displayed, or `1/28`.
impl FromStr for Lsn {
    type Err = ParseError;

    fn from_str(text: &str) -> Result<Lsn, ParseError> {
        let bracketed = || text.strip_prefix('[')?.strip_suffix(']')?.split_once("][");
        let parts = bracketed().or_else(|| text.split_once('/'));
        let number =
            |digits: &str| digits.bytes().all(|byte| byte.is_ascii_digit()).then(|| digits.parse().ok())?;
        let lsn = parts.and_then(|(file, offset)| Some(Lsn { file: number(file)?, offset: number(offset)? }));
        lsn.ok_or(ParseError { expected: "an LSN: [FILE][OFFSET], or FILE/OFFSET" })
    }
}

/// A decimal number, as it is displayed.
impl FromStr for PageNo {
    type Err = ParseError;

    fn from_str(text: &str) -> Result<PageNo, ParseError> {
        let digits = text.bytes().all(|byte| byte.is_ascii_digit());
        let number = if digits { text.parse().ok() } else { None };
        number.map(PageNo).ok_or(ParseError { expected: "the number of a page" })
    }
}

/// The 20 bytes by which the logs know a file (`uid` of the metadata page).
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct FileId(pub [u8; 20]);

impl From<[u8; 20]> for FileId {
    fn from(id: [u8; 20]) -> FileId {
        FileId(id)
    }
}

impl From<FileId> for [u8; 20] {
    fn from(id: FileId) -> [u8; 20] {
        id.0
    }
}

impl fmt::Display for FileId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

/// 40 hexadecimal digits, as it is displayed.
impl FromStr for FileId {
    type Err = ParseError;

    fn from_str(text: &str) -> Result<FileId, ParseError> {
        let mut id = [0; 20];
        let digit = |byte: &u8| char::from(*byte).to_digit(16).and_then(|digit| u8::try_from(digit).ok());
        let pairs = text.as_bytes().chunks(2);
        let whole = text.len() == 40
            && id.iter_mut().zip(pairs).all(|(byte, pair)| match pair {
                [high, low] => match (digit(high), digit(low)) {
                    (Some(high), Some(low)) => {
                        *byte = high << 4 | low;
                        true
                    }
                    _ => false,
                },
                _ => false,
            });
        if whole { Ok(FileId(id)) } else { Err(ParseError { expected: "a file id: 40 hexadecimal digits" }) }
    }
}

impl fmt::Debug for FileId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "FileId({self})")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_powers_of_two_in_range_are_page_sizes() {
        let legal: Vec<u32> = (0..=70_000).filter(|&n| PageSize::new(n).is_some()).collect();
        assert_eq!(legal, [512, 1024, 2048, 4096, 8192, 16384, 32768, 65536]);
        assert_eq!(PageSize::new(1 << 31), None);
        assert_eq!(PageSize::new(u32::MAX), None);
    }

    #[test]
    fn link_zero_is_none() {
        assert_eq!(PageNo::link(0), None);
        assert_eq!(PageNo::link(7), Some(PageNo(7)));
    }

    #[test]
    fn the_place_of_a_record_is_read_as_it_is_displayed() {
        let id = RecordId { page: PageNo(u32::MAX), slot: 65535 };
        assert_eq!(id.to_string().parse(), Ok(id));
        for wrong in ["", "1", ":", "1:", ":1", "1:65536", "4294967296:1", "+1:1", "1:1:1"] {
            assert!(wrong.parse::<RecordId>().is_err(), "{wrong}");
        }
    }

    #[test]
    fn lsns_and_ids_are_read_as_they_are_displayed() {
        let lsn = Lsn { file: 7, offset: u32::MAX };
        assert_eq!((lsn.to_string().parse(), "7/4294967295".parse()), (Ok(lsn), Ok(lsn)));
        for wrong in ["", "[1]", "[1][2", "1", "1/", "/1", "+1/2", "[1][4294967296]", "1/2/3"] {
            assert!(wrong.parse::<Lsn>().is_err(), "{wrong}");
        }
        let no = PageNo(u32::MAX);
        assert_eq!((no.to_string().parse(), u32::from(no), PageNo::from(7)), (Ok(no), u32::MAX, PageNo(7)));
        for wrong in ["", "-1", "+1", "4294967296"] {
            assert!(wrong.parse::<PageNo>().is_err(), "{wrong}");
        }
        assert_eq!(PageSize::try_from(4096).map(u32::from), Ok(4096));
        assert!(PageSize::try_from(1000).is_err());
        let id = FileId(std::array::from_fn(|i| u8::try_from(i * 13).unwrap()));
        assert_eq!(id.to_string().parse(), Ok(id));
        for wrong in ["", "0", &id.to_string()[1..], &format!("{id}0"), &"g".repeat(40), &"é".repeat(20)] {
            assert!(wrong.parse::<FileId>().is_err(), "{wrong}");
        }
    }
}
