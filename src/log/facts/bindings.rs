//! What the numbers of a log stand for, from where to where (log-format, "Opcodes";
//! recovery, "File ids").

use std::collections::{HashMap, HashSet};

use crate::log::record::Record;
use crate::log::record::event::{Register, RegisterOperation};
use crate::method::Method;
use crate::types::{FileId, Lsn, PageNo};

/// A close and an open take more bytes than this: in a smaller gap no number can have
/// got another meaning.
const CLOSE_AND_OPEN: u32 = 136;

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
    pub(super) file: usize,
}

impl Binding<'_> {
    /// The access method, if it is a known one.
    pub(crate) fn access_method(&self) -> Option<Method> {
        Some(match self.method {
            1 => Method::Btree,
            2 => Method::Hash,
            3 => Method::Recno,
            4 => Method::Queue,
            6 => Method::Heap,
            _ => return None,
        })
    }
}

/// The meanings of all numbers, in the order in which they were given.
#[derive(Clone, Debug, Default)]
pub(super) struct Bindings<'a> {
    list: Vec<Binding<'a>>,
    /// The bindings of each number, in their order.
    by_number: HashMap<i32, Vec<usize>>,
    /// Bindings that have not ended.
    live: HashSet<usize>,
}

impl<'a> Bindings<'a> {
    pub(super) fn all(&self) -> &[Binding<'a>] {
        &self.list
    }

    pub(super) fn get(&self, place: usize) -> Option<&Binding<'a>> {
        self.list.get(place)
    }

    /// The place of what a number means in the record at an LSN.
    pub(super) fn place_at(&self, lsn: Lsn, number: i32) -> Option<usize> {
        let places = self.by_number.get(&number)?;
        let behind = places.partition_point(|&place| self.list.get(place).is_some_and(|b| b.from <= lsn));
        let before = behind.checked_sub(1).and_then(|at| places.get(at)).copied();
        let live = |place: &usize| self.list.get(*place).is_some_and(|b| b.to.is_none_or(|to| lsn <= to));
        let earlier = |place: &usize| self.list.get(*place).is_some_and(|b| !b.opened);
        before.filter(live).or_else(|| places.get(behind).copied().filter(earlier))
    }

    /// Takes in a register record. `file` tells which of the files that have names it is, of
    /// one that was not known under this number.
    pub(super) fn register(&mut self, lsn: Lsn, register: &Register<'a>, file: impl FnOnce() -> usize) {
        let current = self.by_number.get(&register.file).and_then(|places| places.last()).copied();
        let same = |binding: &Binding<'_>| {
            binding.id == register.id
                && binding.meta == register.meta
                && (binding.id.is_some() || binding.name == register.name)
        };
        let live = current.filter(|place| self.live.contains(place));
        let close = register.operation == RegisterOperation::Close;
        if let Some((place, binding)) = live.and_then(|place| Some((place, self.list.get_mut(place)?))) {
            let same = same(binding);
            if close || !same {
                binding.to = Some(lsn);
                self.live.remove(&place);
            }
            if same {
                return;
            }
        }
        let place = self.list.len();
        self.list.push(Binding {
            number: register.file,
            name: register.name,
            id: register.id,
            method: register.method,
            meta: register.meta,
            big_endian: register.big_endian,
            from: lsn,
            opened: register.operation == RegisterOperation::Open,
            to: close.then_some(lsn),
            file: file(),
        });
        self.by_number.entry(register.file).or_default().push(place);
        if !close {
            self.live.insert(place);
        }
    }

    /// Nothing is known any more of what is open behind a record.
    fn forget(&mut self, last: Lsn) {
        for place in std::mem::take(&mut self.live) {
            if let Some(binding) = self.list.get_mut(place) {
                binding.to = Some(last);
            }
        }
    }
}

/// Where records are missing, closes and opens may be among them.
#[derive(Default)]
pub(super) struct Gaps {
    last: Lsn,
    end: Lsn,
    /// Whether something was wrong since the last record.
    broken: bool,
    /// How many bytes are missing.
    hidden: u32,
}

impl Gaps {
    /// The next record; none where one is missing.
    pub(super) fn pass(&mut self, bindings: &mut Bindings<'_>, record: Option<&Record<'_>>) {
        let Some(record) = record else {
            self.broken = true;
            return;
        };
        let lsn = record.lsn();
        if std::mem::take(&mut self.broken) {
            let bytes =
                if lsn.file == self.end.file { lsn.offset.saturating_sub(self.end.offset) } else { u32::MAX };
            self.hidden = self.hidden.saturating_add(bytes);
            if self.hidden >= CLOSE_AND_OPEN {
                self.hidden = 0;
                bindings.forget(self.last);
            }
        }
        self.last = lsn;
        self.end = Lsn { offset: lsn.offset.saturating_add(record.size()), ..lsn };
    }
}
