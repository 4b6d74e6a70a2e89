//! Pages in memory by their numbers: in groups, so that those of a large file are found as fast as those of a
//! small one, and a number that is far off costs no more than a group.

use std::collections::BTreeMap;
use std::ops::RangeInclusive;

use super::held::Held;

/// Pages of a group.
const GROUP: u32 = 64;
const LEN: usize = 64;

/// Pages in memory by their numbers.
#[derive(Debug, Default)]
pub(super) struct Shelf {
    groups: BTreeMap<u32, Box<[Option<Held>; LEN]>>,
    len: usize,
}

/// The group of a page, and its place there.
fn place(no: u32) -> (u32, usize) {
    (no / GROUP, usize::try_from(no % GROUP).unwrap_or(0))
}

impl Shelf {
    /// How many pages there are.
    pub(super) fn len(&self) -> usize {
        self.len
    }

    #[inline]
    pub(super) fn get(&self, no: u32) -> Option<&Held> {
        let (group, place) = place(no);
        self.groups.get(&group)?.get(place)?.as_ref()
    }

    #[inline]
    pub(super) fn get_mut(&mut self, no: u32) -> Option<&mut Held> {
        let (group, place) = place(no);
        self.groups.get_mut(&group)?.get_mut(place)?.as_mut()
    }

    pub(super) fn has(&self, no: u32) -> bool {
        self.get(no).is_some()
    }

    /// Puts a page in place of one that may be there.
    pub(super) fn insert(&mut self, no: u32, page: Held) {
        let (group, place) = place(no);
        let group = self.groups.entry(group).or_insert_with(|| Box::new([const { None }; LEN]));
        if let Some(slot) = group.get_mut(place) {
            self.len = self.len.saturating_add(usize::from(slot.replace(page).is_none()));
        }
    }

    pub(super) fn remove(&mut self, no: u32) -> Option<Held> {
        let (group, place) = place(no);
        let found = self.groups.get_mut(&group)?.get_mut(place)?.take();
        self.len = self.len.saturating_sub(usize::from(found.is_some()));
        found
    }

    /// Removes the pages from one number on to another.
    pub(super) fn clear(&mut self, range: RangeInclusive<u32>) {
        let gone: Vec<u32> = self.range(range).map(|(no, _)| no).collect();
        for no in gone {
            self.remove(no);
        }
        self.groups.retain(|_, group| group.iter().any(Option::is_some));
    }

    /// The pages in the order of their numbers.
    pub(super) fn iter(&self) -> impl DoubleEndedIterator<Item = (u32, &Held)> {
        self.groups.iter().flat_map(|(group, pages)| {
            let first = group.saturating_mul(GROUP);
            let numbered = pages.iter().enumerate();
            numbered.filter_map(move |(place, page)| {
                Some((first.saturating_add(u32::try_from(place).ok()?), page.as_ref()?))
            })
        })
    }

    /// Those from one number on to another.
    pub(super) fn range(&self, range: RangeInclusive<u32>) -> impl Iterator<Item = (u32, &Held)> {
        let (start, end) = (*range.start(), *range.end());
        let groups = self.groups.range(start / GROUP..=end.max(start) / GROUP);
        let numbered = groups.flat_map(|(group, pages)| (group.saturating_mul(GROUP)..).zip(pages.iter()));
        numbered.filter_map(|(no, page)| Some((no, page.as_ref()?))).filter(move |(no, _)| range.contains(no))
    }
}
