//! A database divided by its keys, so that each part can be read on its own.

use std::ops::Bound;

use super::btree::separators;
use super::database::Database;
use super::entries::Entries;
use super::owned::IntoEntries;
use super::pair::Entry;
use crate::error::Result;
use crate::order::with_order;

/// The pairs of a database whose keys lie in a range: one of the parts that
/// [`Database::split`] makes.
#[derive(Clone, Debug)]
pub struct KeyPart<'a> {
    database: Database<'a>,
    start: Bound<Vec<u8>>,
    end: Bound<Vec<u8>>,
}

impl<'a> Database<'a> {
    /// Divides the pairs among at most so many parts of about equal size, in key order. No pair
    /// is divided, nor the duplicates of a key; together the parts give all pairs once.
    ///
    /// Where to cut is taken from the upper levels of the tree. A tree that has too few keys for
    /// so many parts, or cannot be read, has fewer. What is no BTREE is one part.
    ///
    /// More than one part do not report pages that nothing leads to, as [`Database::iter`] does.
    ///
    /// ```
    /// let db = bdbkit::Database::open("testdata/btree-v9-le-levels/data.db")?;
    /// let count = |part: bdbkit::KeyPart<'static>| std::thread::spawn(|| part.into_iter().count());
    /// let parts: Vec<_> = db.split(4).into_iter().map(count).collect();
    /// let pairs: usize = parts.into_iter().map(|part| part.join().expect("no panic")).sum();
    /// assert_eq!(pairs, db.iter().count());
    /// # Ok::<(), bdbkit::Error>(())
    /// ```
    #[must_use]
    pub fn split(&self, parts: u32) -> Vec<KeyPart<'a>> {
        let cuts = self.cuts(parts);
        let inner = cuts.iter().cloned();
        let starts = std::iter::once(Bound::Unbounded).chain(inner.clone().map(Bound::Included));
        let ends = inner.map(Bound::Excluded).chain([Bound::Unbounded]);
        starts.zip(ends).map(|(start, end)| KeyPart { database: self.clone(), start, end }).collect()
    }
}

impl Database<'_> {
    /// Keys that divide the pairs among at most so many parts.
    pub(super) fn cuts(&self, parts: u32) -> Vec<Vec<u8>> {
        if let Some(partitions) = self.partitioned() {
            return partitions.cuts(parts);
        }
        match self.tree("divide keys") {
            Ok(tree) if tree.expect_keys().is_ok() => {
                with_order!(tree.pages().order(), O => separators::find::<O>(tree, parts))
            }
            _ => Vec::new(),
        }
    }
}

impl<'a> KeyPart<'a> {
    /// The database: with its name, if it is one of several in a file.
    #[must_use]
    pub fn database(&self) -> &Database<'a> {
        &self.database
    }

    /// Where its keys start.
    #[must_use]
    pub fn start(&self) -> Bound<&[u8]> {
        self.start.as_ref().map(Vec::as_slice)
    }

    /// Where its keys end.
    #[must_use]
    pub fn end(&self) -> Bound<&[u8]> {
        self.end.as_ref().map(Vec::as_slice)
    }

    /// Whether it is the whole database.
    fn is_whole(&self) -> bool {
        matches!((&self.start, &self.end), (Bound::Unbounded, Bound::Unbounded))
    }

    /// Its pairs.
    #[must_use]
    pub fn iter(&self) -> Entries<'_> {
        match self.is_whole() {
            true => self.database.iter(),
            false => self.database.between(self.start.clone(), self.end.clone()),
        }
    }
}

impl<'p> IntoIterator for &'p KeyPart<'_> {
    type Item = Result<Entry<'p>>;
    type IntoIter = Entries<'p>;

    fn into_iter(self) -> Entries<'p> {
        self.iter()
    }
}

impl<'a> IntoIterator for KeyPart<'a> {
    type Item = Result<Entry<'static>>;
    type IntoIter = IntoEntries<'a>;

    fn into_iter(self) -> IntoEntries<'a> {
        match self.is_whole() {
            true => self.database.into_iter(),
            false => self.database.into_between(self.start, self.end),
        }
    }
}
