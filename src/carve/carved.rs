//! A file that was found, and where its bytes are in the image.

use std::io::{Read, Seek, Write};
use std::ops::RangeInclusive;

use super::error::CarveError;
use super::image::{Image, WINDOW};
use super::logs::CarvedLog;
use crate::meta::DatabaseKind;
use crate::method::Method;
use crate::order::Endianness;
use crate::types::PageNo;

/// What a file is.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum CarvedKind {
    /// A database whose first page was found.
    Database(DatabaseKind),
    /// A database of the 1.x series, in one piece.
    Series1 {
        /// Access method.
        method: Method,
        /// File version.
        version: u32,
    },
    /// Pages of a database whose first page was not found; of a QUEUE they may be one of the files
    /// beside it.
    Loose {
        /// The access method that has such pages, if only one does.
        method: Option<Method>,
    },
    /// A log file.
    Log(CarvedLog),
}

/// Bytes of a file that lie in the image in one piece.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Piece {
    /// Offset in the image, in bytes.
    pub at: u64,
    /// Offset in the file, in bytes.
    pub to: u64,
    /// Length in bytes.
    pub len: u64,
}

/// A file that was found in an image: what it is, where its bytes are, and which are missing.
#[derive(Clone, Debug)]
pub struct CarvedFile {
    pub(super) kind: CarvedKind,
    pub(super) order: Endianness,
    pub(super) page_size: Option<u32>,
    pub(super) first: u32,
    pub(super) len: u64,
    pub(super) pieces: Vec<Piece>,
    pub(super) found: u64,
    pub(super) blank: u64,
    pub(super) unlike: u64,
    pub(super) ambiguous: u64,
    pub(super) missing: Vec<RangeInclusive<u32>>,
}

impl CarvedFile {
    /// A file that has no pages, or whose pages say nothing.
    pub(super) fn in_one_piece(kind: CarvedKind, order: Endianness, at: u64, len: u64) -> CarvedFile {
        CarvedFile {
            kind,
            order,
            page_size: None,
            first: 0,
            len,
            pieces: vec![Piece { at, to: 0, len }],
            found: 0,
            blank: 0,
            unlike: 0,
            ambiguous: 0,
            missing: Vec::new(),
        }
    }

    /// What it is.
    #[must_use]
    pub fn kind(&self) -> &CarvedKind {
        &self.kind
    }

    /// Its byte order.
    #[must_use]
    pub fn endianness(&self) -> Endianness {
        self.order
    }

    /// Bytes of a page; a log has none.
    #[must_use]
    pub fn page_size(&self) -> Option<u32> {
        self.page_size
    }

    /// The number of the page with which the file that is written begins: 0, unless the first page was
    /// not found.
    #[must_use]
    pub fn first_page(&self) -> PageNo {
        PageNo(self.first)
    }

    /// The length of the file that is written, in bytes.
    #[must_use]
    #[allow(clippy::len_without_is_empty)] // none is
    pub fn len(&self) -> u64 {
        self.len
    }

    /// Where its bytes are, in the order of the file; what lies between is zero.
    #[must_use]
    pub fn pieces(&self) -> &[Piece] {
        &self.pieces
    }

    /// How many pages were found that say themselves which they are.
    #[must_use]
    pub fn found(&self) -> u64 {
        self.found
    }

    /// How many pages are zero where they would be in the image: never written, as it seems.
    #[must_use]
    pub fn blank(&self) -> u64 {
        self.blank
    }

    /// How many pages stand between others of the file and do not look like the pages that they should
    /// be: damaged, or of a kind that does not tell.
    #[must_use]
    pub fn unlike(&self) -> u64 {
        self.unlike
    }

    /// How many pages could as well belong to another file.
    #[must_use]
    pub fn ambiguous(&self) -> u64 {
        self.ambiguous
    }

    /// The pages that were not found, as far as it is known that there are any: they are zero in what
    /// is written.
    #[must_use]
    pub fn missing(&self) -> &[RangeInclusive<u32>] {
        &self.missing
    }

    /// How many pages were not found.
    #[must_use]
    pub fn missing_count(&self) -> u64 {
        let count = |range: &RangeInclusive<u32>| {
            u64::from(range.end().saturating_sub(*range.start())).saturating_add(1)
        };
        self.missing.iter().map(count).fold(0, u64::saturating_add)
    }

    /// Whether it is the file that it was: the first page is there, none behind it is missing up to the
    /// last that is known of, and each could be of no other file.
    #[must_use]
    pub fn is_whole(&self) -> bool {
        !matches!(self.kind, CarvedKind::Loose { .. }) && self.missing.is_empty() && self.ambiguous == 0
    }

    /// Gives the bytes of the file to `take`, from its first to its last: those that were found, and the
    /// lengths of holes. Nothing is kept in memory but a piece of 64 KiB.
    ///
    /// # Errors
    ///
    /// Of the image, as [`CarveError::Read`], and those of `take`, as [`CarveError::Write`].
    pub fn read(
        &self,
        image: &mut (impl Read + Seek),
        mut take: impl FnMut(Part<'_>) -> std::io::Result<()>,
    ) -> Result<(), CarveError> {
        let mut image = Image::new(image, u64::MAX);
        let mut done = 0u64;
        for &Piece { at, to, len } in &self.pieces {
            if to > done {
                take(Part::Hole(to.saturating_sub(done))).map_err(CarveError::Write)?;
            }
            let (mut from, end) = (at, at.saturating_add(len));
            while from < end {
                let left = usize::try_from(end.saturating_sub(from)).unwrap_or(WINDOW);
                let bytes = image.bytes(from, left)?;
                if bytes.is_empty() {
                    let cause = std::io::ErrorKind::UnexpectedEof.into();
                    return Err(CarveError::Read { at: from, cause });
                }
                take(Part::Bytes(bytes)).map_err(CarveError::Write)?;
                from = from.saturating_add(u64::try_from(bytes.len()).unwrap_or(u64::MAX));
            }
            done = to.saturating_add(len);
        }
        if self.len > done {
            take(Part::Hole(self.len.saturating_sub(done))).map_err(CarveError::Write)?;
        }
        Ok(())
    }

    /// As [`CarvedFile::read`], holes written as zeros.
    ///
    /// # Errors
    ///
    /// As [`CarvedFile::read`].
    pub fn write(&self, image: &mut (impl Read + Seek), mut out: impl Write) -> Result<(), CarveError> {
        self.read(image, |part| match part {
            Part::Bytes(bytes) => out.write_all(bytes),
            Part::Hole(len) => std::io::copy(&mut std::io::repeat(0).take(len), &mut out).map(drop),
        })
    }
}

/// A part of a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Part<'b> {
    /// Bytes that were found.
    Bytes(&'b [u8]),
    /// So many bytes that were not: zeros.
    Hole(u64),
}
