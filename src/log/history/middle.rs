//! Items of which a record tells what differs.

use std::rc::Rc;

use super::budget::Budget;
use super::change::Known;
use super::page::{Bytes, Item};

/// What a record tells of an item that was replaced.
#[derive(Clone, Copy)]
pub(super) struct Middle<'a> {
    pub(super) prefix: u32,
    pub(super) suffix: u32,
    pub(super) old: &'a [u8],
    pub(super) new: &'a [u8],
}

impl<'a> Middle<'a> {
    /// The item before and afterwards, if it was known, or if the middle is all of it.
    pub(super) fn around(&self, before: &Item<'a>, budget: &mut Budget) -> (Item<'a>, Item<'a>) {
        if self.prefix == 0 && self.suffix == 0 {
            return (Item::Plain(Bytes::Borrowed(self.old)), Item::Plain(Bytes::Borrowed(self.new)));
        }
        let Item::Plain(bytes) = before else { return (Item::Unknown, Item::Unknown) };
        let [prefix, suffix] = [self.prefix, self.suffix].map(|n| usize::try_from(n).unwrap_or(usize::MAX));
        let parts = bytes.split_at_checked(prefix).and_then(|(head, rest)| {
            let tail = rest.strip_prefix(self.old)?;
            (tail.len() == suffix && budget.afford(bytes.len().saturating_add(self.new.len())))
                .then_some((head, tail))
        });
        match parts {
            Some((head, tail)) => {
                let after = Rc::from([head, self.new, tail].concat());
                (before.clone(), Item::Plain(Bytes::Shared(after)))
            }
            None => (Item::Unknown, Item::Unknown),
        }
    }

    /// What is known of an item that holds a middle.
    pub(super) fn part(&self, middle: &'a [u8]) -> Known<'a> {
        Known::Part { prefix: self.prefix, middle, suffix: self.suffix }
    }
}
