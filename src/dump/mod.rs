//! The portable text form of `db_dump` and `db_load`.
//!
//! ```text
//! VERSION=3
//! format=bytevalue          or print
//! database=NAME             for one of several databases in a file
//! type=btree                or recno
//! …                         what differs from the defaults
//! HEADER=END
//!  6b6579                   a space, then a key; the value on the next line
//!  76616c7565
//! DATA=END
//! ```

mod loading;
mod loose;
mod reader;
mod salvaged;
mod settings;
mod text;
mod writer;

pub use loading::Loading;
pub use reader::{Line, Reader, TextError, TextFault};
pub use settings::Settings;
pub use text::escape;
pub use writer::{Damage, DumpError, Summary, Writer};
