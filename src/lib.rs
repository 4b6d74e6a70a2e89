//! Reads and upgrades the database files of Berkeley DB and reads its transaction logs,
//! without libdb: BTREE and RECNO files of versions 6 to 9 (releases 2.x to 5.3), with one or
//! several databases inside, and logs of versions 2 to 19; little-endian and big-endian.
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
//! [`Database`] is where to start: it is opened from a path, a slice or owned bytes,
//! and read through [iterators](Database::iter), [look-ups](Database::get), a
//! [`Cursor`], or a [`PageScan`] in file order. Logs are in the module [`log`], and what stands
//! around a file, in the folder of its environment, in [`env`](mod@env).
//!
//! # Damage
//!
//! Any bytes whatever give an answer or a typed [`Error`] that names page and byte. An
//! iterator reports damage where it meets it and goes on behind it; one that gave no
//! error has given everything. [`Verify`] says what is wrong with a file as a whole,
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
//! - `encryption`: encrypted logs;
//! - `serde`: `Serialize` of what is read and found;
//! - `upgrade`: files changed in place, with a [journal](https://docs.rs/bdbkit/latest/bdbkit/journal),
//!   and the folder of a mail store as a whole: `mboxlist`;
//! - `cli`: the tool of the same name.

#![deny(clippy::disallowed_methods)]

mod access;
mod bits;
#[cfg(feature = "upgrade")]
mod codes;
mod crypt;
pub mod dump;
#[cfg(feature = "upgrade")]
mod edit;
pub mod env;
mod error;
pub mod explain;
#[cfg(feature = "upgrade")]
mod file_name;
mod format;
#[cfg(feature = "upgrade")]
pub mod journal;
mod key_order;
mod limits;
pub mod log;
#[cfg(feature = "upgrade")]
pub mod mboxlist;
mod meta;
mod method;
mod order;
mod pages;
#[cfg(feature = "upgrade")]
mod reset;
pub mod salvage;
#[cfg(feature = "serde")]
mod serialize;
mod shown;
mod types;
#[cfg(feature = "upgrade")]
pub mod upgrade;
mod verify;

pub use access::{
    Cursor, Database, Entries, Entry, FileStats, IntoEntries, Item, KeyPart, KeyRange, LeafPage, PageScan,
    Pair, Pairs, Scanned, ScannedItems, Subdatabase, Subdatabases, TreeStats,
};
pub use error::{Defect, Error, ErrorKind, Result};
pub use format::page::PageKind;
pub use key_order::KeyOrder;
pub use limits::Limits;
pub use meta::{DatabaseKind, Extents, FileKind, Flags, Meta};
pub use method::{Feature, Method};
pub use order::Endianness;
pub use pages::{File, ItemReader, OpenOptions, Pieces};
#[cfg(feature = "parallel")]
pub use rayon;
pub use shown::{ShowName, Shown};
pub use types::{FileId, Lsn, PageNo, PageSize, ParseError};
pub use verify::{Finding, Progress, Rule, Severity, Verdict, Verify};

/// The examples of the README, as tests.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
