//! The databases of a file: their metadata pages, and which leaf or page of a bucket belongs to
//! which.

use byteorder::ByteOrder;

use super::choices::Choices;
use super::profile::Duplicates;
use super::sorting;
use crate::access::Database;
use crate::bits::Bits;
use crate::edit::{Refusal, Result, leaves};
use crate::format::generation::Generation;
use crate::format::meta::Field;
use crate::format::page::Page;
use crate::meta::{Buckets, Flags, Meta};
use crate::method::Method;
use crate::pages::Pages;
use crate::types::PageNo;

/// A page that no database leads to.
const NONE: u16 = u16::MAX;

/// The databases of a file, the list of them first if there are several.
#[derive(Debug)]
pub(crate) struct Databases {
    all: Vec<Known>,
    /// For each page, the database whose leaf it is, or page of a bucket.
    owners: Vec<u16>,
    /// The choice for pages that nothing leads to.
    default: bool,
}

#[derive(Debug)]
pub(crate) struct Known {
    name: Option<Vec<u8>>,
    meta: Meta,
    /// Leaves of a BTREE, in the order of the tree; pages of the buckets of a HASH.
    pages: Vec<PageNo>,
    /// Pairs on the pages of all buckets.
    pairs: u32,
    sorted: bool,
}

impl Databases {
    /// Finds all databases and their leaves. The structure of the file was checked.
    pub(crate) fn find<O: ByteOrder>(file: &Database<'_>) -> Result<Self> {
        let pages = file.pages();
        let mut all = vec![Known::new::<O>(pages, None, file.meta())?];
        for found in file.subdatabases() {
            let found = found?;
            all.push(Known::new::<O>(pages, Some(found.name().to_vec()), found.meta())?);
        }
        let mut owners = vec![NONE; PageNo(pages.count()).index()];
        for (index, known) in (0u16..NONE).zip(&all) {
            for page in &known.pages {
                owners.iter_mut().skip(page.index()).take(1).for_each(|owner| *owner = index);
            }
        }
        Ok(Databases { all, owners, default: false })
    }

    /// Decides for every database whether its duplicates are sorted. The genuine tools have
    /// one choice for a file.
    pub(crate) fn decide<O: ByteOrder>(&mut self, pages: &Pages<'_>, choices: &Choices) -> Result<()> {
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

    /// All of them.
    pub(crate) fn all(&self) -> impl Iterator<Item = &Known> {
        self.all.iter()
    }

    /// All HASH databases.
    pub(crate) fn hashes(&self) -> impl Iterator<Item = &Known> {
        self.all.iter().filter(|known| known.meta.method() == Method::Hash)
    }

    /// All BTREE and RECNO metadata pages.
    pub(crate) fn metadata_pages(&self) -> impl Iterator<Item = PageNo> + '_ {
        let btree = self.all.iter().filter(|known| known.meta.method() != Method::Hash);
        btree.map(|known| known.meta.page())
    }

    /// Those of databases whose off-page duplicates are in chains, and their access method.
    pub(crate) fn with_chains(&self) -> impl Iterator<Item = &Known> {
        self.all.iter().filter(|known| known.has_chains())
    }

    /// Metadata pages of version 8 that say sorted where there are no duplicates, as the
    /// genuine tools leave them: where the flags stand, and what they should be.
    pub(crate) fn needless_sorting(&self) -> impl Iterator<Item = (PageNo, usize, u32)> + '_ {
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
    pub(crate) fn newest_version(&self) -> u32 {
        self.all.iter().map(|known| known.meta.version()).max().unwrap_or(0)
    }

    /// Leaves of the list of databases.
    pub(crate) fn list_leaves(&self) -> &[PageNo] {
        match self.all.first() {
            Some(list) if list.meta.flags().several_databases() => &list.pages,
            _ => &[],
        }
    }

    /// Leaves of all BTREE databases.
    pub(crate) fn leaves(&self) -> impl Iterator<Item = PageNo> + '_ {
        let trees = self.all.iter().filter(|known| known.meta.method() == Method::Btree);
        trees.flat_map(|known| known.pages.iter().copied())
    }

    /// Whether off-page duplicates are possible.
    pub(crate) fn may_have_chains(&self) -> bool {
        self.all.iter().any(|known| known.meta.flags().duplicates())
    }

    /// The database that has a page as a leaf, or in a bucket.
    pub(crate) fn owner(&self, page: PageNo) -> Option<&Known> {
        let owner = self.owners.get(page.index()).filter(|&&owner| owner != NONE)?;
        self.all.get(usize::from(*owner))
    }

    /// Whether the genuine tools take the duplicates of the file as sorted.
    pub(crate) fn sorted_by_default(&self) -> bool {
        self.default
    }

    /// Whether one of them may have off-page duplicates in chains.
    pub(crate) fn has_chains_of_old(&self) -> bool {
        self.all.iter().any(Known::has_chains)
    }

    /// Names and choices, for the report: databases with duplicates only.
    pub(crate) fn choices(&self) -> impl Iterator<Item = (Option<&[u8]>, bool)> {
        let with = self.all.iter().filter(|known| known.meta.flags().duplicates());
        with.map(|known| (known.name.as_deref(), known.sorted))
    }
}

impl Known {
    fn new<O: ByteOrder>(pages: &Pages<'_>, name: Option<Vec<u8>>, meta: &Meta) -> Result<Known> {
        let btree = meta.method() == Method::Btree;
        let (own, pairs) = match (meta.root().filter(|_| btree), meta.buckets()) {
            (Some(root), _) => (leaves::<O>(pages, root)?, 0),
            (None, Some(table)) => buckets::<O>(pages, table)?,
            (None, None) => (Vec::new(), 0),
        };
        Ok(Known { name, meta: meta.clone(), pages: own, pairs, sorted: false })
    }

    pub(crate) fn name(&self) -> Option<&[u8]> {
        self.name.as_deref()
    }

    pub(crate) fn meta(&self) -> &Meta {
        &self.meta
    }

    /// Leaves of a BTREE; pages of the buckets of a HASH.
    pub(crate) fn pages(&self) -> &[PageNo] {
        &self.pages
    }

    /// Pairs on the pages of all buckets.
    pub(crate) fn pairs(&self) -> u32 {
        self.pairs
    }

    /// Whether off-page duplicates are in chains.
    pub(crate) fn has_chains(&self) -> bool {
        self.meta.generation() < Generation::V31
    }

    /// Whether its duplicates are taken as sorted.
    pub(crate) fn is_sorted(&self) -> bool {
        self.sorted
    }
}

/// Whether the duplicates of databases that share a choice are taken as sorted.
fn sorted<O: ByteOrder>(pages: &Pages<'_>, choice: Duplicates, databases: &[Known]) -> Result<bool> {
    let with = databases.iter().filter(|known| known.meta.flags().duplicates());
    let mut checks = with.map(|known| match known.meta.method() {
        Method::Hash => sorting::check_buckets::<O>(pages, &known.pages),
        _ => sorting::check::<O>(pages, &known.pages),
    });
    Ok(match choice {
        Duplicates::Unsorted => false,
        Duplicates::SortedUnchecked => true,
        Duplicates::Sorted => checks.try_for_each(|check| check.map(drop)).map(|()| true)?,
        Duplicates::Auto => checks.collect::<Result<Vec<_>>>().is_ok_and(|several| several.contains(&true)),
    })
}

/// The pages of all buckets that were ever written, and how many pairs are on them.
fn buckets<O: ByteOrder>(pages: &Pages<'_>, table: &Buckets) -> Result<(Vec<PageNo>, u32)> {
    let (mut found, mut pairs) = (Vec::new(), 0u32);
    let mut seen = Bits::new(PageNo::META, pages.count());
    for heads in (0..).map_while(|doubling| table.heads(doubling)) {
        for head in (heads.start..heads.end.min(pages.count())).map(PageNo) {
            let mut next = Some(head);
            while let Some(no) = next {
                let page = pages.raw(no).and_then(Page::<O>::new).filter(|_| seen.mark(no));
                let Some(page) = page else {
                    let first = format!("page {no} has no place of its own in the buckets");
                    return Err(Refusal::Unreadable { first }.into());
                };
                if page.is_hole() {
                    break;
                }
                found.push(no);
                pairs = pairs.saturating_add(u32::from(page.entries()) >> 1);
                next = PageNo::link(page.next());
            }
        }
    }
    Ok((found, pairs))
}
