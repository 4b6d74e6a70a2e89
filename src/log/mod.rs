//! Transaction log files: versions 2 to 19, in both byte orders.
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

mod chain;
mod dialect;
mod dir;
mod dir_records;
mod error;
mod event;
mod file;
mod files;
mod history;
mod locks;
mod meaning;
mod options;
mod plain;
mod record;
mod records;
mod schema;
mod tail;
mod text;
mod transactions;

pub use chain::Chain;
pub use dir::{DirFile, LogDir};
pub use dir_records::{DirRecords, DirRecordsBack};
pub use error::{LogError, RecordDefect};
pub use event::{Event, HashItem, Place, Register, RegisterOperation};
pub use file::LogFile;
pub use files::{Binding, Files, Rename};
pub use history::{Change, ChangeKind, Content, History, HistoryQuery};
pub use options::LogOptions;
pub use record::{Field, Fields, Note, Record, TxnId, Value};
pub use records::Records;
pub use schema::{FieldKind, FieldLayout, Print, RecordLayout, Schema};
pub use tail::{Behind, Tail, TailKind};
pub use text::Printer;
pub use transactions::{Fate, Outcome, Transaction, Transactions};
