//! The kinds of tree in a file: which pages they are made of.

use super::page::Meta;
use crate::format::page::PageKind;
use crate::method::Method;

/// What a tree is made of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Shape {
    /// Kind of its internal pages; `None` for a chain of leaves without any.
    pub(crate) internal: Option<PageKind>,
    /// Kind of its leaves.
    pub(crate) leaf: PageKind,
    /// Whether internal items count the records below them.
    pub(crate) counted: bool,
}

impl Shape {
    /// The tree of a database.
    pub(crate) fn of(meta: &Meta) -> Shape {
        match meta.method() {
            Method::Recno => Shape::records(),
            _ => Shape {
                internal: Some(PageKind::BtreeInternal),
                leaf: PageKind::BtreeLeaf,
                counted: meta.flags().record_numbers(),
            },
        }
    }

    /// The off-page duplicates of a key (database-format, "Off-page duplicates").
    pub(crate) fn of_duplicates(meta: &Meta) -> Shape {
        if !meta.duplicate_trees() {
            Shape { internal: None, leaf: PageKind::Duplicate, counted: false }
        } else if meta.flags().sorted_duplicates() {
            Shape { internal: Some(PageKind::BtreeInternal), leaf: PageKind::DuplicateLeaf, counted: true }
        } else {
            Shape::records()
        }
    }

    /// The same, where the root is of this kind: the genuine upgrades can say that those of a HASH
    /// are sorted, and build trees of unsorted ones (upgrade-other, "6 → 7: every page of type 2, by
    /// type byte").
    pub(crate) fn of_duplicates_at(meta: &Meta, root: Option<PageKind>) -> Shape {
        let unsorted = matches!(root, Some(PageKind::RecnoLeaf | PageKind::RecnoInternal));
        match meta.method() {
            Method::Hash if unsorted && meta.duplicate_trees() => Shape::records(),
            _ => Shape::of_duplicates(meta),
        }
    }

    fn records() -> Shape {
        Shape { internal: Some(PageKind::RecnoInternal), leaf: PageKind::RecnoLeaf, counted: true }
    }

    /// Whether counts include deleted items: record numbers stay, duplicates and
    /// pairs do not.
    pub(crate) fn counts_deleted(self) -> bool {
        self.leaf == PageKind::RecnoLeaf
    }

    /// Whether the total on the root may include deleted items where no other count does:
    /// so releases from 3.1 on leave sorted duplicates that they upgrade.
    pub(crate) fn total_may_count_deleted(self) -> bool {
        self.leaf == PageKind::DuplicateLeaf
    }
}
