//! Pages that take another form as a whole. Of all that an upgrade changes these are the most,
//! and all that take one form change in the same way. So one bit a page says it.

use super::bucket;
use crate::bits::Bits;
use crate::format::edit;
use crate::format::page::{PageKind, at};
use crate::order::with_order;
use crate::pages::Pages;
use crate::types::PageNo;

/// What a page becomes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Form {
    /// A page of a chain of duplicates: the leaf of a tree (upgrade, "convert_chain").
    Leaf,
    /// The same, of duplicates that are sorted.
    SortedLeaf,
    /// A page of a bucket: one with its pairs sorted (upgrade-other, "7 → 9").
    Bucket,
    /// A page of records: one that says so (upgrade-other, "Data pages").
    Records,
    /// A free page whose header tells of what it was: one that is empty.
    Free,
}

const ALL: [Form; 5] = [Form::Leaf, Form::SortedLeaf, Form::Bucket, Form::Records, Form::Free];

/// The pages that take a form.
#[derive(Debug, Default)]
pub(super) struct Forms {
    /// In the order of the forms; `None` as long as no page takes one.
    of: [Option<Bits>; ALL.len()],
}

impl Forms {
    /// Adds a page of a file of so many; says whether it took no form before.
    pub(super) fn add(&mut self, no: PageNo, form: Form, pages: u32) -> bool {
        let new = !self.has(no);
        for (_, bits) in ALL.iter().zip(&mut self.of).filter(|(of, _)| **of == form) {
            bits.get_or_insert_with(|| Bits::new(PageNo::META, pages)).mark(no);
        }
        new
    }

    /// Whether a page takes a form.
    pub(super) fn has(&self, no: PageNo) -> bool {
        self.of(no).is_some()
    }

    /// The form that a page takes.
    pub(super) fn of(&self, no: PageNo) -> Option<Form> {
        let has = |bits: &Option<Bits>| bits.as_ref().is_some_and(|bits| bits.has(no));
        ALL.iter().zip(&self.of).find(|(_, bits)| has(bits)).map(|(form, _)| *form)
    }

    /// Whether no page takes one.
    pub(super) fn is_empty(&self) -> bool {
        self.of.iter().all(Option::is_none)
    }
}

impl Form {
    /// Gives a page the form.
    pub(super) fn apply(self, pages: &Pages<'_>, page: &mut [u8]) {
        match self {
            Form::Leaf | Form::SortedLeaf => {
                let sorted = self == Form::SortedLeaf;
                let kind = if sorted { PageKind::DuplicateLeaf } else { PageKind::RecnoLeaf };
                // The LSN means nothing in files that were written without a log.
                edit::put(page, 0, &[0; 8]);
                edit::put(page, at::LEVEL, &[1, kind.byte()]);
            }
            Form::Bucket => {
                let sorted = with_order!(pages.order(), O => bucket::sorted::<O>(pages, page));
                // That it can be sorted was seen before it was to become this.
                page.iter_mut().zip(sorted.unwrap_or_default()).for_each(|(place, byte)| *place = byte);
            }
            Form::Records => edit::put(page, at::TYPE, &[PageKind::QueueData.byte()]),
            Form::Free => {
                // 65536 is stored as 0.
                let end = u16::try_from(page.len()).unwrap_or(0);
                with_order!(pages.order(), O => {
                    edit::put_u32::<O>(page, at::PREV, 0);
                    edit::put_u16::<O>(page, at::ENTRIES, 0);
                    edit::put_u16::<O>(page, at::HF_OFFSET, end);
                });
                edit::put(page, at::LEVEL, &[0]);
            }
        }
    }
}
