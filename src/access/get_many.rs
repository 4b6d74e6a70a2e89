//! Look-ups side by side.

use std::borrow::Cow;
use std::collections::VecDeque;

use super::btree::leaf::Leaf;
use super::btree::tree::Tree;
use super::database::Database;
use crate::error::Result;
use crate::order::with_order;

/// So many look-ups wait for memory together.
const GROUP: usize = 16;

impl<'a> Database<'a> {
    /// The values of many keys, in the order in which the keys come: as [`get`](Database::get) gives
    /// each, and faster, as several look-ups at a time wait for memory together.
    ///
    /// ```
    /// let db = bdbkit::Database::open("testdata/btree-v6-be-levels/data.db")?;
    /// let keys: Vec<Vec<u8>> = db.iter().flatten().map(|entry| entry.key().to_vec()).collect();
    /// let values: Vec<_> = db.get_many(&keys).collect::<Result<_, _>>()?;
    /// assert!(values.iter().all(Option::is_some));
    /// # Ok::<(), bdbkit::Error>(())
    /// ```
    ///
    /// It reads up to 16 keys ahead of the value that it gives.
    ///
    /// # Errors
    ///
    /// Those of [`get`](Database::get), each in the place of the value.
    pub fn get_many<'d, K: AsRef<[u8]>>(
        &'d self,
        keys: impl IntoIterator<Item = K>,
    ) -> impl Iterator<Item = Result<Option<Cow<'d, [u8]>>>> {
        let mut keys = keys.into_iter().fuse();
        let mut group: VecDeque<(K, Option<Leaf<'d>>)> = VecDeque::with_capacity(GROUP);
        std::iter::from_fn(move || {
            if group.is_empty() {
                group.extend(keys.by_ref().take(GROUP).map(|key| (key, None)));
                self.look_ahead(&mut group);
            }
            let (key, leaf) = group.pop_front()?;
            let found = leaf.and_then(|leaf| {
                let tree = self.plain_tree()?;
                with_order!(tree.pages().order(), O => tree.get_in::<O>(&leaf, key.as_ref()))
            });
            Some(match found {
                Some(item) => item.map(|item| item.read()).transpose(),
                None => self.get(key),
            })
        })
    }

    /// Its tree, if that holds keys as they are.
    fn plain_tree(&self) -> Option<&Tree<'a>> {
        let tree = self.tree("look up keys").ok().filter(|tree| tree.expect_keys().is_ok())?;
        (!tree.meta().flags().compressed()).then_some(tree)
    }

    /// Finds the leaves of some keys, as far as the short way down tells, and asks memory for them.
    fn look_ahead<'d, K: AsRef<[u8]>>(&'d self, group: &mut VecDeque<(K, Option<Leaf<'d>>)>) {
        let Some(tree) = self.plain_tree() else { return };
        with_order!(tree.pages().order(), O => {
            let mut leaves = [None; GROUP];
            for (leaf, (key, _)) in leaves.iter_mut().zip(group.iter()) {
                *leaf = tree.leaf_of::<O>(key.as_ref());
                leaf.iter().for_each(|&no| tree.pages().expect_header(no));
            }
            for (no, (_, leaf)) in leaves.into_iter().zip(group) {
                *leaf = no.and_then(|no| tree.proven_leaf::<O>(no));
            }
        });
    }
}
