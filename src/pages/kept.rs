//! Pages that are made when they are first needed, and kept within a bound of memory.
//!
//! What was given out is borrowed from what keeps it, so nothing is ever thrown away singly:
//! the bound is kept by refusing, and room is made by letting all of it go.

use std::io;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, OnceLock};

use crate::error::Error;
use crate::types::{PageNo, PageSize};

/// Pages by their place among all that there are, each made once.
#[derive(Debug)]
pub(super) struct Kept {
    shelves: Box<[OnceLock<Box<[Slot]>>]>,
    /// Pages on a shelf.
    width: usize,
    size: PageSize,
    /// The first page that could not be made.
    failed: OnceLock<(PageNo, Unread)>,
    /// Bytes of the pages that are kept, and the most that may be.
    bytes: AtomicU64,
    most: u64,
}

type Slot = OnceLock<Result<Box<[u8]>, Unread>>;

/// Why a page is not there.
#[derive(Clone, Debug)]
pub(super) enum Unread {
    /// It could not be made.
    Failed(Arc<io::Error>),
    /// So many bytes are kept already.
    Full(u64),
}

impl Unread {
    /// The error for a page that is not there.
    pub(super) fn error(self, page: PageNo) -> Error {
        match self {
            Unread::Failed(cause) => Error::Read { page, cause },
            Unread::Full(limit) => Error::KeptPages { page, limit },
        }
    }
}

impl Kept {
    /// Room for the pages of a file: shelves are as wide as there are of them.
    pub(super) fn new(count: u32, size: PageSize, most: u64) -> Kept {
        let width = PageNo(count.isqrt()).index().max(1);
        let shelves = PageNo(count).index().div_ceil(width);
        let shelves = (0..shelves).map(|_| OnceLock::new()).collect();
        Kept { shelves, width, size, failed: OnceLock::new(), bytes: AtomicU64::new(0), most }
    }

    /// A page, if it was made already.
    pub(super) fn made(&self, place: usize) -> Option<&[u8]> {
        let shelf = self.shelves.get(place.checked_div(self.width)?)?.get()?;
        shelf.get(place.checked_rem(self.width)?)?.get()?.as_deref().ok()
    }

    /// A page of this number at a place, by `make` if it was not made yet. What failed once fails
    /// again.
    pub(super) fn page(
        &self,
        no: PageNo,
        place: usize,
        make: impl FnOnce(&mut [u8]) -> io::Result<()>,
    ) -> Result<&[u8], Unread> {
        let missing = || Unread::Failed(Arc::new(io::Error::from(io::ErrorKind::UnexpectedEof)));
        let (shelf, slot) = (place.checked_div(self.width), place.checked_rem(self.width));
        let shelf = shelf.and_then(|shelf| self.shelves.get(shelf)).ok_or_else(missing)?;
        let shelf = shelf.get_or_init(|| (0..self.width).map(|_| OnceLock::new()).collect());
        let slot = slot.and_then(|slot| shelf.get(slot)).ok_or_else(missing)?;
        let page = slot.get_or_init(|| {
            let add = |bytes: u64| bytes.checked_add(self.size.get().into()).filter(|&sum| sum <= self.most);
            let taken = self.bytes.fetch_update(Ordering::Relaxed, Ordering::Relaxed, add);
            taken.map_err(|_| Unread::Full(self.most))?;
            let mut page = vec![0; self.size.bytes()].into_boxed_slice();
            make(&mut page).map_err(|error| {
                self.bytes.fetch_sub(self.size.get().into(), Ordering::Relaxed);
                Unread::Failed(Arc::new(error))
            })?;
            Ok(page)
        });
        page.as_deref().map_err(|why| {
            self.failed.get_or_init(|| (no, why.clone()));
            why.clone()
        })
    }

    /// The first page that could not be made, and why.
    pub(super) fn failed(&self) -> Option<&(PageNo, Unread)> {
        self.failed.get()
    }

    /// The most bytes that are kept.
    pub(super) fn most(&self) -> u64 {
        self.most
    }

    /// Bytes of the pages that are kept.
    pub(super) fn bytes(&self) -> u64 {
        self.bytes.load(Ordering::Relaxed)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_page_is_made_once_and_never_beyond_the_bound() {
        let size = PageSize::new(512).unwrap();
        let kept = Kept::new(10, size, 1100);
        let make = |byte| {
            move |page: &mut [u8]| {
                page.fill(byte);
                Ok(())
            }
        };
        assert_eq!(kept.page(PageNo(9), 9, make(1)).unwrap(), [1; 512]);
        assert_eq!(kept.page(PageNo(9), 9, make(2)).unwrap(), [1; 512], "not made again");
        assert_eq!((kept.made(9), kept.made(0), kept.made(99)), (Some(&[1; 512][..]), None, None));
        let broken = |_: &mut [u8]| Err(io::Error::other("broken"));
        assert!(matches!(kept.page(PageNo(0), 0, broken), Err(Unread::Failed(_))));
        assert!(matches!(kept.page(PageNo(0), 0, make(1)), Err(Unread::Failed(_))), "it stays so");
        assert_eq!(kept.bytes(), 512, "what is not there takes no room");
        assert_eq!(kept.page(PageNo(8), 8, make(3)).unwrap(), [3; 512]);
        assert!(matches!(kept.page(PageNo(3), 3, make(1)), Err(Unread::Full(1100))));
        assert!(matches!(kept.page(PageNo(u32::MAX), usize::MAX, make(1)), Err(Unread::Failed(_))));
        assert_eq!(kept.bytes(), 1024);
        assert!(matches!(kept.failed(), Some((PageNo(0), Unread::Failed(_)))));
    }

    #[test]
    fn its_own_room_grows_with_the_root_of_the_number_of_pages() {
        let kept = Kept::new(1 << 20, PageSize::new(512).unwrap(), u64::MAX);
        assert_eq!((kept.shelves.len(), kept.width), (1024, 1024));
        assert_eq!(Kept::new(0, PageSize::new(512).unwrap(), 0).shelves.len(), 0);
    }
}
