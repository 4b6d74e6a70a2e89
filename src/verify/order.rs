//! Comparing keys and duplicates, which may stand in overflow chains.

use std::cmp::Ordering;
use std::sync::atomic::{AtomicU64, Ordering as Memory};

use byteorder::ByteOrder;

use super::page::Held;
use crate::error::file_bytes;
use crate::format::page::{Page, PageKind};
use crate::pages::Pages;
use crate::types::PageNo;

/// Compares items bytewise, the order of databases without a comparison of their own.
///
/// Long items are compared page by page. All comparisons together may read each byte of
/// the file a few times, not more: chains that many items refer to would take for ever.
pub(super) struct Comparer<'a> {
    pages: &'a Pages<'a>,
    budget: AtomicU64,
    /// Comparisons that were not made, because the budget was spent.
    left_out: AtomicU64,
}

/// How often all comparisons together may read each byte of the file.
///
/// A key is compared with its two neighbours, with one of each page above it if it is the
/// first or the last there, and as a key of a page with those below. Where every chain
/// belongs to one item, so that no two in order are the same, that is less often in trees of
/// up to ten levels: none that a genuine release made has more.
const READS: u64 = 32;

impl<'a> Comparer<'a> {
    pub(super) fn new(pages: &'a Pages<'a>) -> Comparer<'a> {
        let size = file_bytes(pages.count(), pages.size());
        Comparer { pages, budget: AtomicU64::new(size.saturating_mul(READS)), left_out: AtomicU64::new(0) }
    }

    /// How many comparisons were not made, because all together would have taken too long.
    pub(super) fn left_out(&self) -> u64 {
        self.left_out.load(Memory::Relaxed)
    }

    /// How two items compare; `None` where one of them cannot be read, which other checks
    /// report.
    pub(super) fn compare<O: ByteOrder>(&self, a: Held<'_>, b: Held<'_>) -> Option<Ordering> {
        if let (Held::Plain(a), Held::Plain(b)) = (a, b) {
            return Some(a.cmp(b));
        }
        if a == b {
            return Some(Ordering::Equal); // one chain: what is wrong with it is found elsewhere
        }
        let (mut a, mut b) = (self.bytes::<O>(a)?, self.bytes::<O>(b)?);
        let (mut left, mut right): (&[u8], &[u8]) = (&[], &[]);
        loop {
            if left.is_empty() {
                left = a.next().unwrap_or_default();
            }
            if right.is_empty() {
                right = b.next().unwrap_or_default();
            }
            if left.is_empty() || right.is_empty() {
                let whole = a.left == 0 && b.left == 0;
                return whole.then(|| left.len().cmp(&right.len()));
            }
            let len = left.len().min(right.len());
            let ((x, rest_x), (y, rest_y)) = (left.split_at_checked(len)?, right.split_at_checked(len)?);
            match x.cmp(y) {
                Ordering::Equal => (left, right) = (rest_x, rest_y),
                unequal => return Some(unequal),
            }
            self.spend(len)?;
        }
    }

    /// An item as a whole; `None` if it cannot be read, or not once more.
    pub(super) fn whole<O: ByteOrder>(&self, held: Held<'_>) -> Option<Vec<u8>> {
        let mut pieces = self.bytes::<O>(held)?;
        let mut whole = Vec::new();
        for piece in pieces.by_ref() {
            self.spend(piece.len())?;
            whole.extend_from_slice(piece);
        }
        (pieces.left == 0).then_some(whole)
    }

    /// The first bytes of an item, at most so many.
    pub(super) fn head<O: ByteOrder>(&self, held: Held<'_>, most: usize) -> Option<Vec<u8>> {
        let mut head = Vec::new();
        let mut pieces = self.bytes::<O>(held)?;
        while head.len() < most {
            let Some(piece) = pieces.next() else { break };
            let take = piece.len().min(most.saturating_sub(head.len()));
            head.extend_from_slice(piece.get(..take)?);
        }
        Some(head)
    }

    /// Counts bytes as read; `None` if too many were.
    pub(super) fn spend(&self, bytes: usize) -> Option<()> {
        let cost = u64::try_from(bytes).unwrap_or(u64::MAX);
        let spend = |left: u64| left.checked_sub(cost);
        let spent = self.budget.fetch_update(Memory::Relaxed, Memory::Relaxed, spend);
        if spent.is_err() {
            // What is left would be enough for shorter items only.
            self.budget.store(0, Memory::Relaxed);
            self.left_out.fetch_add(1, Memory::Relaxed);
        }
        spent.ok().map(drop)
    }

    fn bytes<'b, O: ByteOrder>(&'b self, held: Held<'b>) -> Option<Bytes<'b, O>> {
        let none = |left| Bytes {
            pages: self.pages,
            plain: None,
            next: None,
            whole: left,
            skip: 0,
            left,
            order: std::marker::PhantomData,
        };
        Some(match held {
            Held::Plain(bytes) => Bytes { plain: Some(bytes), ..none(0) },
            Held::Chain { first, len } => Bytes { next: Some(first), ..none(len) },
            Held::Part { first, whole, skip, len } => Bytes { next: Some(first), whole, skip, ..none(len) },
            Held::Duplicates(_) | Held::External(_) => return None,
        })
    }
}

/// The bytes of an item, page by page, as far as they can be read.
struct Bytes<'a, O> {
    pages: &'a Pages<'a>,
    plain: Option<&'a [u8]>,
    next: Option<PageNo>,
    /// Bytes of the chain that are still to come, and how many of them come before the item.
    whole: u32,
    skip: u32,
    /// Bytes of the item that are still to come.
    left: u32,
    order: std::marker::PhantomData<O>,
}

impl<'a, O: ByteOrder> Iterator for Bytes<'a, O> {
    type Item = &'a [u8];

    fn next(&mut self) -> Option<&'a [u8]> {
        if let Some(plain) = self.plain.take() {
            return Some(plain);
        }
        loop {
            let no = self.next.filter(|_| self.left > 0)?;
            let page = self.pages.raw(no).and_then(Page::<O>::new)?;
            let overflow = PageKind::from_byte(page.type_byte()) == Some(PageKind::Overflow);
            let data = page.bytes().get(self.pages.overhead()..)?.get(..page.hf_offset().into())?;
            let len =
                u32::try_from(data.len()).ok().filter(|&len| overflow && len > 0 && len <= self.whole)?;
            self.whole = self.whole.saturating_sub(len);
            self.next = PageNo::link(page.next());
            let skipped = self.skip.min(len);
            self.skip = self.skip.saturating_sub(skipped);
            let data = data.get(PageNo(skipped).index()..)?;
            let data = data.get(..data.len().min(PageNo(self.left).index()))?;
            if !data.is_empty() {
                self.left = self.left.saturating_sub(u32::try_from(data.len()).unwrap_or(u32::MAX));
                return Some(data);
            }
        }
    }
}
