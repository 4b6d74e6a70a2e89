//! Which pages were reached, and how often overflow chains were referred to: shared by
//! the threads of a check.

use std::collections::{HashMap, HashSet};
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::sync::{Mutex, PoisonError};

use crate::bits::AtomicBits;
use crate::format::external::Numbers;
use crate::types::PageNo;

/// One bit a page, and a number for each overflow chain that is not referred to once.
pub(super) struct Seen {
    bits: AtomicBits,
    /// References to chains: those that the chain claims, and those found.
    chains: Mutex<HashMap<PageNo, References>>,
    /// Lengths of chains that more than one item refers to.
    lengths: Mutex<HashMap<PageNo, u64>>,
    /// How many more pages may be looked at that have another place already.
    again: AtomicU32,
    /// External files, by the numbers of their folders and their own.
    files: Mutex<HashSet<(u64, u64, u64)>>,
    /// Whether it was said that the folder of external files is not known.
    no_folder: AtomicBool,
}

/// How often a chain says that it is referred to, and how often it is.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct References {
    pub(super) stated: u16,
    pub(super) found: u32,
    /// Whether an item that holds data is among those that refer to it.
    owned: bool,
}

/// What refers to an overflow chain.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Referrer {
    /// A key or a value, a record, a duplicate: a chain has one at most.
    Owner,
    /// A key of an internal page: up to release 4.4 a copy of a leaf's key, with the chain of
    /// that.
    Copy,
}

impl Seen {
    pub(super) fn new(pages: u32) -> Seen {
        Seen {
            bits: AtomicBits::new(pages),
            chains: Mutex::default(),
            lengths: Mutex::default(),
            again: AtomicU32::new(pages),
            files: Mutex::default(),
            no_folder: AtomicBool::new(false),
        }
    }

    /// Marks a page; says whether this is the first time.
    pub(super) fn mark(&self, no: PageNo) -> bool {
        self.bits.mark(no)
    }

    pub(super) fn has(&self, no: PageNo) -> bool {
        self.bits.has(no)
    }

    /// Counts one more page of a table that has another place; says whether it may be passed
    /// over.
    pub(super) fn pass_over(&self) -> bool {
        let one_less = |left: u32| left.checked_sub(1);
        self.again.fetch_update(Ordering::Relaxed, Ordering::Relaxed, one_less).is_ok()
    }

    /// Counts a reference to a chain; says whether such a one may be, as far as the count on
    /// its first page does not tell. Most chains have one, and say so: they take no room.
    pub(super) fn refer(&self, first: PageNo, stated: u16, again: bool, by: Referrer) -> bool {
        if stated == 1 && !again {
            return true;
        }
        let mut chains = self.chains.lock().unwrap_or_else(PoisonError::into_inner);
        // Of a chain with one reference the first was not counted.
        let start = u32::from(stated == 1);
        let entry = chains.entry(first).or_insert(References { stated, found: start, owned: false });
        entry.found = entry.found.saturating_add(1);
        by == Referrer::Copy || !std::mem::replace(&mut entry.owned, true)
    }

    /// Notes an external file; says whether this is the first time.
    pub(super) fn file(&self, Numbers { id, folder, database, .. }: Numbers) -> bool {
        let mut files = self.files.lock().unwrap_or_else(PoisonError::into_inner);
        files.insert((folder, database, id))
    }

    /// Whether this is the first time that the folder of external files was missed.
    pub(super) fn misses_folder(&self) -> bool {
        !self.no_folder.swap(true, Ordering::Relaxed)
    }

    /// The length of a chain: found out once, and remembered.
    pub(super) fn length(&self, first: PageNo, find: impl FnOnce() -> u64) -> u64 {
        let mut lengths = self.lengths.lock().unwrap_or_else(PoisonError::into_inner);
        *lengths.entry(first).or_insert_with(find)
    }

    /// The chains that are referred to more often than once, or say so.
    pub(super) fn references(&self) -> Vec<(PageNo, References)> {
        let chains = self.chains.lock().unwrap_or_else(PoisonError::into_inner);
        let mut chains: Vec<_> = chains.iter().map(|(no, references)| (*no, *references)).collect();
        chains.sort_by_key(|(no, _)| *no);
        chains
    }
}
