//! Chains that were compared with a key.

use std::collections::BTreeSet;

use crate::access::item::Item;
use crate::error::Result;
use crate::key_order::KeyOrder;
use crate::pages::{Content, Pages};
use crate::types::PageNo;

/// First pages of chains that are other keys than the one that is looked for. Many items of a bucket may
/// lead to one chain, in a file that no library wrote: it is read once.
#[derive(Clone, Debug, Default)]
pub(super) struct Others(BTreeSet<PageNo>);

impl Others {
    /// Whether what an item holds is this key.
    ///
    /// # Errors
    ///
    /// Those of a chain, once.
    pub(super) fn is_key(&mut self, pages: &Pages<'_>, content: Content<'_>, key: &[u8]) -> Result<bool> {
        let Content::Chain(chain) = content else {
            return Ok(Item::new(pages, content).compare(key, KeyOrder::Bytes)?.is_eq());
        };
        if PageNo(chain.len).index() != key.len() || !self.0.insert(chain.first) {
            return Ok(false);
        }
        let found = chain.compare(pages, key)?.is_eq();
        if found {
            self.0.remove(&chain.first);
        }
        Ok(found)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::pages::{Chain, File, Place};

    /// What is read a second time would be found to be another file.
    #[test]
    fn a_chain_is_compared_once() {
        let file = std::fs::read("testdata/hash-v9-be-mixed/data.db").unwrap();
        let pages = |bytes: &[u8]| Pages::new(File::from_bytes(bytes.to_vec())).unwrap();
        let (whole, zeroed) = (pages(&file), pages(&[&file[..512], &vec![0; file.len() - 512][..]].concat()));
        let size = whole.size().bytes();
        let first = (1..whole.count())
            .find(|no| {
                let page = &file[usize::try_from(*no).unwrap() * size..][..size];
                page[25] == 7 && page[12..16] == [0; 4] && page[16..20] == [0; 4]
            })
            .unwrap();
        let page = &file[usize::try_from(first).unwrap() * size..][..size];
        let len = u16::from_be_bytes([page[22], page[23]]);
        let chain = Chain { first: PageNo(first), len: len.into(), place: Place::new(PageNo(1), 0) };
        let key = page[26..26 + usize::from(len)].to_vec();
        let other = vec![0xee; usize::from(len)];
        let mut others = Others::default();
        assert!(others.is_key(&zeroed, Content::Chain(chain), &other).is_err());
        assert!(!others.is_key(&zeroed, Content::Chain(chain), &other).unwrap(), "said once");
        let mut others = Others::default();
        assert!(!others.is_key(&whole, Content::Chain(chain), &other).unwrap());
        assert!(!others.is_key(&zeroed, Content::Chain(chain), &other).unwrap(), "not read again");
        let mut others = Others::default();
        for _ in 0..2 {
            assert!(others.is_key(&whole, Content::Chain(chain), &key).unwrap());
        }
        assert!(others.is_key(&whole, Content::Here(b"a"), b"a").unwrap());
        assert!(!others.is_key(&whole, Content::Here(b"a"), b"b").unwrap());
    }
}
