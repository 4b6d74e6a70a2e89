//! Reads and upgrades the database files of Berkeley DB and reads its transaction logs,
//! without libdb: BTREE, RECNO, HASH, QUEUE and HEAP files of releases 2.x to 18.1, with one or
//! several databases inside, BTREE, RECNO and HASH files of the 1.x series (1.85, 1.86), and logs of
//! versions 2 to 23; little-endian and big-endian. Upgrades are of BTREE, RECNO, HASH and QUEUE.
//!
//! ```
//! let db = bdbkit::Database::open("testdata/btree-v6-be-levels/data.db")?;
//! for entry in db.prefix(b"22") {
//!     let entry = entry?;
//!     println!("{:?}: {} bytes", entry.key(), entry.value().len());
//! }
//! # Ok::<(), bdbkit::Error>(())
//! ```
//!
//! # What to use
//!
//! | job | with |
//! |---|---|
//! | what is this file? opened once for all that follows | [`FileKind::at`], [`File`] |
//! | pairs in order, from a key on, under a prefix; from either end | [`Database`]: [`iter`](Database::iter), [`range`](Database::range), [`prefix`](Database::prefix) |
//! | one value; back and forth | [`Database::get`], [`Cursor`] |
//! | all pairs in the order of the file, divided among threads | [`Database::scan`], [`PageScan`] |
//! | several databases in a file | [`Database::subdatabases`] |
//! | how to open, what may be taken; what went wrong | [`OpenOptions`], [`Limits`]; [`Error`], [`Error::kind`] |
//! | text as of `db_dump` | [`dump::Writer`] |
//! | what differs between two databases? | [`diff::Diff`] |
//! | is the file sound? | [`verify::Verify`] |
//! | all rows of all databases of a file, with where each stands | [`rows::Rows`] |
//! | what can still be found in it? | [`salvage::Salvage`] |
//! | what is each page of a file, and whose? | [`page_map::PageMap`] |
//! | which files are in an image of a disk? | [`carve::Carve`] |
//! | transaction logs: records, transactions, the history of a key | [`log::LogDir`], [`log::LogFile`] |
//! | what stands around a file: its environment, changes that it lacks | [`env::Layout`], [`recover::condition()`] |
//! | what recovery would make of an environment: read, or copied | [`recover::Recover`], [`recover::View`] |
//! | what a key, or a whole database, held at a moment | [`undelete::Undelete`] |
//! | what a code in a report means | [`explain::Explanation`] |
//! | what a mail store is and holds, how it comes to another release | `mboxlist`: `Survey`, `List`, `StorePlan` |
//! | a fresh file from pairs, from the text of a dump, from another file | `build`: `Builder`; `load`: `Load`; `compact`: `Compact` |
//! | upgrade files in place, turn their byte order, reset LSNs and file ids | `upgrade`: `Upgrade`, `Convert`, `Reset` |
//! | mend what follows from the rest of a file, in place | `repair`: `Repair` |
//! | back to the form of an earlier release, in place | `downgrade`: `Downgrade` |
//! | upgrade a mail store, restore a snapshot | `mboxlist`: `StoreUpgrade`, `Restore` |
//! | a change in place of one's own, safe against crashes | `journal`: `Journal`, `Set` |
//!
//! Here are the types of reading a database; all else is in the module of its job. No two public
//! types have the same name.
//!
//! # Damage
//!
//! Any bytes whatever give an answer or a typed [`Error`] that names page and byte. An
//! iterator reports damage where it meets it and goes on behind it; one that gave no
//! error has given everything. [`verify`] says what is wrong with a file as a whole,
//! [`salvage`] finds what can still be found. Nothing panics, loops, or allocates by a number found
//! in a file.
//!
//! # Formats
//!
//! What is cited as (database-format, "Free list") is the section of that heading in
//! `docs/database-format.md` of the repository.
//!
//! # Features
//!
//! - `mmap` (default): files are mapped, not read into memory;
//! - `parallel`: [`PageScan`] as a parallel iterator;
//! - `encryption`: encrypted databases and logs;
//! - `serde`: `Serialize` of what is read and found;
//! - `mboxlist`: mail stores, read: what one is and holds, and its way to another release;
//! - `upgrade`: files and mail stores changed in place, with a [journal](https://docs.rs/bdbkit/latest/bdbkit/journal);
//!   includes `mboxlist`;
//! - `build`: fresh files, from pairs, from text, or from another file;
//! - `cli`: the tool of the same name; `sqlite`: the same, with SQLite for what it exports.

// On docs.rs, what needs a feature says so.
#![cfg_attr(docsrs, feature(doc_cfg))]
#![deny(clippy::disallowed_methods)]

// What tests share speaks of the library by its name.
#[cfg(test)]
extern crate self as bdbkit;

mod access;
mod bits;
#[cfg(feature = "build")]
pub mod build;
pub mod carve;
#[cfg(feature = "upgrade")]
mod codes;
#[cfg(feature = "build")]
pub mod compact;
#[cfg(feature = "upgrade")]
mod convert;
mod crypt;
pub mod diff;
#[cfg(feature = "upgrade")]
pub mod downgrade;
pub mod dump;
#[cfg(feature = "upgrade")]
mod edit;
pub mod env;
mod error;
pub mod explain;
mod file_name;
#[cfg(feature = "mboxlist")]
mod folder;
mod format;
#[cfg(feature = "upgrade")]
pub mod in_place;
#[cfg(feature = "upgrade")]
pub mod journal;
mod key_hash;
mod key_order;
mod limits;
#[cfg(feature = "build")]
pub mod load;
pub mod log;
#[cfg(feature = "mboxlist")]
pub mod mboxlist;
mod meta;
mod method;
mod order;
pub mod page_map;
mod pages;
pub mod recover;
#[cfg(feature = "upgrade")]
pub mod repair;
#[cfg(feature = "upgrade")]
mod reset;
pub mod rows;
pub mod salvage;
#[cfg(feature = "serde")]
mod serialize;
mod shown;
mod types;
pub mod undelete;
#[cfg(feature = "upgrade")]
pub mod upgrade;
pub mod verify;

pub use access::{
    Cursor, Database, Entries, Entry, FileStats, IntoEntries, Item, KeyPart, KeyRange, LeafPage, PageScan,
    Pair, Pairs, Scanned, ScannedItems, Subdatabase, Subdatabases, TreeStats,
};
pub use error::{Defect, Error, ErrorKind, ExternalFault, ExternalFileError, Result};
pub use format::page::PageKind;
pub use key_hash::KeyHash;
pub use key_order::KeyOrder;
pub use limits::Limits;
pub use meta::{DatabaseKind, Extents, FileKind, Flags, Meta};
pub use method::{Feature, Method};
pub use order::Endianness;
pub use pages::{ExternalFile, File, ItemReader, OpenOptions, Pieces};
#[cfg(feature = "parallel")]
pub use rayon;
pub use shown::{ShowName, Shown};
pub use types::{FileId, Lsn, PageNo, PageSize, ParseError, RecordId};

/// The examples of the README, as tests.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
