//! Asking memory for pages that are read soon. It is a hint: what is read is the same without it.

use byteorder::ByteOrder;

use super::space::Pages;
use crate::format::page::{Page, slot_offset};
use crate::types::PageNo;

/// Bytes of memory that come together.
const LINE: usize = 64;

impl Pages<'_> {
    /// Asks memory for the header of a page, if it stands in the file as it is.
    #[inline]
    pub(crate) fn expect_header(&self, no: PageNo) {
        if let Some(bytes) = self.standing(no) {
            expect(bytes, 0);
        }
    }

    /// Asks memory for the index and the items of a page, where its header says that they stand.
    /// The header should be there by now: it is read.
    #[inline]
    pub(crate) fn expect_items<O: ByteOrder>(&self, no: PageNo) {
        let Some(page) = self.standing(no).and_then(Page::<O>::new) else { return };
        let (bytes, end) = (page.bytes(), page.bytes().len());
        let index = slot_offset(self.overhead(), page.entries()).min(end);
        let items = page.item_area().clamp(index, end) & !(LINE - 1);
        for at in (LINE..index).step_by(LINE).chain((items.max(LINE)..end).step_by(LINE)) {
            expect(bytes, at);
        }
    }
}

/// Asks for the line with a byte, and does not wait for it.
#[cfg(target_arch = "x86_64")]
#[allow(unsafe_code)]
#[inline(always)]
pub(crate) fn expect(bytes: &[u8], at: usize) {
    use std::arch::x86_64::{_MM_HINT_T0, _mm_prefetch};
    if let Some(byte) = bytes.get(at) {
        // SAFETY: every x86-64 has the instruction, and it changes nothing that a program can see,
        // whatever the address; this one is that of a byte that is borrowed.
        unsafe { _mm_prefetch::<_MM_HINT_T0>(std::ptr::from_ref(byte).cast()) }
    }
}

/// Other processors find out by themselves, or wait.
#[cfg(not(target_arch = "x86_64"))]
#[inline(always)]
pub(crate) fn expect(_: &[u8], _: usize) {}
