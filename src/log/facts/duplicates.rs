//! Signs of duplicates.

use std::collections::{HashMap, HashSet};

use crate::format::item;
use crate::log::record::event::{Event, Register};
use crate::log::record::{Record, TxnId};
use crate::types::{Lsn, PageNo};

/// Where the type of a page stands in its image.
const PAGE_TYPE: usize = 25;

/// Looks for signs of duplicates: up to version 16 records do not tell the type of
/// their page, and on pages of duplicates an even slot holds no key.
#[derive(Default)]
pub(super) struct Duplicates {
    /// The last item of each transaction: where, and whether it was put there.
    last: HashMap<Option<TxnId>, (i32, PageNo, u32, bool)>,
    /// Numbers of which it is known, until they are given anew.
    numbers: HashSet<i32>,
    pub(super) found: Vec<(Lsn, i32)>,
}

impl Duplicates {
    pub(super) fn look(&mut self, record: &Record<'_>, event: &Event<'_>) {
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
