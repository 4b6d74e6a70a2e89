//! The version 6 parity defect: keys in the opposite byte order (database-format, "The
//! version-6 parity defect").

use byteorder::ByteOrder;

use super::chain::{self, Chain, Pieces};
use super::content::Content;
use super::place::Place;
use super::space::Pages;
use crate::format::item::{self, DELETED, KEYDATA, KEYDATA_HEAD, OVERFLOW};
use crate::format::page::slot;
use crate::types::PageNo;

/// The keys of a version 6 leaf that an even number of slots share.
#[derive(Debug)]
pub(crate) struct Reversible {
    /// Their offsets, ascending.
    keys: Vec<u16>,
    /// The offsets of all items, ascending.
    items: Vec<u16>,
}

impl Reversible {
    /// Those of a leaf; `None`, as nearly always, if it has none.
    pub(crate) fn of<O: ByteOrder>(index: &[u8]) -> Option<Reversible> {
        let slots = || index.chunks_exact(4).map(|pair| slot::<O>(pair, 0));
        if !slots().zip(slots().skip(1)).any(|(key, next)| key == next) {
            return None;
        }
        let mut keys = Vec::new();
        let (mut run, mut last) = (0u16, None);
        for key in slots().chain([None]) {
            if run > 0 && key == last {
                run = run.wrapping_add(1);
                continue;
            }
            if run > 0 && run & 1 == 0 {
                keys.extend(last);
            }
            (run, last) = (1, key);
        }
        if keys.is_empty() {
            return None;
        }
        let mut items: Vec<u16> = index.chunks_exact(2).filter_map(|raw| slot::<O>(raw, 0)).collect();
        keys.sort_unstable();
        items.sort_unstable();
        Some(Reversible { keys, items })
    }

    /// The key item at an offset of the page, if it stands in the opposite byte order.
    pub(crate) fn key<'a, O: ByteOrder>(
        &self,
        pages: &'a Pages<'a>,
        page: &'a [u8],
        place: Place,
        offset: usize,
    ) -> Option<Content<'a>> {
        let space = self.space(offset, page.len())?;
        let item = page.get(offset..)?;
        match item::type_byte(item)? & !DELETED {
            KEYDATA => {
                let len = item::len::<O>(item)?;
                let fills = |len: u16| item::padded(KEYDATA_HEAD.saturating_add(len.into())) == space;
                if fills(len) || !fills(len.swap_bytes()) {
                    return None;
                }
                item::keydata(item, len.swap_bytes()).map(Content::Here)
            }
            OVERFLOW => {
                let (first, len) = item::reference::<O>(item)?;
                let chain = Chain { first: PageNo(first), len, place };
                let reversed = Chain { first: PageNo(first.swap_bytes()), len: len.swap_bytes(), place };
                let plausible = |chain| Pieces::new(pages, chain).next().is_some_and(|p| p.is_ok());
                let whole = |chain: Chain| {
                    pages.chain_length(chain.first, |first| chain::length(pages, first))
                        == Some(u64::from(chain.len))
                };
                let wrong = plausible(reversed) && (!plausible(chain) || !whole(chain));
                wrong.then_some(Content::Chain(reversed))
            }
            _ => None,
        }
    }

    /// The space of a key item of these: up to the next item or the end of the page.
    fn space(&self, offset: usize, end: usize) -> Option<usize> {
        let key = u16::try_from(offset).ok().filter(|key| self.keys.binary_search(key).is_ok())?;
        let next = self.items.get(self.items.partition_point(|&item| item <= key));
        next.map_or(end, |&next| next.into()).checked_sub(offset)
    }
}
