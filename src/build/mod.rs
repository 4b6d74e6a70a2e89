//! Fresh database files, from pairs in order (database-format, "Writing a file").
//!
//! A file is written from its first page to its last, each page when it is full, in memory for one page of
//! each level of a tree: only roots and metadata, which come first and are known last, are written at the
//! end. What was written before is never read again.
//!
//! - `form`: what a file is to be: version, byte order, pages; `shape`: what a database in it is to be
//! - `builder`: pairs in, a file out; `directory`: the list of several databases
//! - `sink`: pages numbered, sealed and written; `overflow`: long items; `meta`: metadata pages
//! - `leaf`, `levels`, `tree`: trees from the bottom up; `set`: the duplicates of a key
//! - `sorter`: pairs put in order outside memory
//! - `btree`, `recno`, `hash`, `queue`: the access methods
//!
//! ```
//! use bdbkit::build::{Builder, FileForm, Shape};
//!
//! let mut file = Builder::new(std::io::Cursor::new(Vec::new()), &FileForm::default())?;
//! file.begin(&Shape::btree())?;
//! file.put(b"key", b"value")?;
//! file.end()?;
//! let bytes = file.finish()?.into_inner();
//! assert_eq!(bdbkit::Database::from_bytes(bytes)?.get("key")?.as_deref(), Some(&b"value"[..]));
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod btree;
mod builder;
mod directory;
mod error;
mod form;
mod hash;
mod leaf;
mod levels;
mod meta;
mod overflow;
mod queue;
mod recno;
mod set;
mod shape;
mod sink;
mod sorter;
mod tree;

pub use builder::Builder;
pub use error::{BuildError, Result};
pub use form::{FileForm, Target};
pub use hash::place;
pub use shape::{KeyDuplicates, Shape, Size};
pub use sorter::{Arrangement, Sorter};
