//! Values in external files, as much as there is of them.

use std::collections::BTreeSet;

use super::note::{Note, Notes};
use super::record::{Bytes, Recovered};
use super::report::SalvageReport;
use crate::error::{Defect, Error, ExternalFault};
use crate::format::external::{Form, Holder, LENGTH, Numbers};
use crate::order::Endianness;
use crate::pages::{self, ExternalFolder};
use crate::types::PageNo;

/// The external files of a file, and how much of one is read.
#[derive(Clone, Copy, Debug)]
pub(super) struct Externals<'s> {
    folder: &'s ExternalFolder,
    limit: u32,
}

/// An item that stands for an external file, and where it stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct External<'s> {
    pub(super) item: &'s [u8; LENGTH],
    pub(super) holder: Holder,
    pub(super) at: u16,
}

impl<'s> Externals<'s> {
    pub(super) fn of(file: &'s pages::File<'_>) -> Self {
        Externals { folder: file.external_folder(), limit: file.limits().max_item }
    }
}

/// The external files that were given: those with the length that their item says, and others. Neither is
/// given twice, and so a salvage gives each no more than two times.
#[derive(Clone, Debug, Default)]
pub(super) struct Given {
    right: BTreeSet<(u64, u64, u64)>,
    odd: BTreeSet<(u64, u64, u64)>,
}

impl Given {
    /// The value of an item on a page: what its file has of it. Each file is that of one value.
    pub(super) fn value<'s>(
        &mut self,
        externals: Externals<'_>,
        page: PageNo,
        External { item, holder, at }: External<'_>,
        order: Endianness,
        notes: &mut Notes,
        report: &mut SalvageReport,
    ) -> Recovered<'s> {
        let at = usize::from(at);
        // No page is believed about the version of another.
        let numbers = Numbers::of(item, holder, Form::of(item, holder), order);
        let Numbers { id, size, folder, database } = numbers;
        if id == 0 || [id, size, folder, database].iter().any(|number| i64::try_from(*number).is_err()) {
            let (field, expected) = ("number of an external file", "from 1 to below 2^63");
            report.problem(Error::field(page, at, field, id, expected));
            return Recovered::Missing;
        }
        let name = (folder, database, id);
        let Externals { folder, limit } = externals;
        let mut problem = |file| report.problem(Error::External { page, offset: at, file });
        let storage = match folder.open_any(numbers) {
            Ok(storage) => storage,
            Err(error) => {
                problem(error);
                return Recovered::Missing;
            }
        };
        let found = storage.len();
        let given = if found == size { &mut self.right } else { &mut self.odd };
        if !given.insert(name) {
            report.problem(Error::corrupt(page, at, Defect::ExternalTwice { id }));
            return Recovered::Missing;
        }
        if found != size {
            notes.add(Note::External);
            problem(folder.error(numbers, ExternalFault::Length { found }));
        }
        if size.min(found) > u64::from(limit) {
            problem(folder.error(numbers, ExternalFault::TooLong { limit }));
            return Recovered::Missing;
        }
        match storage.first(size) {
            Ok(bytes) if found < size => {
                let expected = u32::try_from(size).unwrap_or(u32::MAX);
                Recovered::Part { bytes: Bytes::own(bytes), expected }
            }
            Ok(bytes) => Recovered::Whole(Bytes::own(bytes)),
            Err(cause) => {
                problem(folder.error(numbers, ExternalFault::Io { cause: cause.into() }));
                Recovered::Missing
            }
        }
    }
}
