//! Several files as one page space: the extents of a QUEUE (database-format, annex B).

use std::borrow::Cow;
#[cfg(feature = "upgrade")]
use std::ffi::OsString;
use std::ops::Range;
use std::path::{Path, PathBuf};

use super::beside::Beside;
use super::file::File;
use super::source::Source;
use crate::error::{Error, Result};
use crate::limits::Limits;
use crate::meta::Meta;
use crate::types::{PageNo, PageSize};

/// What the names of extents begin with.
const PREFIX: &str = "__dbq.";

/// The files beside a main file that hold all pages but page 0.
#[derive(Debug)]
pub(crate) struct Extents<'a> {
    beside: Beside,
    /// Pages of each.
    pages: u32,
    page_size: PageSize,
    /// Those that are there, by their numbers.
    found: Vec<Extent<'a>>,
    /// Those that are there and cannot be read, and why: told to whoever asks for their pages.
    unread: Vec<(u32, Error)>,
}

/// One of them.
#[derive(Debug)]
pub(crate) struct Extent<'a> {
    pub(crate) number: u32,
    source: Source<'a>,
    /// Whole pages of those before it.
    before: u64,
}

impl Extent<'_> {
    /// All its bytes.
    pub(crate) fn bytes(&self) -> &[u8] {
        self.source.in_place()
    }

    /// The same with other bytes.
    pub(crate) fn with(&self, bytes: Vec<u8>) -> Extent<'static> {
        Extent { number: self.number, source: Source::Bytes(bytes.into()), before: self.before }
    }

    fn whole_pages(&self, size: PageSize) -> u64 {
        u64::try_from(self.bytes().len()).unwrap_or(u64::MAX).checked_div(size.get().into()).unwrap_or(0)
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

impl<'a> Extents<'a> {
    /// Opens those that are beside the main file of a QUEUE that has such, unless they were given
    /// together with it.
    ///
    /// # Errors
    ///
    /// [`Error::NoFolder`] if it is in memory; [`Error::Open`]: the folder cannot be read.
    pub(crate) fn of(file: &File<'a>, meta: &Meta) -> Result<Option<Extents<'a>>> {
        let Some(pages) = meta.extent_pages() else { return Ok(None) };
        let (main, given) = match file.given() {
            Some((main, given)) => (Some(main.as_path()), Some(given)),
            None => (file.path(), None),
        };
        let beside = main.and_then(|main| Beside::of(main, PREFIX)).ok_or(Error::NoFolder)?;
        let (mut found, mut unread) = (Vec::new(), Vec::new());
        match given {
            Some(given) => found.extend(given.iter().map(|&(number, bytes)| Extent::given(number, bytes))),
            None => {
                for number in beside.numbers(number)? {
                    match open(&beside, number, file.maps(), file.limits()) {
                        Ok(extent) => found.push(extent),
                        Err(error) => unread.push((number, error)),
                    }
                }
            }
        }
        found.sort_unstable_by_key(|extent| extent.number);
        let (page_size, mut before) = (meta.page_size(), 0u64);
        for extent in &mut found {
            extent.before = before;
            before = before.saturating_add(extent.whole_pages(page_size));
        }
        Ok(Some(Extents { beside, pages, page_size, found, unread }))
    }

    /// The extents that a main file has, whatever its metadata says, and why others could not be
    /// opened; none, if it is in memory.
    pub(crate) fn beside(
        main: Option<&Path>,
        map: bool,
        limits: Limits,
    ) -> (Vec<Extent<'static>>, Vec<Error>) {
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
    pub(crate) fn found(&self) -> impl Iterator<Item = (PathBuf, &Extent<'a>)> {
        self.found.iter().map(|extent| (self.path(extent.number), extent))
    }

    /// The path of an extent, whether it is there or not.
    pub(crate) fn path(&self, number: u32) -> PathBuf {
        self.beside.path(&number.to_string())
    }

    /// An extent, if it is there.
    pub(crate) fn get(&self, number: u32) -> Option<&Extent<'a>> {
        let at = self.found.binary_search_by_key(&number, |extent| extent.number).ok()?;
        self.found.get(at)
    }

    /// Those that are there and cannot be read, by their numbers, and why.
    pub(crate) fn unread(&self) -> &[(u32, Error)] {
        &self.unread
    }

    /// Why the extent of a page cannot be read.
    pub(crate) fn unread_at(&self, no: PageNo) -> Option<&Error> {
        let number = no.0.checked_sub(1)?.checked_div(self.pages)?;
        let at = self.unread.binary_search_by_key(&number, |(number, _)| *number).ok()?;
        self.unread.get(at).map(|(_, error)| error)
    }

    /// The bytes of a page, as they stand.
    pub(crate) fn raw(&self, no: PageNo) -> Option<&[u8]> {
        let (extent, place) = self.find(no)?;
        let size = self.page_size.bytes();
        extent.bytes().get(PageNo(place).index().checked_mul(size)?..)?.get(..size)
    }

    /// The extent of a page, if it is there, and the place of the page in it.
    fn find(&self, no: PageNo) -> Option<(&Extent<'a>, u32)> {
        let index = no.0.checked_sub(1)?;
        let (number, place) = (index.checked_div(self.pages)?, index.checked_rem(self.pages)?);
        Some((self.get(number)?, place))
    }

    /// Where a page stands among all pages that are there; `None` if it is not.
    pub(crate) fn place(&self, no: PageNo) -> Option<u64> {
        let (extent, place) = self.find(no)?;
        let there = u64::from(place) < extent.whole_pages(self.page_size);
        there.then(|| extent.before.saturating_add(place.into()))
    }

    /// How many pages are there.
    pub(crate) fn count(&self) -> u64 {
        self.found.last().map_or(0, |last| last.before.saturating_add(last.whole_pages(self.page_size)))
    }

    /// The numbers of the pages that are there, ascending.
    pub(crate) fn runs(&self) -> impl Iterator<Item = Range<u32>> {
        self.found.iter().filter_map(|extent| self.run(extent))
    }

    fn run(&self, extent: &Extent<'_>) -> Option<Range<u32>> {
        let start = extent.number.checked_mul(self.pages)?.checked_add(1)?;
        Some(start..start.saturating_add(self.whole_pages(extent).min(self.pages)))
    }

    /// The first page of this number, or behind it, that is there; of an extent that cannot be
    /// read its first one.
    pub(crate) fn page_from(&self, from: u32) -> Option<u32> {
        let number = from.saturating_sub(1).checked_div(self.pages)?;
        let behind = self.found.get(self.found.partition_point(|extent| extent.number < number)..)?;
        let mut runs = behind.iter().filter_map(|extent| self.run(extent));
        let next = runs.find(|run| run.end > from.max(run.start)).map(|run| run.start.max(from));
        let first = |number: &u32| number.checked_mul(self.pages)?.checked_add(1);
        let unread = self.unread.iter().filter_map(|(number, _)| first(number)).find(|&no| no >= from);
        next.into_iter().chain(unread).min()
    }

    /// One more than the number of the last page that is there.
    pub(crate) fn end(&self) -> u32 {
        let last = self.unread.last().and_then(|(number, _)| number.checked_mul(self.pages)?.checked_add(2));
        self.runs().map(|run| run.end).chain(last).max().unwrap_or(1)
    }

    /// How many whole pages a file has.
    pub(crate) fn whole_pages(&self, extent: &Extent<'_>) -> u32 {
        u32::try_from(extent.whole_pages(self.page_size)).unwrap_or(u32::MAX)
    }
}

impl Extents<'_> {
    /// Where an extent of one main file stands if it becomes one of another.
    pub(crate) fn path_beside(main: &Path, number: u32) -> Option<PathBuf> {
        Some(Beside::of(main, PREFIX)?.path(&number.to_string()))
    }

    /// Whether a file is named as an extent of a main file is.
    pub(crate) fn is_beside(main: &Path, path: &Path) -> bool {
        let names = Beside::of(main, PREFIX).zip(path.file_name());
        names.is_some_and(|(beside, name)| beside.end(name).and_then(number).is_some())
    }
}

#[cfg(feature = "upgrade")]
impl Extents<'_> {
    /// The extents of a main file among the names of what is in its folder, with their numbers.
    pub(crate) fn among(main: &Path, names: &[OsString]) -> Vec<(u32, PathBuf)> {
        let Some(beside) = Beside::of(main, PREFIX) else { return Vec::new() };
        let of = |name: &OsString| {
            let number = beside.end(name).and_then(number)?;
            Some((number, beside.path(&number.to_string())))
        };
        names.iter().filter_map(of).collect()
    }

    /// Whether a file is named as an extent of some main file is.
    pub(crate) fn is_name(path: &Path) -> bool {
        let name = path.file_name().and_then(|name| name.as_encoded_bytes().strip_prefix(PREFIX.as_bytes()));
        let end = name.and_then(|name| name.rsplit(|&byte| byte == b'.').next());
        end.and_then(|end| std::str::from_utf8(end).ok()).and_then(number).is_some()
    }
}

impl<'a> Extent<'a> {
    fn given(number: u32, bytes: &'a [u8]) -> Extent<'a> {
        Extent { number, source: Source::Bytes(Cow::Borrowed(bytes)), before: 0 }
    }
}

fn open(beside: &Beside, number: u32, map: bool, limits: Limits) -> Result<Extent<'static>> {
    let source = beside.open(&number.to_string(), map, limits)?;
    Ok(Extent { number, source, before: 0 })
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
