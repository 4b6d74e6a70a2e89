//! The files that hold the pairs of a partitioned database: `__dbp.NAME.NNN` (database-format,
//! annex D). Each is a file of its own, with metadata and pages from 0 on.

use std::borrow::Cow;
use std::path::{Path, PathBuf};

use super::beside::Beside;
use super::file::File;
use super::source::Source;
use super::space::Pages;
use crate::error::{Error, Result};
use crate::format::meta::{Field, at};
use crate::meta::Meta;
use crate::types::PageNo;

/// What the names of partitions begin with.
const PREFIX: &str = "__dbp.";

/// Which partitions a database has, and which of them are there.
#[derive(Debug)]
pub(crate) struct Partitions {
    beside: Beside,
    count: u32,
    /// The numbers of those that are there, ascending; also beyond the count.
    found: Vec<u32>,
}

/// A partition, or those that are missing before the next one that is there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Place {
    There(u32),
    /// The first and the last of them.
    Missing(u32, u32),
}

fn digits(number: u32) -> String {
    format!("{number:03}")
}

/// The number of a partition, if the end of a name is one as the library writes it.
fn number(end: &str) -> Option<u32> {
    end.parse().ok().filter(|&number| digits(number) == end)
}

impl Partitions {
    /// Those of a main file that has such; none is opened.
    ///
    /// # Errors
    ///
    /// [`Error::NoFolder`] if it is in memory; [`Error::Open`] from the operating system.
    pub(super) fn of(main: &File<'_>, meta: &Meta) -> Result<Option<Partitions>> {
        let Some(count) = meta.partitions() else { return Ok(None) };
        let path = main.given().map(|(path, _)| path.as_path()).or(main.path());
        let beside = path.and_then(|path| Beside::of(path, PREFIX)).ok_or(Error::NoFolder)?;
        let found = match main.given() {
            Some((_, given)) => given.iter().map(|(number, _)| *number).collect(),
            None => beside.numbers(number)?,
        };
        Ok(Some(Partitions { beside, count, found }))
    }

    /// The number of the partition that has this path.
    pub(crate) fn number_of(&self, path: &Path) -> Option<u32> {
        let number = self.beside.end(path.file_name()?).and_then(number)?;
        (self.path(number) == path).then_some(number)
    }

    /// Those that a main file has beside it, and those that are missing of so many: `None` if
    /// there are none, and none are said to be.
    ///
    /// # Errors
    ///
    /// [`Error::Open`]: the folder cannot be read.
    pub(crate) fn beside(main: &Path, count: Option<u32>) -> Result<Option<Partitions>> {
        let Some(beside) = Beside::of(main, PREFIX) else { return Ok(None) };
        let found = beside.numbers(number)?;
        let there = found.last().map_or(0, |last| last.saturating_add(1));
        let count = count.unwrap_or(0).max(there);
        Ok((count > 0).then_some(Partitions { beside, count, found }))
    }

    /// Opens one of them, whatever it is, as the main file was opened.
    pub(crate) fn file<'a>(&self, number: u32, main: &File<'a>) -> Result<File<'a>> {
        let given = main.given().and_then(|(_, given)| given.iter().find(|(known, _)| *known == number));
        let source = match given {
            Some((_, bytes)) => Source::Bytes(Cow::Borrowed(*bytes)),
            None => self.beside.source(&digits(number), main)?,
        };
        Ok(File::beside(main, self.path(number), source))
    }

    /// How many there are, as the metadata says.
    pub(crate) fn count(&self) -> u32 {
        self.count
    }

    /// The path of a partition, whether it is there or not.
    pub(crate) fn path(&self, number: u32) -> PathBuf {
        self.beside.path(&digits(number))
    }

    /// The numbers of those that are there, also beyond the count.
    pub(crate) fn found(&self) -> &[u32] {
        &self.found
    }

    /// Those of some numbers, in their order: many that are missing are one place.
    pub(crate) fn places(&self, first: u32, last: u32) -> Vec<Place> {
        let (mut places, mut next) = (Vec::new(), Some(first));
        let last = last.min(self.count.saturating_sub(1));
        for &there in self.found.iter().filter(|&&there| there >= first && there <= last) {
            if let Some(missing) = next.filter(|&missing| missing < there) {
                places.push(Place::Missing(missing, there.saturating_sub(1)));
            }
            places.push(Place::There(there));
            next = there.checked_add(1);
        }
        if let Some(missing) = next.filter(|&missing| missing <= last) {
            places.push(Place::Missing(missing, last));
        }
        places
    }

    /// The error for some that are missing.
    pub(crate) fn missing(&self, first: u32, last: u32) -> Error {
        Error::MissingPartition { path: self.path(first), more: last.saturating_sub(first) }
    }

    /// The error with the name of the partition.
    pub(crate) fn named(&self, number: u32, error: Error) -> Error {
        Error::Partition { path: self.path(number), error: Box::new(error) }
    }

    /// Opens a partition: a file that must be like the main file.
    ///
    /// # Errors
    ///
    /// With its name: that it is missing, or what it is instead.
    pub(crate) fn open<'a>(&self, number: u32, main: &Pages<'a>) -> Result<Pages<'a>> {
        if self.found.binary_search(&number).is_err() {
            return Err(self.missing(number, number));
        }
        self.open_like(number, main).map_err(|error| match error {
            named @ Error::Open { .. } => named,
            error => self.named(number, error),
        })
    }

    fn open_like<'a>(&self, number: u32, main: &Pages<'a>) -> Result<Pages<'a>> {
        let pages = Pages::new(self.file(number, main.file())?)?;
        pages.expect_one()?;
        expect_like(pages.meta(), main.meta())?;
        Ok(pages.keeping_as(main))
    }
}

/// Whether a file can be a partition of another: by its metadata.
fn expect_like(part: &Meta, main: &Meta) -> Result<()> {
    let wrong = |at, field, found: u32, expected| Err(Error::field(PageNo::META, at, field, found, expected));
    if part.method() != main.method() {
        let expected = "that of the main file's access method";
        return wrong(at::MAGIC, "magic", part.magic(), expected);
    }
    if part.version() != main.version() {
        return wrong(at::VERSION, "version", part.version(), "that of the main file");
    }
    if part.endianness() != main.endianness() {
        return wrong(at::MAGIC, "magic", part.magic(), "the byte order of the main file");
    }
    if part.page_size() != main.page_size() {
        return wrong(at::PAGE_SIZE, "page size", part.page_size().get(), "that of the main file");
    }
    if part.checksummed() != main.checksummed() {
        return wrong(at::METAFLAGS, "metaflags", part.checksummed().into(), "checksums as in the main file");
    }
    if let Some(count) = part.partitions() {
        return wrong(part.at(Field::Nparts), "nparts", count, "0 in a partition");
    }
    if part.flags() != main.flags() {
        return wrong(part.at(Field::Flags), "flags", part.flags().bits(), "those of the main file");
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_numbers_of_three_digits_or_more_are_numbers() {
        assert_eq!([number("000"), number("042"), number("1000")], [Some(0), Some(42), Some(1000)]);
        for wrong in ["", "1", "01", "+01", "0001", "-01", "4294967296", "001.old"] {
            assert_eq!(number(wrong), None, "{wrong}");
        }
    }

    #[test]
    fn many_that_are_missing_are_one_place() {
        let beside = Beside::of(Path::new("a.db"), PREFIX).unwrap();
        let of = |count, found: &[u32]| Partitions { beside: beside.clone(), count, found: found.to_vec() };
        let few = of(6, &[1, 2, 5, 9]);
        let all = vec![
            Place::Missing(0, 0),
            Place::There(1),
            Place::There(2),
            Place::Missing(3, 4),
            Place::There(5),
        ];
        assert_eq!(few.places(0, u32::MAX), all);
        assert_eq!(few.places(2, 3), [Place::There(2), Place::Missing(3, 3)]);
        let most = of(u32::MAX, &[0, 1]);
        let all = [Place::There(0), Place::There(1), Place::Missing(2, u32::MAX - 1)];
        assert_eq!(most.places(0, u32::MAX), all);
    }
}
