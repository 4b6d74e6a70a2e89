//! The databases that a log speaks of: which one a number stands for, and what it is called.

use std::collections::{HashMap, HashSet};

use super::bindings::{Binding, Bindings, Gaps};
use super::duplicates::Duplicates;
use super::names::{Names, Rename};
use crate::format::item;
use crate::log::dir::LogDir;
use crate::log::record::Record;
use crate::log::record::event::Event;
use crate::log::schema::Op;
use crate::meta::identify;
use crate::order::Endianness;
use crate::types::{FileId, Lsn, PageNo};

/// The access method of a BTREE in register records.
const BTREE: u32 = 1;

/// The databases that a log speaks of.
///
/// Records name a database by a small number that is given when it is opened and used
/// again after it is closed. A [`Binding`] says what a number meant, from where to
/// where.
#[derive(Clone, Debug, Default)]
pub struct Files<'a> {
    bindings: Bindings<'a>,
    names: Names<'a>,
    /// Files in which some database has duplicates.
    duplicates: HashSet<Option<FileId>>,
    machine: Option<Endianness>,
}

impl LogDir {
    /// The databases that the records speak of. Damaged records are left out;
    /// [`LogDir::records`] names them.
    #[must_use]
    pub fn files(&self) -> Files<'_> {
        let mut files = Reading::default();
        for record in self.records() {
            let record = record.as_ref().ok();
            files.next(record.map(|record| (record, record.event())));
        }
        files.end()
    }
}

impl<'a> Files<'a> {
    /// Whether [`Files::sparing`] has a use for records of a version that do this, if that is known.
    pub(crate) fn reads(version: u32, op: Option<Op>) -> bool {
        let ops = [Op::Register, Op::FileRename, Op::FileWrite, Op::Metapage];
        shows_machine(version) || op.is_none_or(|op| ops.contains(&op))
    }

    /// The databases that records speak of, as far as recovery needs them: without the names of several in
    /// a file, and without signs of duplicates. There is none where one is missing.
    pub(crate) fn sparing(records: impl Iterator<Item = Option<Record<'a>>>) -> Files<'a> {
        let mut reading = Reading::default();
        for record in records {
            let machine = reading.files.machine;
            let event = |record: &Record<'a>| {
                // One that shows the machine is enough.
                let version = if machine.is_some() { u32::MAX } else { record.version() };
                if Files::reads(version, record.presumed()) { record.event() } else { Event::Other }
            };
            reading.next(record.as_ref().map(|record| (record, event(record))));
        }
        reading.end()
    }

    /// All meanings of all numbers, in the order in which they were given.
    pub fn bindings(&self) -> impl ExactSizeIterator<Item = &Binding<'a>> {
        self.bindings.all().iter()
    }

    /// The changes of files' names, in their order.
    pub fn renames(&self) -> impl ExactSizeIterator<Item = &Rename<'a>> {
        self.names.renames().iter()
    }

    /// The byte order of the machine that wrote the log, where the log shows it. Logs
    /// of versions 14 to 16 are little-endian on every machine, but the items in their
    /// records are not.
    #[must_use]
    pub fn machine(&self) -> Option<Endianness> {
        self.machine
    }

    /// What a number means in the record at an LSN.
    ///
    /// Where the log begins with databases already open, their first listing at a
    /// checkpoint, or their close, tells what came before.
    #[must_use]
    pub fn at(&self, lsn: Lsn, number: i32) -> Option<&Binding<'a>> {
        self.place_at(lsn, number).and_then(|place| self.bindings.get(place))
    }

    /// The place of a binding in the order of all.
    pub(crate) fn place_at(&self, lsn: Lsn, number: i32) -> Option<usize> {
        self.bindings.place_at(lsn, number)
    }

    /// A binding by its place.
    pub(crate) fn place(&self, place: usize) -> Option<&Binding<'a>> {
        self.bindings.get(place)
    }

    /// The names by which a database was known, the last one first: of its file, with
    /// the database's own behind it, after a slash, if there are several in the file.
    /// Names that a transaction gave which did not commit are among them. Temporary
    /// names, of files that are made or removed, come last.
    #[must_use]
    pub fn names(&self, binding: &Binding<'a>) -> Vec<Vec<u8>> {
        self.names.of(binding)
    }

    /// The name of a database's file: the last that is not temporary, if there is one, or else
    /// the last. It is the first of [`Files::names`], without the database's own.
    #[must_use]
    pub fn file_name(&self, binding: &Binding<'a>) -> Option<&'a [u8]> {
        self.names.last(binding.file)
    }

    /// All names of a database's file, also temporary ones, in their order.
    pub(crate) fn all_names(&self, binding: &Binding<'a>) -> &[&'a [u8]] {
        self.names.of_file(binding.file)
    }

    /// The name of the database in a file with several, if the log tells it.
    #[must_use]
    pub fn inner_name(&self, binding: &Binding<'a>) -> Option<&'a [u8]> {
        self.names.last_inner(binding)
    }

    /// All names of the files of the databases that have a name, as [`Files::named`] finds them.
    #[must_use]
    pub fn file_names(&self, name: &[u8]) -> HashSet<&'a [u8]> {
        let files: HashSet<usize> = self.named(name).map(|binding| binding.file).collect();
        files.into_iter().flat_map(|file| self.names.of_file(file)).copied().collect()
    }

    /// The bindings of the databases with a name: that of the file, with or without the
    /// folders before it; that of the database, if there are several in the file; or
    /// both, as `FILE/NAME`. Earlier and later names count, too.
    pub fn named<'f>(&'f self, name: &[u8]) -> impl Iterator<Item = &'f Binding<'a>> + use<'f, 'a> {
        let matching = self.matching(name);
        self.bindings.all().iter().zip(matching).filter(|(_, matches)| *matches).map(|(binding, _)| binding)
    }

    /// Whether each binding has a name.
    pub(crate) fn matching(&self, wanted: &[u8]) -> Vec<bool> {
        self.names.matching(self.bindings.all(), wanted)
    }

    /// Whether a database in the file has duplicates, as far as the log shows it: then
    /// pages may hold those of one key.
    pub(crate) fn has_duplicates(&self, binding: &Binding<'_>) -> bool {
        self.duplicates.contains(&binding.id)
    }
}

/// The databases of a log that is being read.
#[derive(Default)]
pub(crate) struct Reading<'a> {
    files: Files<'a>,
    gaps: Gaps,
    lists: Lists<'a>,
    duplicates: Duplicates,
    /// The byte order of a new file.
    default: Option<Endianness>,
}

impl<'a> Reading<'a> {
    /// The next record, and what it means; none where one is missing.
    pub(crate) fn next(&mut self, record: Option<(&Record<'a>, Event<'a>)>) {
        let Files { bindings, names, machine, .. } = &mut self.files;
        self.gaps.pass(bindings, record.map(|(record, _)| record));
        let Some((record, event)) = record else { return };
        let lsn = record.lsn();
        *machine = machine.or_else(|| machine_of_item(record, &event));
        self.default = self.default.or_else(|| order_of_new_file(&event));
        self.duplicates.look(record, &event);
        match event {
            Event::Register(register) => {
                bindings.register(lsn, &register, || names.open(register.name, register.id));
            }
            Event::FileRename { old, new, id } => {
                names.rename(Rename { at: lsn, old, new, id, txn: record.txn() });
            }
            Event::Item { place, add: true, head: [], data } => {
                if let Some((name, page)) = self.lists.pair(place.file, place.page, place.index, data) {
                    let directory = self.files.at(lsn, place.file);
                    let directory = directory.filter(|binding| binding.meta == PageNo::META);
                    if let Some(id) = directory.and_then(|binding| binding.id) {
                        self.files.names.list(lsn, id, name, page);
                    }
                }
            }
            // The metadata page of a new database.
            Event::Image { place, image, emptied: false, .. } if identify(image).is_ok() => {
                if let Some(id) = self.files.at(lsn, place.file).and_then(|binding| binding.id) {
                    self.files.names.begin_anew(id, place.page);
                }
            }
            _ => {}
        }
    }

    /// There are no more.
    pub(crate) fn end(self) -> Files<'a> {
        let Reading { mut files, duplicates, default, .. } = self;
        files.machine = files.machine.or(default);
        files.names.end();
        let found = duplicates.found.iter().filter_map(|&(lsn, number)| files.at(lsn, number));
        files.duplicates =
            found.filter(|binding| binding.method == BTREE).map(|binding| binding.id).collect();
        files
    }
}

/// The keys that were put last, for the pairs of the lists of databases.
#[derive(Default)]
struct Lists<'a> {
    keys: HashMap<i32, (PageNo, u32, &'a [u8])>,
}

impl<'a> Lists<'a> {
    /// A plain item was put: the name and the metadata page of a database, if it is the
    /// data of a pair that may be one of a list.
    fn pair(&mut self, file: i32, page: PageNo, index: u32, data: &'a [u8]) -> Option<(&'a [u8], [u8; 4])> {
        let key = self.keys.insert(file, (page, index, data));
        let (_, _, name) = key.filter(|&(at, key, _)| (at, key.checked_add(1)) == (page, Some(index)))?;
        Some((name, data.try_into().ok()?))
    }
}

/// Whether records of a version may show the byte order of the machine.
fn shows_machine(version: u32) -> bool {
    version < 17
}

/// The byte order of the machine, if an item in a record shows it: by its length. Newer
/// logs do not show it.
fn machine_of_item(record: &Record<'_>, event: &Event<'_>) -> Option<Endianness> {
    match record.version() {
        ..14 => return Some(record.endianness()),
        14..17 => {}
        _ => return None,
    }
    let Event::Item { head: head @ [_, _, 1 | 0x81, ..], data: [], .. } = event else { return None };
    let [little, big] = [Endianness::Little, Endianness::Big].map(|order| item::is_whole(head, order));
    // A length may read the same both ways.
    match (little, big) {
        (true, false) => Some(Endianness::Little),
        (false, true) => Some(Endianness::Big),
        _ => None,
    }
}

/// The byte order of a new file: the machine's, unless somebody wanted another.
fn order_of_new_file(event: &Event<'_>) -> Option<Endianness> {
    match event {
        Event::FileWrite { image, page: PageNo::META, .. } => identify(image).ok(),
        _ => None,
    }
}
