//! Pages of chains that become leaves of trees (upgrade, "convert_chain"): of all that an
//! upgrade changes these are the most, and all change in the same way. So one bit a page
//! says it.

use crate::format::page::at;
use crate::types::PageNo;

/// Page types of leaves.
const SORTED: u8 = 12;
const UNSORTED: u8 = 6;

/// The pages, those of sorted duplicates apart.
#[derive(Debug, Default)]
pub(super) struct Leaves {
    all: Vec<u64>,
    sorted: Vec<u64>,
}

impl Leaves {
    /// Adds a page; says whether it is new.
    pub(super) fn add(&mut self, no: PageNo, sorted: bool) -> bool {
        let new = !has(&self.all, no);
        set(&mut self.all, no);
        if sorted {
            set(&mut self.sorted, no);
        }
        new
    }

    pub(super) fn has(&self, no: PageNo) -> bool {
        has(&self.all, no)
    }

    pub(super) fn is_empty(&self) -> bool {
        self.all.is_empty()
    }

    /// Makes a page of a chain a leaf, if it is one of these.
    pub(super) fn apply(&self, no: PageNo, page: &mut [u8]) {
        if !self.has(no) {
            return;
        }
        let kind = if has(&self.sorted, no) { SORTED } else { UNSORTED };
        // The LSN means nothing in files that were written without a log.
        page.iter_mut().take(8).for_each(|byte| *byte = 0);
        page.iter_mut().skip(at::LEVEL).zip([1, kind]).for_each(|(place, byte)| *place = byte);
    }
}

fn has(bits: &[u64], no: PageNo) -> bool {
    bits.get(no.index() >> 6).is_some_and(|word| word & bit(no) != 0)
}

fn set(bits: &mut Vec<u64>, no: PageNo) {
    let word = no.index() >> 6;
    if bits.len() <= word {
        bits.resize(word.saturating_add(1), 0);
    }
    bits.iter_mut().skip(word).take(1).for_each(|word| *word |= bit(no));
}

fn bit(no: PageNo) -> u64 {
    1 << (no.0 & 63)
}
