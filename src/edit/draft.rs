//! A file as it will be: the pages that are there, what changes on them, and new pages.

use std::borrow::Cow;
use std::collections::BTreeMap;

use super::bucket;
use super::forms::{Form, Forms};
use super::node::Node;
use super::reason::Reason;
use super::turn::Turn;
use crate::format::checksum;
use crate::format::meta::{self as layout, at};
use crate::format::page::{Page, PageKind};
use crate::journal::{self, PageChange};
use crate::order::with_order;
use crate::pages::{Cipher, Nonce, Overlay, Pages};
use crate::types::{Lsn, PageNo};

/// What changes on a page.
#[derive(Clone, Debug, Default)]
struct Change {
    /// Patches, one behind the other: offset in the page (16 bits), length (8 bits), bytes.
    patches: Vec<u8>,
    reasons: u32,
}

impl Change {
    fn push(&mut self, offset: usize, bytes: &[u8]) {
        let offset = u16::try_from(offset).unwrap_or(u16::MAX);
        self.patches.extend_from_slice(&offset.to_le_bytes());
        self.patches.push(u8::try_from(bytes.len()).unwrap_or(u8::MAX));
        self.patches.extend_from_slice(bytes);
    }

    /// Offsets, and what stands there.
    fn patches(&self) -> impl Iterator<Item = (usize, &[u8])> {
        let mut rest = self.patches.as_slice();
        std::iter::from_fn(move || {
            let ([low, high, len], behind) = rest.split_first_chunk()?;
            let (bytes, behind) = behind.split_at_checked(usize::from(*len))?;
            rest = behind;
            Some((usize::from(u16::from_le_bytes([*low, *high])), bytes))
        })
    }

    /// Whether patches reach into a part of the page.
    fn reaches(&self, from: usize, to: usize) -> bool {
        self.patches().any(|(start, bytes)| start < to && from < start.saturating_add(bytes.len()))
    }

    fn apply(&self, page: &mut [u8]) {
        for (offset, bytes) in self.patches() {
            if let Some(place) = page.get_mut(offset..).and_then(|rest| rest.get_mut(..bytes.len())) {
                place.copy_from_slice(bytes);
            }
        }
    }
}

/// The changes to a file, in memory of the size of the changes.
#[derive(Debug)]
pub(crate) struct Draft<'p> {
    pages: &'p Pages<'p>,
    changes: BTreeMap<PageNo, Change>,
    forms: Forms,
    /// Pages of zeros that are added behind the end, and the nodes behind these.
    zeros: u32,
    appended: Vec<Node>,
    /// How many of the pages that are there stay, and why others do not, one bit for each reason.
    kept: u32,
    cut_for: u32,
    /// The LSN that all pages get.
    lsn: Option<Lsn>,
    /// The byte order that all pages get, last of all.
    turn: Option<Turn>,
    /// What pages that change are encrypted with.
    cipher: Option<Cipher>,
    nonce: Nonce,
    /// Why pages change, one bit for each reason.
    reasons: u32,
}

impl<'p> Draft<'p> {
    pub(crate) fn new(pages: &'p Pages<'p>) -> Self {
        Draft {
            pages,
            changes: BTreeMap::new(),
            forms: Forms::default(),
            zeros: 0,
            appended: Vec::new(),
            kept: pages.count(),
            cut_for: 0,
            lsn: None,
            turn: None,
            cipher: pages.cipher(),
            nonce: fresh_nonce(),
            reasons: 0,
        }
    }

    /// The file as it is.
    pub(crate) fn pages(&self) -> &'p Pages<'p> {
        self.pages
    }

    /// Number of pages afterwards.
    pub(crate) fn count(&self) -> u32 {
        let appended = u32::try_from(self.appended.len()).unwrap_or(u32::MAX);
        self.kept.saturating_add(self.zeros).saturating_add(appended)
    }

    /// Replaces bytes at an offset in a page that is there; those that are equal do not count.
    pub(crate) fn replace(&mut self, no: PageNo, offset: usize, bytes: &[u8], reason: Reason) {
        self.replace_all(no, [(offset, bytes)], reason);
    }

    /// Replaces bytes at several offsets.
    pub(crate) fn replace_all<'b>(
        &mut self,
        no: PageNo,
        parts: impl IntoIterator<Item = (usize, &'b [u8])>,
        reason: Reason,
    ) {
        let Some(raw) = self.pages.raw(no) else { return };
        let change = self.changes.entry(no).or_default();
        for (offset, bytes) in parts {
            // In small pieces: where some bytes are equal, they take no room.
            for (index, new) in bytes.chunks(8).enumerate() {
                let at = offset.saturating_add(index.saturating_mul(8));
                let end = at.saturating_add(new.len());
                if raw.get(at..end) != Some(new) || change.reaches(at, end) {
                    change.push(at, new);
                    change.reasons |= reason.bit();
                    self.reasons |= reason.bit();
                }
            }
        }
        if change.patches.is_empty() {
            self.changes.remove(&no);
        }
    }

    /// Replaces a number of 32 bits, in the order of the file.
    pub(crate) fn replace_u32(&mut self, no: PageNo, offset: usize, number: u32, reason: Reason) {
        let mut word = [0; 4];
        self.pages.order().put_u32(&mut word, 0, number);
        self.replace(no, offset, &word, reason);
    }

    /// Gives a page a form; says whether it was given none before.
    pub(crate) fn reshape(&mut self, no: PageNo, form: Form) -> bool {
        self.reasons |= Reason::of_form(form).bit();
        self.forms.add(no, form, self.pages.count())
    }

    /// Sorts the pairs on a page of a bucket; says whether they can be read.
    pub(crate) fn sort_bucket(&mut self, no: PageNo) -> bool {
        let readable = with_order!(self.pages.order(), O => {
            self.pages.raw(no).and_then(|page| bucket::sorted::<O>(self.pages, page)).is_some()
        });
        if readable {
            self.reshape(no, Form::Bucket);
        }
        readable
    }

    /// Adds pages of zeros at the end of the file, to which nothing else was added yet, so that it
    /// has so many.
    pub(crate) fn lengthen(&mut self, pages: u32) {
        if self.appended.is_empty() && pages > self.count() {
            self.zeros = pages.saturating_sub(self.kept);
            self.reasons |= Reason::Buckets.bit();
        }
    }

    /// Adds an internal page at the end of the file, of which nothing was cut off.
    pub(crate) fn append(&mut self, node: Node) -> PageNo {
        self.reasons |= Reason::Internal.bit();
        let no = PageNo(self.count());
        self.appended.push(node);
        no
    }

    /// Cuts pages off at the end of the file, so that so many stay: the first at least. A file
    /// to which pages are added is not cut.
    #[cfg_attr(not(test), expect(dead_code, reason = "no operation makes files shorter yet"))]
    pub(crate) fn truncate(&mut self, pages: u32, reason: Reason) {
        let pages = pages.max(1);
        if pages < self.kept && self.appended.is_empty() && self.zeros == 0 {
            self.kept = pages;
            self.cut_for |= reason.bit();
            self.reasons |= reason.bit();
        }
    }

    /// Gives all pages that were ever written this LSN.
    pub(crate) fn reset_lsn(&mut self, lsn: Lsn) {
        self.lsn = Some(lsn);
        self.reasons |= Reason::Lsn.bit();
    }

    /// Encrypts pages that change with other keys.
    pub(crate) fn reseal(&mut self, cipher: Cipher) {
        self.cipher = Some(cipher);
    }

    /// Gives all pages that were ever written this byte order.
    ///
    /// # Errors
    ///
    /// The first page on which something does not fit it: it cannot be turned.
    pub(crate) fn turn(&mut self, turn: Turn) -> Result<(), PageNo> {
        for no in (0..self.pages.count()).map(PageNo).filter(|no| !self.was_never_written(*no)) {
            let mut page = self.formed(no).unwrap_or_default();
            turn.apply(self.pages, no, &mut page).ok_or(no)?;
        }
        self.turn = Some(turn);
        self.reasons |= Reason::ByteOrder.bit();
        Ok(())
    }

    /// The first page of the free list, as page 0 will say.
    pub(crate) fn free(&self) -> Option<PageNo> {
        let at = self.pages.meta().at(layout::Field::Free);
        let page = self.image(PageNo::META)?;
        self.pages.order().u32_at(&page, at).and_then(PageNo::link)
    }

    /// A page as it will be, but for what all pages get; `None` if it will not be there.
    fn formed(&self, no: PageNo) -> Option<Vec<u8>> {
        if no.0 >= self.count() {
            return None;
        }
        let mut page = match self.pages.raw(no).filter(|_| no.0 < self.kept) {
            Some(raw) => raw.to_vec(),
            None => match self.behind_zeros(no) {
                Some(index) => self.appended.get(index)?.image(self.pages, no)?,
                None => return Some(vec![0; self.pages.size().bytes()]),
            },
        };
        if let Some(change) = self.changes.get(&no) {
            change.apply(&mut page);
        }
        if let Some(form) = self.forms.of(no) {
            form.apply(self.pages, &mut page);
        }
        Some(page)
    }

    /// A page as it will be; `None` if it will not be there.
    pub(crate) fn image(&self, no: PageNo) -> Option<Vec<u8>> {
        let mut page = self.formed(no)?;
        if no.0 >= self.kept && self.behind_zeros(no).is_none() {
            // A page that was never written has no LSN, and no checksum.
            return Some(page);
        }
        let order = self.turn.map_or(self.pages.order(), |turn| turn.to);
        if let Some(turn) = self.turn.filter(|_| self.turns(no)) {
            // That all pages can be turned was seen before they were to be.
            turn.apply(self.pages, no, &mut page);
        }
        if let Some(lsn) = self.lsn.filter(|_| !self.is_hole(no)) {
            order.put_u32(&mut page, 0, lsn.file);
            order.put_u32(&mut page, 4, lsn.offset);
        }
        if let Some(cipher) = self.cipher {
            if !self.was_never_written(no) {
                cipher.seal(&mut page, self.pages.number_to_seal(no), &self.nonce);
            }
            return Some(page);
        }
        if self.pages.meta().checksummed() && self.pages.raw(no) != Some(&page) && !self.is_unsummed(no) {
            let field = if self.is_metadata(no) { checksum::ON_META } else { checksum::ON_PAGE };
            let covered = if self.is_metadata(no) { layout::LENGTH } else { page.len() };
            let sum = checksum::sum(page.get(..covered).unwrap_or_default(), field);
            order.put_u32(&mut page, field, sum);
        }
        Some(page)
    }

    /// All pages as they will be, by number.
    pub(super) fn images(&self) -> impl Iterator<Item = Cow<'_, [u8]>> {
        (0..self.count()).map(PageNo).map(|no| {
            match self.pages.stored(no).filter(|_| !self.changes_page(no)) {
                Some(raw) => Cow::Borrowed(raw),
                None => Cow::Owned(self.image(no).unwrap_or_default()),
            }
        })
    }

    /// The file as it will be, of which the pages that change are made when they are read.
    pub(crate) fn over(&self) -> Overlay<'_> {
        Overlay::new(self.pages, self.count(), self.touched(), |no| self.image(no))
    }

    /// The whole file as it will be.
    pub(super) fn file(&self) -> Vec<u8> {
        let mut file = Vec::new();
        self.images().for_each(|image| file.extend_from_slice(&image));
        file
    }

    /// The place of a page among the nodes that are added; `None` for a page of zeros.
    fn behind_zeros(&self, no: PageNo) -> Option<usize> {
        no.index().checked_sub(PageNo(self.kept.saturating_add(self.zeros)).index())
    }

    /// A page that was allocated and never written keeps its zeros.
    fn is_hole(&self, no: PageNo) -> bool {
        let raw = self.pages.raw(no).filter(|_| no != PageNo::META || self.pages.is_extent());
        raw.is_some_and(|raw| raw.iter().all(|&byte| byte == 0))
    }

    /// A page that was allocated and never written, whatever stands on it behind its header: nobody
    /// looks there.
    fn was_never_written(&self, no: PageNo) -> bool {
        let page = self.pages.raw(no).and_then(Page::<byteorder::LittleEndian>::new);
        let behind = no != PageNo::META || self.pages.is_extent();
        behind && page.is_some_and(|page| page.is_hole())
    }

    /// A page of an extent without a checksum, as release 4.1 leaves them.
    fn is_unsummed(&self, no: PageNo) -> bool {
        let stored = self.pages.raw(no).and_then(|page| self.pages.order().u32_at(page, checksum::ON_PAGE));
        self.turn.is_some() && self.pages.is_extent() && stored == Some(0)
    }

    fn is_metadata(&self, no: PageNo) -> bool {
        if self.pages.is_extent() {
            return false;
        }
        let kind =
            self.pages.raw(no).and_then(|raw| raw.get(at::TYPE)).and_then(|&byte| PageKind::from_byte(byte));
        no == PageNo::META || matches!(kind, Some(PageKind::BtreeMeta | PageKind::HashMeta))
    }

    /// The pages that change, by number; page 0 first, those that are added or cut off last.
    pub(crate) fn touched(&self) -> impl Iterator<Item = PageNo> + '_ {
        let any = self.lsn.is_some() || self.turn.is_some() || !self.forms.is_empty();
        let every = if any { 0..self.kept } else { 0..0 };
        let some = self.changes.keys().copied().filter(move |no| !any && no.0 < self.kept);
        every
            .map(PageNo)
            .filter(|no| self.changes_page(*no))
            .chain(some)
            .chain(self.added())
            .chain(self.cut())
    }

    /// The pages that are added.
    fn added(&self) -> impl Iterator<Item = PageNo> + use<> {
        (self.pages.count()..self.count()).map(PageNo)
    }

    /// The pages that are cut off.
    fn cut(&self) -> impl ExactSizeIterator<Item = PageNo> + use<> {
        (self.kept..self.pages.count()).map(PageNo)
    }

    /// The pages that change, with their images: new ones first, those that are cut off and then
    /// page 0 last.
    pub(crate) fn changes(&self) -> impl Iterator<Item = PageChange<'_>> {
        let modified = self.touched().filter(|no| no.0 != 0 && no.0 < self.kept);
        let order = self.added().chain(modified).chain(self.cut()).chain([PageNo::META]);
        order.map(|page| {
            let before = self.pages.stored(page).map(Cow::Borrowed);
            PageChange { page, before, after: self.image(page).map(Cow::Owned) }
        })
    }

    /// Whether nothing changes but page 0, and that can be read by itself.
    pub(crate) fn is_head_only(&self) -> bool {
        self.cipher.is_none() && self.touched().all(|no| no == PageNo::META)
    }

    /// Whether nothing changes.
    pub(crate) fn is_empty(&self) -> bool {
        self.touched().next().is_none()
    }

    /// Number of pages that are there, stay, and change.
    pub(crate) fn modified(&self) -> u32 {
        u32::try_from(self.touched().filter(|no| no.0 < self.kept).count()).unwrap_or(u32::MAX)
    }

    /// Number of pages that are cut off.
    pub(crate) fn removed(&self) -> u32 {
        self.pages.count().saturating_sub(self.kept)
    }

    /// Number of pages that are added.
    pub(crate) fn appended(&self) -> u32 {
        self.count().saturating_sub(self.pages.count())
    }

    /// Whether a page changes.
    pub(crate) fn changes_page(&self, no: PageNo) -> bool {
        no.0 >= self.kept
            || self.forms.has(no)
            || self.changes.contains_key(&no)
            || self.resets_lsn(no)
            || self.turns(no)
    }

    /// Whether a page gets another byte order.
    fn turns(&self, no: PageNo) -> bool {
        self.turn.is_some() && !self.was_never_written(no)
    }

    /// Whether a page gets another LSN than it has.
    fn resets_lsn(&self, no: PageNo) -> bool {
        let Some(lsn) = self.lsn.filter(|_| !self.is_hole(no)) else { return false };
        let order = self.pages.order();
        let stored = self.pages.raw(no).map(|raw| [order.u32_at(raw, 0), order.u32_at(raw, 4)]);
        stored != Some([Some(lsn.file), Some(lsn.offset)])
    }

    /// Whether pages change for other reasons than these.
    pub(super) fn goes_beyond(&self, reasons: &[Reason]) -> bool {
        let allowed = reasons.iter().fold(0, |bits, reason| bits | reason.bit());
        self.reasons & !allowed != 0
    }

    /// Why a page changes, one bit for each reason.
    pub(crate) fn reasons(&self, no: PageNo) -> u32 {
        if no.0 >= self.kept {
            let added = if self.behind_zeros(no).is_some() { Reason::Internal } else { Reason::Buckets };
            return if no.0 < self.pages.count() { self.cut_for } else { added.bit() };
        }
        let form = self.forms.of(no).map_or(0, |form| Reason::of_form(form).bit());
        let lsn = if self.resets_lsn(no) { Reason::Lsn.bit() } else { 0 };
        let turn = if self.turns(no) { Reason::ByteOrder.bit() } else { 0 };
        self.changes.get(&no).map_or(0, |change| change.reasons) | form | lsn | turn
    }
}

/// What makes the initialisation vectors of pages.
fn fresh_nonce() -> Nonce {
    let mut bytes = [0; 16];
    let chance = [journal::random(), journal::random()].into_iter().flat_map(u64::to_le_bytes);
    bytes.iter_mut().zip(chance).for_each(|(place, byte)| *place = byte);
    Nonce::of(bytes)
}
