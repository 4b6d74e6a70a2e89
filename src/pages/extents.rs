//! Several files as one page space: the extents of a QUEUE (database-format, annex B).

use std::ops::Range;
use std::path::{Path, PathBuf};

use super::beside::Beside;
use super::source::Source;
use crate::error::{Error, Result};
use crate::limits::Limits;
use crate::meta::Meta;
use crate::types::{PageNo, PageSize};

/// What the names of extents begin with.
const PREFIX: &str = "__dbq.";

/// The files beside a main file that hold all pages but page 0.
#[derive(Debug)]
pub(crate) struct Extents {
    beside: Beside,
    /// Pages of each.
    pages: u32,
    page_size: PageSize,
    /// Those that are there, by their numbers.
    found: Vec<Extent>,
}

/// One of them.
#[derive(Debug)]
pub(crate) struct Extent {
    pub(crate) number: u32,
    source: Source<'static>,
}

impl Extent {
    /// All its bytes.
    pub(crate) fn bytes(&self) -> &[u8] {
        self.source.in_place()
    }
}

/// The extents beside a main file, whatever its metadata says: their numbers and paths.
///
/// # Errors
///
/// [`Error::Open`]: the folder cannot be read.
pub(crate) fn paths(main: &Path) -> Result<Vec<(u32, PathBuf)>> {
    let Some(beside) = Beside::of(main, PREFIX) else { return Ok(Vec::new()) };
    Ok(beside.numbers(number)?.into_iter().map(|number| (number, beside.path(&number.to_string()))).collect())
}

/// The number of an extent, if the end of a name is one as the library writes it.
fn number(digits: &str) -> Option<u32> {
    digits.parse().ok().filter(|number: &u32| number.to_string() == digits)
}

impl Extents {
    /// Opens those that are beside the main file of a QUEUE that has such.
    ///
    /// # Errors
    ///
    /// [`Error::NoFolder`] if it is in memory; [`Error::Open`] from the operating system.
    pub(crate) fn of(main: Option<&Path>, meta: &Meta, map: bool, limits: Limits) -> Result<Option<Extents>> {
        let Some(pages) = meta.extent_pages() else { return Ok(None) };
        let beside = main.and_then(|main| Beside::of(main, PREFIX)).ok_or(Error::NoFolder)?;
        let numbers = beside.numbers(number)?.into_iter();
        let found = numbers.map(|number| open(&beside, number, map, limits)).collect::<Result<_>>()?;
        Ok(Some(Extents { beside, pages, page_size: meta.page_size(), found }))
    }

    /// The extents that a main file has, whatever its metadata says, and why others could not be
    /// opened; none, if it is in memory.
    pub(crate) fn beside(main: Option<&Path>, map: bool, limits: Limits) -> (Vec<Extent>, Vec<Error>) {
        let (mut found, mut errors) = (Vec::new(), Vec::new());
        let Some(beside) = main.and_then(|main| Beside::of(main, PREFIX)) else { return (found, errors) };
        match beside.numbers(number) {
            Ok(numbers) => numbers.into_iter().for_each(|number| match open(&beside, number, map, limits) {
                Ok(extent) => found.push(extent),
                Err(error) => errors.push(error),
            }),
            Err(error) => errors.push(error),
        }
        (found, errors)
    }

    /// Those that are there, each with its path and its bytes.
    pub(crate) fn found(&self) -> impl Iterator<Item = (PathBuf, &Extent)> {
        self.found.iter().map(|extent| (self.path(extent.number), extent))
    }

    /// The path of an extent, whether it is there or not.
    pub(crate) fn path(&self, number: u32) -> PathBuf {
        self.beside.path(&number.to_string())
    }

    /// An extent, if it is there.
    pub(crate) fn get(&self, number: u32) -> Option<&Extent> {
        let at = self.found.binary_search_by_key(&number, |extent| extent.number).ok()?;
        self.found.get(at)
    }

    /// The bytes of a page.
    pub(crate) fn raw(&self, no: PageNo) -> Option<&[u8]> {
        let index = no.0.checked_sub(1)?;
        let (number, place) = (index.checked_div(self.pages)?, index.checked_rem(self.pages)?);
        let size = self.page_size.bytes();
        self.get(number)?.bytes().get(PageNo(place).index().checked_mul(size)?..)?.get(..size)
    }

    /// The numbers of the pages that are there, ascending.
    pub(crate) fn runs(&self) -> impl Iterator<Item = Range<u32>> {
        self.found.iter().filter_map(|extent| self.run(extent))
    }

    fn run(&self, extent: &Extent) -> Option<Range<u32>> {
        let start = extent.number.checked_mul(self.pages)?.checked_add(1)?;
        Some(start..start.saturating_add(self.whole_pages(extent).min(self.pages)))
    }

    /// The first page of this number, or behind it, that is there.
    pub(crate) fn page_from(&self, from: u32) -> Option<u32> {
        let number = from.saturating_sub(1).checked_div(self.pages)?;
        let behind = self.found.get(self.found.partition_point(|extent| extent.number < number)..)?;
        let mut runs = behind.iter().filter_map(|extent| self.run(extent));
        let run = runs.find(|run| run.end > from.max(run.start))?;
        Some(run.start.max(from))
    }

    /// One more than the number of the last page that is there.
    pub(crate) fn end(&self) -> u32 {
        self.runs().map(|run| run.end).max().unwrap_or(1)
    }

    /// How many whole pages a file has.
    pub(crate) fn whole_pages(&self, extent: &Extent) -> u32 {
        let pages = extent.bytes().len().checked_div(self.page_size.bytes()).unwrap_or(0);
        u32::try_from(pages).unwrap_or(u32::MAX)
    }
}

fn open(beside: &Beside, number: u32, map: bool, limits: Limits) -> Result<Extent> {
    let source = beside.open(&number.to_string(), map, limits)?;
    Ok(Extent { number, source })
}

#[cfg(test)]
mod tests {
    use super::number;

    #[test]
    fn only_numbers_as_the_library_writes_them_are_numbers() {
        assert_eq!([number("0"), number("107374182")], [Some(0), Some(107_374_182)]);
        for wrong in ["", "+1", "01", "-1", "1 ", "4294967296", "1.old"] {
            assert_eq!(number(wrong), None, "{wrong}");
        }
    }
}
