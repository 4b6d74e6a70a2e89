//! Read Berkeley DB files of every version and byte order, without libdb.

mod btree;
pub mod dump;
mod error;
mod format;
mod limits;
mod meta;
mod order;
mod pages;
mod source;
mod types;

pub use btree::{
    Cursor, Database, Entries, Entry, FileStats, Item, ItemReader, KeyOrder, LeafPage, OpenOptions, PageScan,
    Pair, Pairs, Pieces, Scanned, ScannedItems, Subdatabase, Subdatabases, TreeStats,
};
pub use error::{Defect, Error, Result};
pub use format::page::PageKind;
pub use limits::Limits;
pub use meta::{Flags, Meta, Method};
pub use order::Endianness;
pub use types::{FileId, Lsn, PageNo, PageSize};
