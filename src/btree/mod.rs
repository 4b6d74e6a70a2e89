//! The reader of BTREE and RECNO databases, whatever their version, and of the
//! HASH databases that files of theirs may hold besides.

mod buckets;
mod chain;
mod cursor;
mod database;
mod entries;
mod item;
mod key_order;
mod leaf;
mod node;
mod scan;
mod search;
mod shape;
mod stats;
mod subdb;
mod visited;
mod walk;

#[cfg(feature = "upgrade")]
pub(crate) use chain::{Chain, length as chain_length};
pub use chain::{ItemReader, Pieces};
pub use cursor::{Cursor, Pair};
pub use database::{Database, OpenOptions};
pub use entries::{Entries, Entry, Pairs};
pub use item::Item;
pub use key_order::KeyOrder;
pub(crate) use leaf::{Content, Leaf, Tiling, size_of_item};
pub use scan::{LeafPage, PageScan, Scanned, ScannedItems};
pub(crate) use shape::Shape;
pub use stats::{FileStats, TreeStats};
pub(crate) use subdb::Part;
pub use subdb::{Subdatabase, Subdatabases};
