//! A fresh file from the text of a dump, as `db_load` makes it.
//!
//! - `load`: text in, a file out; `database`: one database of the text
//! - `unique`: of two pairs with one key one is left
//! - `text`: a text that can be read a second time; `error`
//!
//! Text that is in order already is built as it is read. Where the first pair is met that is not,
//! and of a HASH, pairs are put in order first.

mod database;
mod error;
mod run;
mod text;
mod unique;

pub use error::LoadError;
pub use run::{Load, Loaded, Otherwise};
pub use text::Text;
