//! Which database a number of the log stands for (log-format, "Opcodes"; recovery,
//! "File ids").

use std::collections::HashMap;

use super::event::{Event, Register, RegisterOperation};
use super::record::Record;
use crate::format::item;
use crate::meta::identify;
use crate::order::Endianness;
use crate::types::{FileId, Lsn, PageNo};

/// The databases that a log speaks of.
///
/// Records name a database by a small number that is given when it is opened and used
/// again after it is closed. A [`Binding`] says what a number meant, from where to
/// where.
#[derive(Clone, Debug, Default)]
pub struct Files<'a> {
    bindings: Vec<Binding<'a>>,
    /// The bindings of each number, in their order.
    by_number: HashMap<i32, Vec<usize>>,
    renames: Vec<Rename<'a>>,
    /// Names of databases in files with several, by file and metadata page.
    inner: HashMap<(FileId, PageNo), &'a [u8]>,
    machine: Option<Endianness>,
}

/// What a number of the log means in a part of it.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Binding<'a> {
    /// The number.
    pub number: i32,
    /// The file's name when it was opened; empty for a database without a file.
    pub name: &'a [u8],
    /// The id of the file.
    pub id: Option<FileId>,
    /// Access method: 1 BTREE, 2 HASH, 3 RECNO, 4 QUEUE, 6 HEAP.
    pub method: u32,
    /// The metadata page of the database; 0 if it has the file to itself, or is the
    /// list of the databases in the file.
    pub meta: PageNo,
    /// Whether the database is big-endian; recorded from version 17 on.
    pub big_endian: Option<bool>,
    /// The first record that shows the number with this meaning.
    pub from: Lsn,
    /// Whether it was opened there. Otherwise it was open before.
    pub opened: bool,
    /// The record that closed it, or gave the number to another database.
    pub to: Option<Lsn>,
}

/// A change of a file's name.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Rename<'a> {
    /// The record.
    pub at: Lsn,
    /// The name before.
    pub old: &'a [u8],
    /// The name afterwards.
    pub new: &'a [u8],
    /// The id of the file, where it is recorded.
    pub id: Option<FileId>,
}

impl<'a> Files<'a> {
    /// All meanings of all numbers, in the order in which they were given.
    pub fn bindings(&self) -> impl ExactSizeIterator<Item = &Binding<'a>> {
        self.bindings.iter()
    }

    /// The changes of files' names, in their order.
    pub fn renames(&self) -> impl ExactSizeIterator<Item = &Rename<'a>> {
        self.renames.iter()
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
    pub(super) fn place_at(&self, lsn: Lsn, number: i32) -> Option<usize> {
        let places = self.by_number.get(&number)?;
        let behind = places.partition_point(|&place| self.bindings.get(place).is_some_and(|b| b.from <= lsn));
        let before = behind.checked_sub(1).and_then(|at| places.get(at)).copied();
        let live = |place: &usize| self.bindings.get(*place).is_some_and(|b| b.to.is_none_or(|to| lsn <= to));
        let earlier = |place: &usize| self.bindings.get(*place).is_some_and(|b| !b.opened);
        before.filter(live).or_else(|| places.get(behind).copied().filter(earlier))
    }

    /// A binding by its place.
    pub(super) fn place(&self, place: usize) -> Option<&Binding<'a>> {
        self.bindings.get(place)
    }

    /// The names by which a database was known, the last one first: of its file, with
    /// the database's own behind it, after a slash, if there are several in the file.
    /// Names that a transaction gave which did not commit are among them.
    #[must_use]
    pub fn names(&self, binding: &Binding<'a>) -> Vec<Vec<u8>> {
        let mut names = vec![binding.name];
        for rename in self.renames.iter().filter(|rename| rename.at >= binding.from) {
            let same = match (rename.id, binding.id) {
                (Some(one), Some(other)) => one == other,
                _ => names.last() == Some(&rename.old),
            };
            if same {
                names.push(rename.new);
            }
        }
        // A file is known by a temporary name while it is made.
        for rename in self.renames.iter().filter(|rename| rename.at < binding.from) {
            if rename.id.is_some() && rename.id == binding.id && !names.contains(&rename.old) {
                names.insert(0, rename.old);
            }
        }
        let inner = binding.id.and_then(|id| self.inner.get(&(id, binding.meta)));
        let whole = |name: &&[u8]| match inner {
            Some(inner) => [name, b"/".as_slice(), inner].concat(),
            None => name.to_vec(),
        };
        names.iter().rev().map(whole).collect()
    }

    /// The name of the database in a file with several, if the log tells it.
    #[must_use]
    pub fn inner_name(&self, binding: &Binding<'a>) -> Option<&'a [u8]> {
        binding.id.and_then(|id| self.inner.get(&(id, binding.meta))).copied()
    }

    /// Takes in the records of a log, in their order.
    pub(super) fn of(records: impl Iterator<Item = Record<'a>>) -> Files<'a> {
        let mut files = Files::default();
        let mut default = None;
        let mut key: Option<(Lsn, i32, PageNo, u32, &[u8])> = None;
        for record in records {
            let lsn = record.lsn();
            let event = record.event();
            files.machine = files.machine.or_else(|| machine_of_item(&record, &event));
            default = default.or_else(|| order_of_new_file(&event));
            match event {
                Event::Register(register) => files.register(lsn, &register),
                Event::FileRename { old, new, id } => {
                    files.renames.push(Rename { at: lsn, old, new, id });
                }
                // The list of the databases in a file: a name, and behind it the page.
                Event::Item { place, add: true, head: [], data } => {
                    if let Some((_, file, page, index, name)) = key.take() {
                        let pair =
                            (file, page, index.saturating_add(1)) == (place.file, place.page, place.index);
                        if let (true, Ok(number)) = (pair, data.try_into()) {
                            files.list(lsn, file, name, number);
                        }
                    }
                    key = Some((lsn, place.file, place.page, place.index, data));
                }
                _ => {}
            }
        }
        files.machine = files.machine.or(default);
        files
    }

    fn list(&mut self, lsn: Lsn, file: i32, name: &'a [u8], number: [u8; 4]) {
        let directory = self.at(lsn, file).filter(|binding| binding.meta == PageNo::META);
        if let Some(id) = directory.and_then(|binding| binding.id) {
            // Version 7 files store the number in their own order, later ones big-endian.
            for page in [u32::from_be_bytes(number), u32::from_le_bytes(number)] {
                self.inner.entry((id, PageNo(page))).or_insert(name);
            }
        }
    }

    fn register(&mut self, lsn: Lsn, register: &Register<'a>) {
        let current = self.by_number.get(&register.file).and_then(|places| places.last()).copied();
        let same = |binding: &Binding<'_>| {
            binding.to.is_none()
                && binding.id == register.id
                && binding.meta == register.meta
                && (binding.id.is_some() || binding.name == register.name)
        };
        let live =
            current.and_then(|place| self.bindings.get_mut(place)).filter(|binding| binding.to.is_none());
        let close = register.operation == RegisterOperation::Close;
        match live {
            Some(binding) if same(binding) => {
                if close {
                    binding.to = Some(lsn);
                }
                return;
            }
            Some(binding) => binding.to = Some(lsn),
            None => {}
        }
        let place = self.bindings.len();
        self.bindings.push(Binding {
            number: register.file,
            name: register.name,
            id: register.id,
            method: register.method,
            meta: register.meta,
            big_endian: register.big_endian,
            from: lsn,
            opened: register.operation == RegisterOperation::Open,
            to: close.then_some(lsn),
        });
        self.by_number.entry(register.file).or_default().push(place);
    }
}

/// The byte order of the machine, if an item in a record shows it: by its length.
fn machine_of_item(record: &Record<'_>, event: &Event<'_>) -> Option<Endianness> {
    if !(14..17).contains(&record.version()) {
        return Some(record.endianness());
    }
    let Event::Item { head: head @ [_, _, 1 | 0x81, ..], data: [], .. } = event else { return None };
    [Endianness::Little, Endianness::Big].into_iter().find(|&order| item::is_whole(head, order))
}

/// The byte order of a new file: the machine's, unless somebody wanted another.
fn order_of_new_file(event: &Event<'_>) -> Option<Endianness> {
    match event {
        Event::FileWrite { image, page: PageNo::META, .. } => identify(image).ok(),
        _ => None,
    }
}
