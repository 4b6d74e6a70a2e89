//! What the databases of a log are called.

use std::collections::{HashMap, HashSet};

use super::bindings::Binding;
use crate::log::record::TxnId;
use crate::types::{FileId, Lsn, PageNo};

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
    /// The transaction that changed it.
    pub txn: Option<TxnId>,
}

/// The names of files, and of the databases in files with several.
#[derive(Clone, Debug, Default)]
pub(super) struct Names<'a> {
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

impl<'a> Names<'a> {
    pub(super) fn renames(&self) -> &[Rename<'a>] {
        &self.renames
    }

    /// All names of a database, as [`Files::names`](super::files::Files::names) has them.
    pub(super) fn of(&self, binding: &Binding<'a>) -> Vec<Vec<u8>> {
        let mut seen = HashSet::new();
        let names = self.of_file(binding.file).iter().rev().copied().filter(|name| seen.insert(*name));
        let (temporary, mut names): (Vec<_>, Vec<_>) = names.partition(|name| is_temporary(name));
        names.extend(temporary);
        let inner: Vec<&[u8]> = self.inner(binding).map(|(_, name)| name).collect();
        let join = |file: &[u8], inner: &[u8]| [file, b"/", inner].concat();
        let Some((last, before)) = inner.split_last() else {
            return names.iter().map(|name| name.to_vec()).collect();
        };
        let now = names.iter().map(|name| join(name, last));
        let before = names.iter().take(1).flat_map(|name| before.iter().rev().map(|inner| join(name, inner)));
        now.chain(before).collect()
    }

    /// The names of a file, in their order.
    pub(super) fn of_file(&self, file: usize) -> &[&'a [u8]] {
        self.names.get(file).map_or(&[], |names| names)
    }

    /// The last name of a file that is not temporary, or else the last.
    pub(super) fn last(&self, file: usize) -> Option<&'a [u8]> {
        self.last.get(file).copied().flatten()
    }

    /// The last name of a database in a file with several.
    pub(super) fn last_inner(&self, binding: &Binding<'a>) -> Option<&'a [u8]> {
        self.inner_run(binding).last().map(|inner| inner.name)
    }

    /// Whether each of some bindings has a name.
    pub(super) fn matching(&self, bindings: &[Binding<'a>], wanted: &[u8]) -> Vec<bool> {
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
            let first = self.inner(binding).next().map(|(place, _)| place);
            *known.entry((binding.file, binding.meta, first)).or_insert_with(|| {
                self.inner(binding).any(|(_, name)| {
                    name == wanted
                        || split.iter().any(|(inner, files)| *inner == name && among(files, binding.file))
                })
            })
        };
        bindings.iter().map(|binding| among(&files, binding.file) || inner(binding)).collect()
    }

    /// The names of a database in its file, in their order, each with its place among
    /// those of the metadata page.
    fn inner(&self, binding: &Binding<'a>) -> impl Iterator<Item = (usize, &'a [u8])> {
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

    /// A list of databases gives a name to a metadata page of the file with this id.
    pub(super) fn list(&mut self, lsn: Lsn, id: FileId, name: &'a [u8], number: [u8; 4]) {
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
    pub(super) fn begin_anew(&mut self, id: FileId, page: PageNo) {
        let names = self.inner.get_mut(&(id, page));
        if let Some((last, before)) = names.and_then(|names| names.split_last_mut()) {
            (last.first, last.anew) = (before.len(), true);
        }
    }

    pub(super) fn rename(&mut self, rename: Rename<'a>) {
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

    /// A database was opened under this name: gives its file.
    pub(super) fn open(&mut self, name: &'a [u8], id: Option<FileId>) -> usize {
        let known = match id {
            Some(id) => self.by_id.get(&id),
            None => self.by_name.get(name).filter(|_| !name.is_empty()),
        };
        let file = known.copied().unwrap_or_else(|| self.new_file(id));
        self.name(file, name);
        file
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

    /// There are no more.
    pub(super) fn end(&mut self) {
        let last = |names: &Vec<&'a [u8]>| {
            let lasting = names.iter().rev().find(|name| !is_temporary(name));
            lasting.or(names.last()).copied()
        };
        self.last = self.names.iter().map(last).collect();
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
