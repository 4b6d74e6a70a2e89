//! Files of versions 6 to 8 written from the specification (database-format), byte by
//! byte and without the library: whatever shape a test or a bench needs.
//!
//! A [`Builder`] says how the file looks, a [`Tree`] how a database in it looks:
//!
//! ```ignore
//! let tree = Tree::btree().duplicates(Duplicates::Sorted).deleted(9);
//! let file = Builder::new(6, Endianness::Big, 512).scattered(16).noise(true);
//! let bytes = file.build(&tree, &entries);
//! assert_eq!(forward(&Database::from_bytes(bytes)?), tree.live(&entries));
//! ```
//!
//! The same builder always writes the same bytes. Large files are streamed with
//! [`Builder::write`], which keeps one small entry a leaf in memory.

#![allow(
    dead_code, // each crate uses a part
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects,
    clippy::unreachable
)]

pub(crate) mod chunk;
mod meta;
mod output;
mod page;
mod tree;

use std::io::{self, Cursor, Seek, Write};

use bdbkit::Endianness;

use output::Output;

/// Duplicates of a database. Versions 6 and 7 do not record whether they are sorted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Duplicates {
    None,
    Unsorted,
    Sorted,
}

/// The LSNs of pages.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Lsns {
    /// (0, 0): never logged.
    Zero,
    /// (0, 1): changed without logging, as 4.x and later write.
    NotLogged,
    /// Places in a log, each page its own.
    Logged,
}

/// A database of several in a file: its name, how it looks, what is in it.
pub(crate) type Named<N, K, V> = (N, Tree, Vec<(K, Vec<V>)>);

/// How a file looks.
#[derive(Clone, Debug)]
pub(crate) struct Builder {
    version: u32,
    endianness: Endianness,
    page_size: usize,
    scattered: u32,
    free: u64,
    holes: u64,
    noise: bool,
    lsns: Lsns,
    seed: u64,
}

impl Builder {
    /// A file whose pages stand in the order in which they are filled.
    pub(crate) fn new(version: u32, endianness: Endianness, page_size: usize) -> Builder {
        assert!((6..=8).contains(&version), "version {version}");
        assert!(page_size.is_power_of_two() && (512..=65536).contains(&page_size), "pages of {page_size}");
        Builder {
            version,
            endianness,
            page_size,
            scattered: 1,
            free: 0,
            holes: 0,
            noise: false,
            lsns: Lsns::Zero,
            seed: 1,
        }
    }

    /// Hands out page numbers in random order among this many at a time; those left in
    /// the end are free pages.
    pub(crate) fn scattered(self, among: u32) -> Builder {
        Builder { scattered: among.max(1), ..self }
    }

    /// Puts one page in so many on the free list; 0 for none.
    pub(crate) fn free(self, one_in: u64) -> Builder {
        assert!(one_in != 1, "all pages free");
        Builder { free: one_in, ..self }
    }

    /// Leaves one page in so many zeroed and lost: allocated, but never written.
    pub(crate) fn holes(self, one_in: u64) -> Builder {
        assert!(one_in != 1, "all pages lost");
        Builder { holes: one_in, ..self }
    }

    /// Fills all bytes that mean nothing with noise: padding, unused fields, the middle of
    /// pages, what free pages held before, the LSNs of pages of type 1.
    pub(crate) fn noise(self, noise: bool) -> Builder {
        Builder { noise, ..self }
    }

    pub(crate) fn lsns(self, lsns: Lsns) -> Builder {
        Builder { lsns, ..self }
    }

    /// Another choice of everything random.
    pub(crate) fn seed(self, seed: u64) -> Builder {
        Builder { seed, ..self }
    }

    pub(crate) fn version(&self) -> u32 {
        self.version
    }

    /// A file of one database. Keys ascend; the values of a key stand together.
    pub(crate) fn build<K: AsRef<[u8]>, V: AsRef<[u8]>>(
        &self,
        tree: &Tree,
        entries: &[(K, Vec<V>)],
    ) -> Vec<u8> {
        self.in_memory(|sink| self.write(tree, entries.iter().map(|(key, values)| (key, values)), sink))
    }

    /// Streams a file of one database.
    pub(crate) fn write<K, Vs>(
        &self,
        tree: &Tree,
        entries: impl IntoIterator<Item = (K, Vs)>,
        sink: impl Write + Seek,
    ) -> io::Result<()>
    where
        K: AsRef<[u8]>,
        Vs: IntoIterator,
        Vs::Item: AsRef<[u8]>,
    {
        let mut out = Output::new(self, sink);
        tree::write(&mut out, tree, Some(1), entries)?;
        meta::write(&mut out, tree, 0, 1, false)?;
        out.finish()
    }

    /// A file of several databases (versions 7 and 8).
    pub(crate) fn build_several<N, K, V>(&self, databases: &[Named<N, K, V>]) -> Vec<u8>
    where
        N: AsRef<[u8]>,
        K: AsRef<[u8]>,
        V: AsRef<[u8]>,
    {
        assert!(self.version > 6, "version 6 has one database in a file");
        self.in_memory(|sink| {
            let mut out = Output::new(self, sink);
            let mut list = Vec::new();
            for (name, tree, entries) in databases {
                let page = out.allocate();
                let entries = entries.iter().map(|(key, values)| (key, values));
                let root = tree::write(&mut out, tree, None, entries)?;
                meta::write(&mut out, tree, page, root, true)?;
                // Version 7 writes the order of the machine, which is that of the file.
                let big = self.version > 7 || self.big();
                let number = if big { page.to_be_bytes() } else { page.to_le_bytes() };
                list.push((name.as_ref(), [number]));
            }
            list.sort_unstable();
            let master = Tree::btree();
            tree::write(&mut out, &master, Some(1), list)?;
            meta::write(&mut out, &master, 0, 1, true)?;
            out.finish()
        })
    }

    fn in_memory(&self, write: impl FnOnce(&mut Cursor<Vec<u8>>) -> io::Result<()>) -> Vec<u8> {
        let mut sink = Cursor::new(Vec::new());
        write(&mut sink).expect("memory takes all");
        sink.into_inner()
    }

    fn big(&self) -> bool {
        self.endianness == Endianness::Big
    }
}

/// How a database looks.
#[derive(Clone, Debug)]
pub(crate) struct Tree {
    recno: bool,
    renumber: bool,
    record_length: Option<usize>,
    recnum: bool,
    duplicates: Duplicates,
    off_page_from: Option<usize>,
    overflow_above: Option<usize>,
    deleted: u64,
    reversed_shared_keys: bool,
    first_keys: bool,
    truncated_keys: bool,
    empty_leaves: u64,
    fill: usize,
    fanout: usize,
    max_key: u32,
    min_key: u32,
}

impl Tree {
    pub(crate) fn btree() -> Tree {
        Tree {
            recno: false,
            renumber: false,
            record_length: None,
            recnum: false,
            duplicates: Duplicates::None,
            off_page_from: None,
            overflow_above: None,
            deleted: 0,
            reversed_shared_keys: false,
            first_keys: false,
            truncated_keys: false,
            empty_leaves: 0,
            fill: 100,
            fanout: usize::MAX,
            max_key: 0,
            min_key: 2,
        }
    }

    /// Numbered records: the keys of the entries are ignored.
    pub(crate) fn recno() -> Tree {
        Tree { recno: true, ..Tree::btree() }
    }

    pub(crate) fn renumber(self, renumber: bool) -> Tree {
        Tree { renumber, ..self }
    }

    /// Records of a fixed length, which all values have.
    pub(crate) fn fixed(self, length: usize) -> Tree {
        Tree { record_length: Some(length), ..self }
    }

    /// Record counts in a BTREE.
    pub(crate) fn recnum(self, recnum: bool) -> Tree {
        Tree { recnum, ..self }
    }

    pub(crate) fn duplicates(self, duplicates: Duplicates) -> Tree {
        Tree { duplicates, ..self }
    }

    /// Moves sets of two or more duplicates off the page if they take so many bytes, a
    /// quarter of the page at most; with 0 also single ones.
    pub(crate) fn off_page_from(self, bytes: usize) -> Tree {
        Tree { off_page_from: Some(bytes), ..self }
    }

    /// Puts items above so many bytes into overflow chains, and all that release 2.x puts
    /// there.
    pub(crate) fn overflow_above(self, bytes: usize) -> Tree {
        Tree { overflow_above: Some(bytes), ..self }
    }

    /// Marks one value in so many as deleted, as a crash leaves it; 0 for none.
    pub(crate) fn deleted(self, one_in: u64) -> Tree {
        Tree { deleted: one_in, ..self }
    }

    /// Reverses the fields of keys that an even number of slots share, as release 2.x does
    /// in version 6 files of foreign order.
    pub(crate) fn reversed_shared_keys(self, reversed: bool) -> Tree {
        Tree { reversed_shared_keys: reversed, ..self }
    }

    /// Keeps a key in the first entry of internal pages, as splits and genuine upgrades do,
    /// rather than an empty one.
    pub(crate) fn first_keys(self, kept: bool) -> Tree {
        Tree { first_keys: kept, ..self }
    }

    /// Cuts internal keys to what tells two leaves apart.
    pub(crate) fn truncated_keys(self, truncated: bool) -> Tree {
        Tree { truncated_keys: truncated, ..self }
    }

    /// Puts an empty leaf before one leaf in so many, where a key between them exists.
    pub(crate) fn empty_leaves(self, one_in: u64) -> Tree {
        Tree { empty_leaves: one_in, ..self }
    }

    /// Percent of a page that are used.
    pub(crate) fn fill(self, percent: usize) -> Tree {
        assert!((1..=100).contains(&percent), "{percent} percent");
        Tree { fill: percent, ..self }
    }

    /// Children of an internal page at most: 3 or more.
    pub(crate) fn fanout(self, children: usize) -> Tree {
        assert!(children >= 3, "{children} children: the last page of a level would have one");
        Tree { fanout: children, ..self }
    }

    /// The fields `maxkey` and `minkey` of the metadata; the second sets what goes into
    /// overflow chains.
    pub(crate) fn keys_per_page(self, least: u32, most: u32) -> Tree {
        assert!(least >= 2, "{least} keys on a page at least");
        Tree { min_key: least, max_key: most, ..self }
    }

    /// The pairs that a reader gives of a database of these entries; records have empty
    /// keys.
    pub(crate) fn live<K: AsRef<[u8]>, V: AsRef<[u8]>>(
        &self,
        entries: &[(K, Vec<V>)],
    ) -> Vec<(Vec<u8>, Vec<u8>)> {
        let pairs = entries.iter().flat_map(|(key, values)| values.iter().map(move |value| (key, value)));
        let live = (0..).zip(pairs).filter(|(ordinal, _)| !self.is_deleted(*ordinal));
        let key = |key: &K| if self.recno { Vec::new() } else { key.as_ref().to_vec() };
        live.map(|(_, (k, value))| (key(k), value.as_ref().to_vec())).collect()
    }

    /// Whether the value with this number in the database is marked as deleted.
    fn is_deleted(&self, ordinal: u64) -> bool {
        self.deleted > 0 && output::spread(ordinal) % self.deleted == 0
    }
}
