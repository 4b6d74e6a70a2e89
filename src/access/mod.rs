//! The reader: databases opened once, read by any number of cursors, of every access method and
//! whatever version.

mod all;
mod btree;
mod database;
mod directory;
mod entries;
mod get_many;
mod hash;
mod heap;
mod item;
mod merged;
mod owned;
mod pair;
mod part_pairs;
mod partitions;
mod queue;
mod ranges;
mod scan;
mod series1;
mod split;
mod stats;
mod visited;

pub(crate) use all::AllPairs;
pub use btree::cursor::Cursor;
#[cfg(feature = "upgrade")]
pub(crate) use btree::leaf::Leaf;
pub use database::Database;
pub(crate) use directory::Part;
pub use directory::{Subdatabase, Subdatabases};
pub use entries::{Entries, Pairs};
pub use item::Item;
pub use owned::IntoEntries;
pub(crate) use pair::ValuePlace;
pub use pair::{Entry, Pair};
pub use ranges::KeyRange;
pub use scan::{LeafPage, PageScan, Scanned, ScannedItems};
pub use split::KeyPart;
pub use stats::{FileStats, TreeStats};
