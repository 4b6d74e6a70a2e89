//! Values in files of their own, in a folder beside the database or above it (other-releases, "Where
//! the bytes are").
//!
//! The name of such a file is made of numbers, below a folder that is found without the database:
//! nothing that stands in a database leads out of it, and no link in it is followed.

use std::borrow::Cow;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use super::beside::open_here;
use super::place::Place;
use super::space::Pages;
use super::storage::Storage;
use crate::error::{Defect, Error, ExternalFault, ExternalFileError, Result};
use crate::format::external::{Form, Holder, LENGTH, Numbers, wrong_length};
use crate::format::item::HASH_EXTERNAL;
use crate::order::Endianness;

/// What the folder is called, unless a program gave it another name.
const NAME: &str = "__db_bl";

/// The folder of the external files of a database, if one is known.
#[derive(Debug)]
pub(crate) struct ExternalFolder {
    path: Option<PathBuf>,
}

impl ExternalFolder {
    /// The one that was named, or else the nearest one: beside the database or in a folder above.
    pub(super) fn find(database: Option<&Path>, named: Option<&Path>) -> ExternalFolder {
        let nearest = || {
            let database = std::path::absolute(database?).ok()?;
            let mut folders = database.ancestors().skip(1).map(|folder| folder.join(NAME));
            folders.find(|folder| fs::symlink_metadata(folder).is_ok_and(|kind| kind.is_dir()))
        };
        ExternalFolder { path: named.map(Path::to_owned).or_else(nearest) }
    }

    /// The folder.
    pub(super) fn folder(&self) -> Option<&Path> {
        self.path.as_deref()
    }

    /// Whether one is known.
    pub(crate) fn is_known(&self) -> bool {
        self.path.is_some()
    }

    /// Where a file is, or should be.
    pub(crate) fn path(&self, numbers: Numbers) -> Option<PathBuf> {
        let parts = parts(numbers);
        self.path.as_ref().map(|folder| parts.iter().fold(folder.clone(), |path, part| path.join(part)))
    }

    /// Opens a file that has as many bytes as its item says.
    pub(crate) fn open(&self, numbers: Numbers) -> Result<Storage, Box<ExternalFileError>> {
        let storage = self.open_any(numbers)?;
        match storage.len() {
            found if found == numbers.size => Ok(storage),
            found => Err(self.error(numbers, ExternalFault::Length { found })),
        }
    }

    /// Opens a file of whatever length.
    pub(crate) fn open_any(&self, numbers: Numbers) -> Result<Storage, Box<ExternalFileError>> {
        let Some(folder) = &self.path else { return Err(self.error(numbers, ExternalFault::NoFolder)) };
        self.try_open(folder, numbers).map_err(|fault| self.error(numbers, fault))
    }

    fn try_open(&self, folder: &Path, numbers: Numbers) -> Result<Storage, ExternalFault> {
        let mut path = folder.to_owned();
        let mut parts = parts(numbers);
        let file = parts.pop().unwrap_or_default();
        for part in parts {
            path.push(part);
            let kind = fs::symlink_metadata(&path).map_err(fault)?;
            if !kind.is_dir() {
                return Err(ExternalFault::NotFollowed);
            }
        }
        path.push(file);
        open_here(&path).and_then(Storage::of_file).map_err(fault)
    }

    pub(crate) fn error(&self, numbers: Numbers, fault: ExternalFault) -> Box<ExternalFileError> {
        let Numbers { id, size, .. } = numbers;
        Box::new(ExternalFileError { id, size, path: self.path(numbers), fault })
    }
}

fn fault(cause: io::Error) -> ExternalFault {
    match cause.kind() {
        io::ErrorKind::NotFound => ExternalFault::Missing,
        io::ErrorKind::InvalidInput => ExternalFault::NotFollowed,
        _ => ExternalFault::Io { cause: cause.into() },
    }
}

/// The folders below that of all external files, and the name of the file, last: of the digits of its
/// number three each name a folder, but for the last three.
fn parts(Numbers { id, folder, database, .. }: Numbers) -> Vec<String> {
    let mut parts = vec![format!("__db{folder}")];
    if database != 0 {
        parts.push(format!("__db{database}"));
    }
    let digits = id.to_string();
    let digits = format!("{digits:0>width$}", width = digits.len().next_multiple_of(3));
    let groups = digits.as_bytes().chunks(3).map(String::from_utf8_lossy).map(Cow::into_owned);
    parts.extend(groups.take((digits.len() / 3).saturating_sub(1)));
    parts.push(format!("__db.bl{digits}"));
    parts
}

/// A value in an external file: the item that stands for it. As small as other contents of an item, which
/// are copied with it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct External<'a> {
    pub(crate) item: &'a [u8; LENGTH],
    pub(crate) place: Place,
}

/// An external file, as the item of a value names it.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct ExternalFile {
    /// Its number in its folder.
    pub id: u64,
    /// Bytes of the value.
    pub size: u64,
    /// Where it is, or should be; `None` if no folder of external files is known.
    pub path: Option<PathBuf>,
}

impl External<'_> {
    /// On what kind of page it stands. Items of leaves and of buckets have their numbers at the same
    /// places; those of leaves begin with their length.
    fn holder(self, pages: &Pages<'_>) -> Holder {
        match self.item {
            _ if pages.meta().heap().is_some() => Holder::Heap,
            [HASH_EXTERNAL, ..] => Holder::Bucket,
            _ => Holder::Leaf,
        }
    }

    fn form(self, pages: &Pages<'_>) -> Form {
        let meta = pages.meta();
        if meta.generation().has_late_externals() {
            Form::Late
        } else if meta.flags().several_databases() {
            // Later releases may have put databases of theirs into the file.
            Form::of(self.item, self.holder(pages))
        } else {
            Form::Early
        }
    }

    fn order(self, pages: &Pages<'_>) -> Endianness {
        if self.holder(pages) == Holder::Heap { pages.body_order() } else { pages.order() }
    }

    /// What the item says, whether that can be or not.
    pub(crate) fn stated(self, pages: &Pages<'_>) -> Numbers {
        Numbers::of(self.item, self.holder(pages), self.form(pages), self.order(pages))
    }

    /// The file that the item names.
    pub(crate) fn file(self, pages: &Pages<'_>) -> ExternalFile {
        let numbers = self.stated(pages);
        let Numbers { id, size, .. } = numbers;
        ExternalFile { id, size, path: pages.file().external_folder().path(numbers) }
    }

    /// What the item says, if that can be.
    ///
    /// # Errors
    ///
    /// [`Error::Corrupt`].
    pub(crate) fn numbers(self, pages: &Pages<'_>) -> Result<Numbers> {
        let (numbers, form) = (self.stated(pages), self.form(pages));
        let wrong = |at: usize, field, found, expected| {
            let at = u32::try_from(at).unwrap_or(0);
            Err(self.place.corrupt(at, Defect::Field { field, found, expected }))
        };
        if let Some(found) = wrong_length(self.item, self.holder(pages), self.order(pages)) {
            return wrong(0, "length of an external item", found.into(), "77, or 76 in a HEAP");
        }
        if self.holder(pages) == Holder::Heap && form == Form::Early && pages.body_order() != pages.order() {
            let expected =
                "no external file: how items for such stand in the order of another machine is not known";
            return wrong(0, "flags of a record", 8, expected);
        }
        let below = |number: u64| i64::try_from(number).is_ok();
        if numbers.id == 0 || !below(numbers.id) {
            let at = form.id_at(self.holder(pages));
            return wrong(at, "number of an external file", numbers.id, "from 1 to below 2^63");
        }
        if !below(numbers.size) {
            let at = form.size_at(self.holder(pages));
            return wrong(at, "size of an external file", numbers.size, "below 2^63");
        }
        let own = pages.meta().external_folder().map(|(folder, _)| folder);
        let of_none = numbers.folder == 0 || !below(numbers.folder) || !below(numbers.database);
        if of_none || own.is_some_and(|own| own != numbers.folder) {
            let expected = "that of the metadata";
            return wrong(0, "folder of an external file", numbers.folder, expected);
        }
        Ok(numbers)
    }

    /// Opens the file.
    ///
    /// # Errors
    ///
    /// [`Error::External`], and [`Error::Corrupt`] for the item.
    pub(super) fn open(self, pages: &Pages<'_>) -> Result<Storage> {
        let numbers = self.numbers(pages)?;
        pages.file().external_folder().open(numbers).map_err(|file| self.error(file))
    }

    pub(super) fn error(self, file: Box<ExternalFileError>) -> Error {
        let at = self.place.origin(0, "external file");
        Error::External { page: at.page, offset: at.offset, file }
    }

    /// The error for a file that could be opened and not read.
    pub(super) fn unread(self, pages: &Pages<'_>, cause: io::Error) -> Error {
        let folder = pages.file().external_folder();
        self.error(folder.error(self.stated(pages), ExternalFault::Io { cause: cause.into() }))
    }

    /// All bytes in memory, if the limits allow it.
    pub(crate) fn assemble<'b>(self, pages: &Pages<'_>) -> Result<Cow<'b, [u8]>> {
        let (numbers, limit) = (self.numbers(pages)?, pages.limits().max_item);
        if numbers.size > u64::from(limit) {
            let folder = pages.file().external_folder();
            return Err(self.error(folder.error(numbers, ExternalFault::TooLong { limit })));
        }
        let bytes = self.open(pages)?.first(numbers.size);
        bytes.map(Cow::Owned).map_err(|cause| self.unread(pages, cause))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn numbers(id: u64, database: u64) -> Numbers {
        Numbers { id, size: 3, folder: 4, database }
    }

    #[test]
    fn a_name_is_made_of_groups_of_three_digits() {
        let path = |id, database| parts(numbers(id, database)).join("/");
        assert_eq!(path(1, 0), "__db4/__db.bl001");
        assert_eq!(path(999, 2), "__db4/__db2/__db.bl999");
        assert_eq!(path(12_002, 0), "__db4/012/__db.bl012002");
        assert_eq!(path(1_234_567, 0), "__db4/001/234/__db.bl001234567");
        let last = "__db4/009/223/372/036/854/775/__db.bl009223372036854775807";
        assert_eq!(path(i64::MAX.unsigned_abs(), 0), last);
    }

    #[test]
    fn the_nearest_folder_is_taken_and_a_named_one_before_it() {
        let home = tempfile::tempdir().unwrap();
        let (deep, database) = (home.path().join("a/b"), home.path().join("a/b/f.db"));
        fs::create_dir_all(&deep).unwrap();
        let find = |named: Option<&Path>| ExternalFolder::find(Some(&database), named).path;
        let above = home.path().join(NAME);
        fs::create_dir(&above).unwrap();
        assert_eq!(find(None), Some(above));
        fs::write(home.path().join("a").join(NAME), b"no folder").unwrap();
        fs::create_dir(deep.join(NAME)).unwrap();
        assert_eq!(find(None), Some(deep.join(NAME)));
        assert_eq!(find(Some(home.path())), Some(home.path().to_owned()));
        assert!(!ExternalFolder::find(None, None).is_known());
    }

    #[test]
    fn a_file_is_given_that_is_there_and_has_its_length() {
        let home = tempfile::tempdir().unwrap();
        let folder = ExternalFolder { path: Some(home.path().to_owned()) };
        let fault = |id| folder.open(numbers(id, 0)).map(drop).unwrap_err().fault;
        assert!(matches!(fault(1), ExternalFault::Missing));
        fs::create_dir_all(home.path().join("__db4/__db.bl002")).unwrap();
        assert!(matches!(fault(2), ExternalFault::NotFollowed));
        fs::write(home.path().join("__db4/__db.bl003"), b"four").unwrap();
        assert!(matches!(fault(3), ExternalFault::Length { found: 4 }));
        fs::write(home.path().join("__db4/__db.bl004"), b"abc").unwrap();
        assert_eq!(folder.open(numbers(4, 0)).unwrap().first(3).unwrap(), b"abc");
        let nowhere = ExternalFolder { path: None }.open(numbers(4, 0)).unwrap_err();
        assert!(matches!(nowhere.fault, ExternalFault::NoFolder) && nowhere.path.is_none());
        // A file where a folder should be.
        fs::write(home.path().join("__db4/012"), b"").unwrap();
        assert!(matches!(fault(12_002), ExternalFault::NotFollowed));
    }

    #[cfg(unix)]
    #[test]
    fn no_link_is_followed() {
        use std::os::unix::fs::symlink;

        let (home, other) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        fs::create_dir(home.path().join("__db4")).unwrap();
        fs::write(other.path().join("secret"), b"abc").unwrap();
        fs::write(other.path().join("__db.bl012002"), b"abc").unwrap();
        symlink(other.path().join("secret"), home.path().join("__db4/__db.bl001")).unwrap();
        symlink(other.path(), home.path().join("__db4/012")).unwrap();
        let folder = ExternalFolder { path: Some(home.path().to_owned()) };
        for id in [1, 12_002] {
            let error = folder.open(numbers(id, 0)).map(drop).unwrap_err();
            assert!(matches!(error.fault, ExternalFault::NotFollowed), "{error}");
        }
    }
}
