//! The small nouns of the formats: page numbers, page sizes, LSNs, file ids.

use std::fmt;

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

impl fmt::Display for PageNo {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// A legal page size: a power of two from 512 to 65536 bytes
/// (database-format, "Identification").
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct PageSize(u32);

impl PageSize {
    /// Accepts a legal size, and nothing else.
    #[must_use]
    pub fn new(bytes: u32) -> Option<PageSize> {
        (bytes.is_power_of_two() && (512..=65536).contains(&bytes)).then_some(PageSize(bytes))
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

impl fmt::Display for PageSize {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
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

/// The 20 bytes by which the logs know a file (`uid` of the metadata page).
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct FileId(pub [u8; 20]);

impl fmt::Display for FileId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
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
}
