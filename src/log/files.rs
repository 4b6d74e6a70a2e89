//! Which database a number of the log stands for (log-format, "Opcodes"; recovery,
//! "File ids").

use std::collections::{HashMap, HashSet};

use super::error::LogError;
use super::event::{Event, Register, RegisterOperation};
use super::record::{Record, TxnId};
use crate::format::item;
use crate::meta::identify;
use crate::order::Endianness;
use crate::types::{FileId, Lsn, PageNo};

/// The access method of a BTREE in register records.
const BTREE: u32 = 1;
/// Where the type of a page stands in its image.
const PAGE_TYPE: usize = 25;
/// A close and an open take more bytes than this: in a smaller gap no number can have
/// got another meaning.
const CLOSE_AND_OPEN: u32 = 136;

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
    /// Bindings that have not ended.
    live: HashSet<usize>,
    renames: Vec<Rename<'a>>,
    /// The names of each file, in their order.
    names: Vec<Vec<&'a [u8]>>,
    /// The name of each file: the last one that is not temporary, or else the last.
    last: Vec<Option<&'a [u8]>>,
    by_id: HashMap<FileId, usize>,
    /// The file that has a name now.
    by_name: HashMap<&'a [u8], usize>,
    /// Names of databases in files with several, by file and metadata page.
    inner: HashMap<(FileId, PageNo), Vec<Inner<'a>>>,
    /// Files in which some database has duplicates.
    duplicates: HashSet<Option<FileId>>,
    machine: Option<Endianness>,
}

/// A name that a list of databases gave to a metadata page.
#[derive(Clone, Debug)]
struct Inner<'a> {
    at: Lsn,
    name: &'a [u8],
    /// Where the names of the same database begin: the page may have been another's.
    first: usize,
    /// Whether the database was made with this name.
    anew: bool,
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
    /// The record that closed it, or gave the number to another database; or the last
    /// one before a gap that may hide such a record.
    pub to: Option<Lsn>,
    /// The file among those that have names.
    file: usize,
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
    /// Names that a transaction gave which did not commit are among them. Temporary
    /// names, of files that are made or removed, come last.
    #[must_use]
    pub fn names(&self, binding: &Binding<'a>) -> Vec<Vec<u8>> {
        let mut seen = HashSet::new();
        let names = self.names.get(binding.file).map_or(&[][..], |names| names);
        let names = names.iter().rev().copied().filter(|name| seen.insert(*name));
        let (temporary, mut names): (Vec<_>, Vec<_>) = names.partition(|name| is_temporary(name));
        names.extend(temporary);
        let inner: Vec<&[u8]> = self.inner_names(binding).map(|(_, name)| name).collect();
        let join = |file: &[u8], inner: &[u8]| [file, b"/", inner].concat();
        let Some((last, before)) = inner.split_last() else {
            return names.iter().map(|name| name.to_vec()).collect();
        };
        let now = names.iter().map(|name| join(name, last));
        let before = names.iter().take(1).flat_map(|name| before.iter().rev().map(|inner| join(name, inner)));
        now.chain(before).collect()
    }

    /// The name of a database's file: the last that is not temporary, if there is one, or else
    /// the last. It is the first of [`Files::names`], without the database's own.
    #[must_use]
    pub fn file_name(&self, binding: &Binding<'a>) -> Option<&'a [u8]> {
        self.last.get(binding.file).copied().flatten()
    }

    /// The name of the database in a file with several, if the log tells it.
    #[must_use]
    pub fn inner_name(&self, binding: &Binding<'a>) -> Option<&'a [u8]> {
        let run = self.inner_run(binding);
        run.last().map(|inner| inner.name)
    }

    /// All names of the files of the databases that have a name, as [`Files::named`] finds them.
    #[must_use]
    pub fn file_names(&self, name: &[u8]) -> HashSet<&'a [u8]> {
        let files: HashSet<usize> = self.named(name).map(|binding| binding.file).collect();
        files.into_iter().filter_map(|file| self.names.get(file)).flatten().copied().collect()
    }

    /// The bindings of the databases with a name: that of the file, with or without the
    /// folders before it; that of the database, if there are several in the file; or
    /// both, as `FILE/NAME`. Earlier and later names count, too.
    pub fn named<'f>(&'f self, name: &[u8]) -> impl Iterator<Item = &'f Binding<'a>> + use<'f, 'a> {
        self.bindings
            .iter()
            .zip(self.matching(name))
            .filter(|(_, matches)| *matches)
            .map(|(binding, _)| binding)
    }

    /// Whether each binding has a name.
    pub(super) fn matching(&self, wanted: &[u8]) -> Vec<bool> {
        let files = |wanted: &[u8]| -> Vec<bool> {
            let is = |name: &&[u8]| *name == wanted || base(name) == wanted;
            self.names.iter().map(|names| names.iter().any(is)).collect()
        };
        let slashes = wanted.iter().enumerate().filter(|(_, byte)| **byte == b'/');
        let split =
            slashes.filter_map(|(at, _)| Some((wanted.get(..at)?, wanted.get(at.saturating_add(1)..)?)));
        let split: Vec<_> = split.map(|(file, inner)| (inner, files(file))).collect();
        let files = files(wanted);
        let among = |files: &[bool], file: usize| files.get(file).copied().unwrap_or(false);
        // Many bindings of the same database have the same names.
        let mut known = HashMap::new();
        let mut inner = |binding: &Binding<'a>| {
            let first = self.inner_names(binding).next().map(|(place, _)| place);
            *known.entry((binding.file, binding.meta, first)).or_insert_with(|| {
                self.inner_names(binding).any(|(_, name)| {
                    name == wanted
                        || split.iter().any(|(inner, files)| *inner == name && among(files, binding.file))
                })
            })
        };
        self.bindings.iter().map(|binding| among(&files, binding.file) || inner(binding)).collect()
    }

    /// The names of the database in its file, in their order, each with its place among
    /// those of the metadata page.
    fn inner_names(&self, binding: &Binding<'a>) -> impl Iterator<Item = (usize, &'a [u8])> {
        let run = self.inner_run(binding);
        let first = run.first().map_or(0, |inner| inner.first);
        run.iter().enumerate().map(move |(place, inner)| (first.saturating_add(place), inner.name))
    }

    fn inner_run(&self, binding: &Binding<'a>) -> &[Inner<'a>] {
        let names =
            binding.id.and_then(|id| self.inner.get(&(id, binding.meta))).map_or(&[][..], |names| names);
        let behind = names.partition_point(|inner| inner.at <= binding.from);
        let current = names.get(behind.saturating_sub(1)).filter(|inner| behind > 0 || !inner.anew);
        let first = current.map_or(names.len(), |inner| inner.first);
        // Those of one database stand together, from the place that they all name on.
        let end = names.partition_point(|inner| inner.first <= first);
        names.get(first..end).unwrap_or_default()
    }

    /// Whether a database in the file has duplicates, as far as the log shows it: then
    /// pages may hold those of one key.
    pub(super) fn has_duplicates(&self, binding: &Binding<'_>) -> bool {
        self.duplicates.contains(&binding.id)
    }

    /// Takes in the records of a log, in their order.
    pub(crate) fn of(records: impl Iterator<Item = Result<Record<'a>, LogError>>) -> Files<'a> {
        let mut files = Files::default();
        let mut default = None;
        let mut lists = Lists::default();
        let mut duplicates = Duplicates::default();
        let mut gaps = Gaps::default();
        for record in records {
            let Some(record) = gaps.pass(&mut files, record) else { continue };
            let lsn = record.lsn();
            let event = record.event();
            files.machine = files.machine.or_else(|| machine_of_item(&record, &event));
            default = default.or_else(|| order_of_new_file(&event));
            duplicates.look(&record, &event);
            match event {
                Event::Register(register) => files.register(lsn, &register),
                Event::FileRename { old, new, id } => files.rename(Rename { at: lsn, old, new, id }),
                Event::Item { place, add: true, head: [], data } => {
                    if let Some((name, page)) = lists.pair(place.file, place.page, place.index, data) {
                        files.list(lsn, place.file, name, page);
                    }
                }
                // The metadata page of a new database.
                Event::Image { place, image, emptied: false, .. } if identify(image).is_ok() => {
                    files.begin_anew(lsn, place.file, place.page);
                }
                _ => {}
            }
        }
        files.machine = files.machine.or(default);
        let last = |names: &Vec<&'a [u8]>| {
            let lasting = names.iter().rev().find(|name| !is_temporary(name));
            lasting.or(names.last()).copied()
        };
        files.last = files.names.iter().map(last).collect();
        let found = duplicates.found.iter().filter_map(|&(lsn, number)| files.at(lsn, number));
        files.duplicates =
            found.filter(|binding| binding.method == BTREE).map(|binding| binding.id).collect();
        files
    }

    /// The pair of a list of databases: a name, and the metadata page.
    fn list(&mut self, lsn: Lsn, file: i32, name: &'a [u8], number: [u8; 4]) {
        let directory = self.at(lsn, file).filter(|binding| binding.meta == PageNo::META);
        let Some(id) = directory.and_then(|binding| binding.id) else { return };
        // Version 7 files store the number in their own order, later ones big-endian.
        // Other databases have such pairs, too, but no others in their file.
        for page in [u32::from_be_bytes(number), u32::from_le_bytes(number)] {
            if page != 0 {
                let names = self.inner.entry((id, PageNo(page))).or_default();
                let first = names.last().map_or(0, |last| last.first);
                names.push(Inner { at: lsn, name, first, anew: false });
            }
        }
    }

    /// A metadata page is written anew: the name that it got last is that of a new
    /// database.
    fn begin_anew(&mut self, lsn: Lsn, file: i32, page: PageNo) {
        let id = self.at(lsn, file).and_then(|binding| binding.id);
        let names = id.and_then(|id| self.inner.get_mut(&(id, page)));
        if let Some((last, before)) = names.and_then(|names| names.split_last_mut()) {
            (last.first, last.anew) = (before.len(), true);
        }
    }

    fn rename(&mut self, rename: Rename<'a>) {
        let known = match rename.id {
            Some(id) => self.by_id.get(&id),
            None => self.by_name.get(rename.old),
        };
        let file = known.copied().unwrap_or_else(|| self.new_file(rename.id));
        self.name(file, rename.old);
        self.name(file, rename.new);
        self.by_name.remove(rename.old);
        self.renames.push(rename);
    }

    fn new_file(&mut self, id: Option<FileId>) -> usize {
        let file = self.names.len();
        self.names.push(Vec::new());
        if let Some(id) = id {
            self.by_id.insert(id, file);
        }
        file
    }

    /// The file has this name now.
    fn name(&mut self, file: usize, name: &'a [u8]) {
        if let Some(names) = self.names.get_mut(file).filter(|names| names.last() != Some(&name)) {
            names.push(name);
        }
        self.by_name.insert(name, file);
    }

    fn register(&mut self, lsn: Lsn, register: &Register<'a>) {
        let current = self.by_number.get(&register.file).and_then(|places| places.last()).copied();
        let same = |binding: &Binding<'_>| {
            binding.id == register.id
                && binding.meta == register.meta
                && (binding.id.is_some() || binding.name == register.name)
        };
        let live = current.filter(|place| self.live.contains(place));
        let close = register.operation == RegisterOperation::Close;
        if let Some((place, binding)) = live.and_then(|place| Some((place, self.bindings.get_mut(place)?))) {
            let same = same(binding);
            if close || !same {
                binding.to = Some(lsn);
                self.live.remove(&place);
            }
            if same {
                return;
            }
        }
        let known = match register.id {
            Some(id) => self.by_id.get(&id),
            None => self.by_name.get(register.name).filter(|_| !register.name.is_empty()),
        };
        let file = known.copied().unwrap_or_else(|| self.new_file(register.id));
        self.name(file, register.name);
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
            file,
        });
        self.by_number.entry(register.file).or_default().push(place);
        if !close {
            self.live.insert(place);
        }
    }
}

/// Where records are missing, closes and opens may be among them.
#[derive(Default)]
struct Gaps {
    last: Lsn,
    end: Lsn,
    /// Whether something was wrong since the last record.
    broken: bool,
    /// How many bytes are missing.
    hidden: u32,
}

impl Gaps {
    fn pass<'a>(
        &mut self,
        files: &mut Files<'a>,
        record: Result<Record<'a>, LogError>,
    ) -> Option<Record<'a>> {
        let Ok(record) = record else {
            self.broken = true;
            return None;
        };
        let lsn = record.lsn();
        if std::mem::take(&mut self.broken) {
            let bytes =
                if lsn.file == self.end.file { lsn.offset.saturating_sub(self.end.offset) } else { u32::MAX };
            self.hidden = self.hidden.saturating_add(bytes);
            if self.hidden >= CLOSE_AND_OPEN {
                self.hidden = 0;
                for place in std::mem::take(&mut files.live) {
                    files
                        .bindings
                        .iter_mut()
                        .skip(place)
                        .take(1)
                        .for_each(|binding| binding.to = Some(self.last));
                }
            }
        }
        self.last = lsn;
        self.end = Lsn { offset: lsn.offset.saturating_add(record.size()), ..lsn };
        Some(record)
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

/// Looks for signs of duplicates: up to version 16 records do not tell the type of
/// their page, and on pages of duplicates an even slot holds no key.
#[derive(Default)]
struct Duplicates {
    /// The last item of each transaction: where, and whether it was put there.
    last: HashMap<Option<TxnId>, (i32, PageNo, u32, bool)>,
    /// Numbers of which it is known, until they are given anew.
    numbers: HashSet<i32>,
    found: Vec<(Lsn, i32)>,
}

impl Duplicates {
    fn look(&mut self, record: &Record<'_>, event: &Event<'_>) {
        let of_duplicates = |kind: u8| matches!(kind, 1 | 6 | 12);
        let shown = |image: &[u8]| image.get(PAGE_TYPE).is_some_and(|&kind| of_duplicates(kind));
        let found = match *event {
            Event::Register(Register { file, .. }) => {
                self.numbers.remove(&file);
                None
            }
            Event::Commit { .. } => {
                self.last.remove(&record.txn());
                None
            }
            Event::Slot { place, .. } => Some(place.file),
            Event::Delete { place } => (place.index % 2 == 1).then_some(place.file),
            Event::Replace { place, .. } => (place.index % 2 == 0).then_some(place.file),
            Event::Allocate { place, kind } => {
                u8::try_from(kind).is_ok_and(of_duplicates).then_some(place.file)
            }
            Event::Split { file, image, .. } | Event::Collapse { file, image, .. } => {
                shown(image).then_some(file)
            }
            Event::Image { place, image, .. } => shown(image).then_some(place.file),
            Event::Item { place, add, head, .. } => {
                let last = self.last.insert(record.txn(), (place.file, place.page, place.index, add));
                // Data is put behind its key, or where there was other data.
                let key = (place.file, place.page, place.index.saturating_sub(1), true);
                let old = (place.file, place.page, place.index, false);
                let alone =
                    add && head.is_empty() && place.index % 2 == 1 && last != Some(key) && last != Some(old);
                let reference = head.len() == item::REFERENCE
                    && item::type_byte(head).is_some_and(|byte| byte & !item::DELETED == item::DUPLICATE);
                (alone || reference).then_some(place.file)
            }
            _ => None,
        };
        if let Some(number) = found.filter(|&number| self.numbers.insert(number)) {
            self.found.push((record.lsn(), number));
        }
    }
}

/// Whether a name is that of a file that is made or removed.
fn is_temporary(name: &[u8]) -> bool {
    base(name).starts_with(b"__db.")
}

/// A name without the folders before it.
fn base(name: &[u8]) -> &[u8] {
    name.rsplit(|&byte| byte == b'/').next().unwrap_or(name)
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
    [Endianness::Little, Endianness::Big].into_iter().find(|&order| item::is_whole(head, order))
}

/// The byte order of a new file: the machine's, unless somebody wanted another.
fn order_of_new_file(event: &Event<'_>) -> Option<Endianness> {
    match event {
        Event::FileWrite { image, page: PageNo::META, .. } => identify(image).ok(),
        _ => None,
    }
}
