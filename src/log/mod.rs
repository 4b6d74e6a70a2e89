//! Transaction log files: versions 2 to 23, in both byte orders.
//!
//! [`LogDir`] is the log of an environment, [`LogFile`] one of its files. Both give
//! [`Record`]s, borrowed from the files: what each is and holds is told by the tables
//! of its log version, a [`Schema`] each.
//!
//! ```
//! let log = bdbkit::log::LogDir::open("testdata/env-log8-be-mix")?;
//! for record in log.records() {
//!     let record = record?;
//!     println!("{} {} {:?}", record.lsn(), record.name(), record.fields());
//! }
//! # Ok::<(), bdbkit::log::LogError>(())
//! ```
//!
//! Checksums are verified as records are read. A log ends where recovery would say
//! that it ends, and [`DirRecords::tail`] tells why: the end of the file, zeros, a
//! torn record, or something else. Damage before that is an error that names the LSN,
//! and the records behind it follow.
//!
//! What records do to pages, step by step, is what a [`PageMut`] can do.

mod dir;
mod error;
pub(crate) mod facts;
mod file;
mod history;
mod options;
pub(crate) mod record;
pub(crate) mod schema;
mod text;

#[cfg(test)]
pub(crate) use file::effort;

pub use crate::format::edit::{PageError, PageHeader, PageMut};
pub use dir::chain::Chain;
#[cfg(feature = "upgrade")]
pub(crate) use dir::number_of;
pub use dir::records::{DirRecords, DirRecordsBack};
pub use dir::{DirFile, LogDir, LogProgress};
pub use error::{LogError, RecordDefect};
pub use facts::bindings::Binding;
pub use facts::files::Files;
pub use facts::names::Rename;
pub use facts::transactions::{Fate, Transaction, TransactionOutcome, Transactions};
pub use file::LogFile;
pub use file::records::Records;
pub use file::tail::{Behind, Tail, TailKind};
pub use history::change::{ChangeKind, Known, PairChange};
pub use history::{History, HistoryQuery};
pub use options::LogOptions;
pub use record::event::{ChangePlace, Event, HashItem, Register, RegisterOperation};
pub use record::{Field, Fields, Record, RecordNote, TxnId, Value};
pub use schema::{FieldKind, FieldLayout, Print, RecordLayout, Schema};
pub use text::Printer;
