//! An encrypted file, all pages decrypted: also those whose code is wrong, of which the greater
//! part may be as it was.

use super::geometry::{Forced, Geometry};
use crate::error::Error;
use crate::format::page::{PageKind, at};
use crate::format::seal::is_metadata;
use crate::meta::DatabaseKind;
use crate::pages::{Cipher, Extent};
use crate::types::{PageNo, PageSize};

/// Pages that are asked whether keys open them, before all are.
const SAMPLE: usize = 64;

/// A copy of a file and of those beside it, each page opened.
#[derive(Debug)]
pub(super) struct Opened {
    pub(super) bytes: Vec<u8>,
    pub(super) extents: Vec<Extent<'static>>,
    page_size: PageSize,
    /// Pages of the file whose code is wrong, by their places.
    wrong: Vec<PageNo>,
}

impl Opened {
    /// Opens all pages, if keys are found that open one: the code of a page cannot fit by accident,
    /// so it proves the keys, and the size of pages, too.
    pub(super) fn of(
        bytes: &[u8],
        extents: &[Extent<'static>],
        kind: Option<&DatabaseKind>,
        ciphers: [Cipher; 2],
        forced: Forced,
    ) -> Option<Opened> {
        let stated = kind.and_then(|kind| kind.page_size);
        let sizes = || (9..=16).filter_map(|bits| PageSize::new(1 << bits));
        let mut sizes: Vec<PageSize> =
            sizes().filter(|size| forced.page_size.is_none_or(|s| s == *size)).collect();
        sizes.sort_by_key(|size| Some(*size) != stated);
        let segments = || std::iter::once(bytes).chain(extents.iter().map(Extent::bytes));
        let proven = |sample: usize| {
            sizes.iter().find_map(|&size| {
                let found =
                    |cipher: &&Cipher| segments().any(|segment| opens_one(cipher, segment, size, sample));
                ciphers.iter().find(found).map(|cipher| (*cipher, size))
            })
        };
        // Where nothing says that the file is encrypted, a sample must do.
        let encrypted = kind.is_none_or(|kind| kind.encrypted);
        let by_magic = || {
            let (kind, size) = (kind?, forced.page_size.or(stated)?);
            let shows = |cipher: &&Cipher| cipher.shows_magic(bytes, kind.order);
            ciphers.iter().find(shows).map(|cipher| (*cipher, size))
        };
        let found = proven(SAMPLE).or_else(by_magic);
        let (cipher, page_size) = found.or_else(|| if encrypted { proven(usize::MAX) } else { None })?;
        let open = |segment: &[u8], is_main: bool| {
            let (mut copy, mut wrong) = (segment.to_vec(), Vec::new());
            for (place, page) in copy.chunks_mut(page_size.bytes()).enumerate() {
                let no = number(page, place, is_main && kind.is_some());
                if !cipher.open(page, no) {
                    wrong.extend(u32::try_from(place).map(PageNo));
                }
            }
            (copy, wrong)
        };
        let extents = extents.iter().map(|extent| extent.with(open(extent.bytes(), false).0)).collect();
        let (bytes, wrong) = open(bytes, true);
        Some(Opened { bytes, extents, page_size, wrong })
    }

    /// The pages whose code is wrong, by the numbers that they have in a file so divided.
    pub(super) fn wrong(&self, geometry: Geometry) -> impl Iterator<Item = Error> {
        self.wrong.iter().filter_map(move |&place| {
            let page = raw(&self.bytes, place.index(), self.page_size)?;
            let no = PageNo(place.0.saturating_add(geometry.first_page().0));
            Cipher::check(page, no).err()
        })
    }

    /// What is known of the copy.
    pub(super) fn forced(&self, forced: Forced) -> Forced {
        Forced { page_size: forced.page_size.or(Some(self.page_size)), opened: true, ..forced }
    }
}

/// A number for a page that tells how it is sealed: the first page of a database is one of metadata
/// whatever its type, others are what their type says.
fn number(page: &[u8], place: usize, is_main: bool) -> PageNo {
    let kind = page.get(at::TYPE).copied().and_then(PageKind::from_byte);
    let is_first = place == 0 && (is_main || kind.is_some_and(is_metadata));
    if is_first { PageNo::META } else { PageNo(1) }
}

/// Whether keys open one of the pages, among `sample` from all over a file.
fn opens_one(cipher: &Cipher, bytes: &[u8], size: PageSize, sample: usize) -> bool {
    let pages = bytes.len().div_ceil(size.bytes());
    let step = pages.checked_div(sample).unwrap_or(0).max(1);
    let some = bytes.chunks(size.bytes()).enumerate().step_by(step);
    some.into_iter().any(|(place, page)| {
        cipher.fits(page, number(page, place, true)) || place == 0 && cipher.fits(page, PageNo(1))
    })
}

fn raw(bytes: &[u8], place: usize, size: PageSize) -> Option<&[u8]> {
    let rest = bytes.get(place.checked_mul(size.bytes())?..)?;
    Some(rest.get(..size.bytes()).unwrap_or(rest))
}
