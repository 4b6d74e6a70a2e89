//! The reader: databases opened once, read by any number of cursors. BTREE, RECNO and HASH of
//! whatever version.

mod btree;
mod database;
mod directory;
mod entries;
mod hash;
mod item;
mod owned;
mod pair;
mod ranges;
mod split;
mod stats;
mod visited;

pub use btree::cursor::Cursor;
#[cfg(feature = "upgrade")]
pub(crate) use btree::leaf::Leaf;
pub use btree::scan::{LeafPage, PageScan, Scanned, ScannedItems};
pub use database::Database;
pub(crate) use directory::Part;
pub use directory::{Subdatabase, Subdatabases};
pub use entries::{Entries, Pairs};
pub use item::Item;
pub use owned::IntoEntries;
pub use pair::{Entry, Pair};
pub use ranges::KeyRange;
pub use split::KeyPart;
pub use stats::{FileStats, TreeStats};
