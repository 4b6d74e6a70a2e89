//! The databases of a file: their metadata pages, and which leaf belongs to which.

use byteorder::ByteOrder;

use super::choices::Choices;
use super::profile::Duplicates;
use super::sorting;
use crate::access::Database;
use crate::edit::{Refusal, Result};
use crate::format::item;
use crate::format::meta::Field;
use crate::format::page::{Page, PageKind};
use crate::meta::{Flags, Meta};
use crate::method::Method;
use crate::pages::Pages;
use crate::types::PageNo;

/// A leaf that no database leads to.
const NONE: u16 = u16::MAX;

/// The databases of a file, the list of them first if there are several.
#[derive(Debug)]
pub(super) struct Databases {
    all: Vec<Known>,
    /// For each page, the database whose leaf it is.
    owners: Vec<u16>,
    /// The choice for pages that nothing leads to.
    default: bool,
}

#[derive(Debug)]
struct Known {
    name: Option<Vec<u8>>,
    meta: Meta,
    /// Leaves of a BTREE, in the order of the tree.
    leaves: Vec<PageNo>,
    sorted: bool,
}

impl Databases {
    /// Finds all databases and their leaves. The structure of the file was checked.
    pub(super) fn find<O: ByteOrder>(file: &Database<'_>) -> Result<Self> {
        let pages = file.pages();
        let mut all = vec![Known::new::<O>(pages, None, file.meta())?];
        for found in file.subdatabases() {
            let found = found?;
            all.push(Known::new::<O>(pages, Some(found.name().to_vec()), found.meta())?);
        }
        let mut owners = vec![NONE; PageNo(pages.count()).index()];
        for (index, known) in (0u16..NONE).zip(&all) {
            for leaf in &known.leaves {
                owners.iter_mut().skip(leaf.index()).take(1).for_each(|owner| *owner = index);
            }
        }
        Ok(Databases { all, owners, default: false })
    }

    /// Decides for every database whether its duplicates are sorted. The genuine tools have
    /// one choice for a file.
    pub(super) fn decide<O: ByteOrder>(&mut self, pages: &Pages<'_>, choices: &Choices) -> Result<()> {
        let general = choices.duplicates;
        if choices.profile.is_genuine() {
            self.default = sorted::<O>(pages, general, &self.all)?;
            self.all.iter_mut().for_each(|known| known.sorted = self.default);
            return Ok(());
        }
        for known in &mut self.all {
            let named = choices.duplicates_of.iter().rfind(|(name, _)| Some(name) == known.name.as_ref());
            let choice = named.map_or(general, |(_, choice)| *choice);
            known.sorted = sorted::<O>(pages, choice, std::slice::from_ref(known))?;
        }
        Ok(())
    }

    /// All BTREE and RECNO metadata pages.
    pub(super) fn metadata_pages(&self) -> impl Iterator<Item = PageNo> + '_ {
        self.metadata_with_order().map(|(no, _)| no)
    }

    /// The same, and whether duplicates are taken as sorted.
    pub(super) fn metadata_with_order(&self) -> impl Iterator<Item = (PageNo, bool)> + '_ {
        let btree = self.all.iter().filter(|known| known.meta.method() != Method::Hash);
        btree.map(|known| (known.meta.page(), known.sorted))
    }

    /// Metadata pages of version 8 that say sorted where there are no duplicates, as the
    /// genuine tools leave them: where the flags stand, and what they should be.
    pub(super) fn needless_sorting(&self) -> impl Iterator<Item = (PageNo, usize, u32)> + '_ {
        let needless = |known: &&Known| {
            let flags = known.meta.flags();
            known.meta.method() != Method::Hash
                && known.meta.version() == 8
                && flags.sorted_duplicates()
                && !flags.duplicates()
        };
        self.all.iter().filter(needless).map(|known| {
            let flags = known.meta.flags().bits() & !Flags::SORTED;
            (known.meta.page(), known.meta.at(Field::Flags), flags)
        })
    }

    /// The newest version that one of them has.
    pub(super) fn newest_version(&self) -> u32 {
        self.all.iter().map(|known| known.meta.version()).max().unwrap_or(0)
    }

    /// A page of a HASH database, if there is one.
    pub(super) fn hash(&self) -> Option<PageNo> {
        self.all.iter().find(|known| known.meta.method() == Method::Hash).map(|known| known.meta.page())
    }

    /// Leaves of the list of databases.
    pub(super) fn list_leaves(&self) -> &[PageNo] {
        match self.all.first() {
            Some(list) if list.meta.flags().several_databases() => &list.leaves,
            _ => &[],
        }
    }

    /// Leaves of all databases.
    pub(super) fn leaves(&self) -> impl Iterator<Item = PageNo> + '_ {
        self.all.iter().flat_map(|known| known.leaves.iter().copied())
    }

    /// Whether off-page duplicates are possible.
    pub(super) fn may_have_chains(&self) -> bool {
        self.all.iter().any(|known| known.meta.flags().duplicates())
    }

    /// Whether the duplicates on a leaf are sorted; `None` if no database has the leaf.
    pub(super) fn sorted(&self, leaf: PageNo) -> Option<bool> {
        let owner = self.owners.get(leaf.index()).filter(|&&owner| owner != NONE)?;
        self.all.get(usize::from(*owner)).map(|known| known.sorted)
    }

    /// Whether the genuine tools take the duplicates of the file as sorted.
    pub(super) fn sorted_by_default(&self) -> bool {
        self.default
    }

    /// Names and choices, for the report: databases with duplicates only.
    pub(super) fn choices(&self) -> impl Iterator<Item = (Option<&[u8]>, bool)> {
        let with = self.all.iter().filter(|known| known.meta.flags().duplicates());
        with.map(|known| (known.name.as_deref(), known.sorted))
    }
}

impl Known {
    fn new<O: ByteOrder>(pages: &Pages<'_>, name: Option<Vec<u8>>, meta: &Meta) -> Result<Known> {
        let btree = meta.method() == Method::Btree;
        let leaves = match meta.root().filter(|_| btree) {
            Some(root) => leaves::<O>(pages, root)?,
            None => Vec::new(),
        };
        Ok(Known { name, meta: meta.clone(), leaves, sorted: false })
    }
}

/// Whether the duplicates of databases that share a choice are taken as sorted.
fn sorted<O: ByteOrder>(pages: &Pages<'_>, choice: Duplicates, databases: &[Known]) -> Result<bool> {
    let with = databases.iter().filter(|known| known.meta.flags().duplicates());
    let mut checks = with.map(|known| sorting::check::<O>(pages, &known.leaves));
    Ok(match choice {
        Duplicates::Unsorted => false,
        Duplicates::SortedUnchecked => true,
        Duplicates::Sorted => checks.try_for_each(|check| check.map(drop)).map(|()| true)?,
        Duplicates::Auto => checks.collect::<Result<Vec<_>>>().is_ok_and(|several| several.contains(&true)),
    })
}

/// The leaves of a tree, in its order.
fn leaves<O: ByteOrder>(pages: &Pages<'_>, root: PageNo) -> Result<Vec<PageNo>> {
    let mut leaves = Vec::new();
    let mut stack = vec![root];
    // Sound trees lead to each page once: this only ends what is none.
    let mut left = pages.count();
    while let Some(no) = stack.pop() {
        let page = pages.raw(no).and_then(Page::<O>::new).filter(|_| left > 0);
        let Some(page) = page else {
            return Err(Refusal::Unreadable { first: format!("page {no} has no place in the tree") }.into());
        };
        left = left.saturating_sub(1);
        if PageKind::from_byte(page.type_byte()) != Some(PageKind::BtreeInternal) {
            leaves.push(no);
            continue;
        }
        for slot in (0..page.entries()).rev() {
            let (_, rest) = page.item(pages.overhead(), slot).unwrap_or_default();
            let Some(item) = item::btree_internal::<O>(rest) else {
                let first = format!("page {no}: slot {slot} holds no item");
                return Err(Refusal::Unreadable { first }.into());
            };
            stack.push(PageNo(item.child));
        }
    }
    Ok(leaves)
}
