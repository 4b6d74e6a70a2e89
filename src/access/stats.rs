//! Counting pages and records.

use std::collections::BTreeMap;
use std::convert::Infallible;

use super::database::Database;
use super::directory::Part;
use super::series1;
use super::visited::Visited;
use crate::error::Error;
use crate::format::page::{Page, PageKind};
use crate::method::Method;
use crate::order::with_order;
use crate::pages::Pages;
use crate::types::{Lsn, PageNo};

/// The pages of a file.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct FileStats {
    /// Number of pages of each kind. Page 0 counts as metadata in all versions.
    pub pages: BTreeMap<PageKind, u32>,
    /// Pages of zeros: allocated, but never written.
    pub unwritten: u32,
    /// Pages whose type is unknown.
    pub unknown: u32,
    /// Length of the free list, up to the first page that does not belong on it.
    pub free_list: u32,
    /// The highest LSN of all pages on which it means something: see
    /// [`Database::highest_lsn`].
    pub highest_lsn: Lsn,
}

impl FileStats {
    fn of(pages: &Pages<'_>) -> FileStats {
        if pages.meta().is_series1() {
            return series1::file_stats(pages);
        }
        let mut stats = FileStats { highest_lsn: highest_lsn(pages), ..FileStats::default() };
        let mut count = |kind| {
            let number = stats.pages.entry(kind).or_insert(0u32);
            *number = number.saturating_add(1);
        };
        count(match pages.meta().method() {
            Method::Hash => PageKind::HashMeta,
            Method::Queue => PageKind::QueueMeta,
            Method::Heap => PageKind::HeapMeta,
            Method::Btree | Method::Recno => PageKind::BtreeMeta,
        });
        with_order!(pages.order(), O => {
            for no in pages.runs().flatten().map(PageNo) {
                let kind = pages.look_at_header(no, |page| {
                    let page = Page::<O>::new(page)?;
                    PageKind::from_byte(page.type_byte()).map(|kind| (kind, page.is_hole()))
                });
                match kind {
                    Some((PageKind::Invalid, true)) => stats.unwritten = stats.unwritten.saturating_add(1),
                    Some((kind, _)) => count(kind),
                    None => stats.unknown = stats.unknown.saturating_add(1),
                }
            }
            let mut seen = Visited::new(pages);
            let mut next = pages.meta().free();
            while let Some(no) = next.filter(|&no| seen.mark(no)) {
                let Some(page) = pages.raw(no).and_then(Page::<O>::new) else { break };
                if page.type_byte() != 0 || page.pgno() != no.0 {
                    break;
                }
                stats.free_list = stats.free_list.saturating_add(1);
                next = PageNo::link(page.next());
            }
        });
        stats
    }
}

impl FileStats {
    /// Counts the pages of another file, too.
    fn add(&mut self, other: FileStats) {
        for (kind, number) in other.pages {
            let all = self.pages.entry(kind).or_insert(0);
            *all = all.saturating_add(number);
        }
        self.unwritten = self.unwritten.saturating_add(other.unwritten);
        self.unknown = self.unknown.saturating_add(other.unknown);
        self.free_list = self.free_list.saturating_add(other.free_list);
        self.highest_lsn = self.highest_lsn.max(other.highest_lsn);
    }
}

/// The highest LSN of the metadata and of the pages that hold something. That of a free page,
/// or of an off-page duplicate of version 6 or 7, may be anything (upgrade, "Environment and
/// logs").
fn highest_lsn(pages: &Pages<'_>) -> Lsn {
    if pages.meta().is_series1() {
        return Lsn::default();
    }
    with_order!(pages.order(), O => {
        let lsn = |page: &[u8]| {
            let page = Page::<O>::new(page)?;
            let kind = PageKind::from_byte(page.type_byte());
            (!matches!(kind, None | Some(PageKind::Invalid | PageKind::Duplicate))).then(|| page.lsn())
        };
        let lsns = pages.runs().flatten().filter_map(|no| pages.look_at_header(PageNo(no), lsn));
        // A file number of 0 is no place in a log.
        lsns.chain([pages.meta().lsn()]).filter(|lsn| lsn.file != 0).max().unwrap_or_default()
    })
}

impl<'a> Database<'a> {
    /// The highest LSN of the file's pages: where in the log of its environment it was changed
    /// last. Pages on which an LSN means nothing are left out: free ones, and off-page
    /// duplicates of versions 6 and 7. Of all databases of the file.
    #[must_use]
    pub fn highest_lsn(&self) -> Lsn {
        let parts = self.parts().into_iter().flatten().map(|part| highest_lsn(part.pages()));
        parts.chain([highest_lsn(self.pages())]).max().unwrap_or_default()
    }

    /// Counts the pages of the file by their kind, reading the header of each; of a partitioned
    /// database those of all its files.
    #[must_use]
    pub fn file_stats(&self) -> FileStats {
        let mut stats = FileStats::of(self.pages());
        for part in self.parts().into_iter().flatten() {
            stats.add(FileStats::of(part.pages()));
        }
        stats
    }

    /// Counts the records of the database, reading all its leaves; of all databases,
    /// in the order of their names, if this is a file's list of them.
    #[must_use]
    pub fn tree_stats(&self) -> Vec<TreeStats<'a>> {
        TreeStats::of(self)
    }
}

/// The records of a database.
#[derive(Debug)]
#[non_exhaustive]
pub struct TreeStats<'a> {
    /// The database; `None` for what belongs to no single one of a file's.
    pub database: Option<Database<'a>>,
    /// Number of levels, 1 if the root is a leaf; `None` if the root cannot be
    /// read, or for HASH, QUEUE and HEAP.
    pub depth: Option<u8>,
    /// Number of pairs or records, each duplicate counted.
    pub records: u64,
    /// Pairs marked as deleted in a BTREE, which readers skip: left behind by a
    /// program that was stopped.
    pub deleted: u64,
    /// How often the walk met damage.
    pub damaged: u64,
    /// What it met first.
    pub first_damage: Option<Error>,
}

impl<'a> TreeStats<'a> {
    fn new(database: Option<Database<'a>>) -> Self {
        TreeStats { database, depth: None, records: 0, deleted: 0, damaged: 0, first_damage: None }
    }

    fn damage(&mut self, error: Error) {
        self.damaged = self.damaged.saturating_add(1);
        self.first_damage.get_or_insert(error);
    }

    fn of(db: &Database<'a>) -> Vec<TreeStats<'a>> {
        let mut all = Vec::new();
        let mut rest = TreeStats::new(None);
        let Ok(()) = db.walk_databases(|part| -> std::result::Result<(), Infallible> {
            match part {
                Part::Damage(error) => rest.damage(error),
                Part::Database(inner, pairs) => {
                    let mut stats = TreeStats::new(Some(inner.clone()));
                    stats.depth = inner.depth();
                    pairs.each(|pair| {
                        match pair {
                            Ok(_) => stats.records = stats.records.saturating_add(1),
                            Err(error) => stats.damage(error),
                        }
                        Ok::<_, Infallible>(())
                    })?;
                    stats.deleted = pairs.deleted();
                    all.push(stats);
                }
            }
            Ok(())
        });
        if rest.damaged > 0 {
            all.push(rest);
        }
        all
    }
}
