//! Changes of a whole store as one unit (mboxlist, "`store-upgrade`" and "`store-convert`").
//!
//! ```text
//! 1  what an earlier run left behind is completed
//! 2  every database is planned: a store that is refused is not touched
//! 3  a new folder, with a list of what the store holds
//! 4  the databases are copied there, and changed as one set (see `journal`)
//! 5  the folder is removed, or gets its lasting name
//! ```
//!
//! - `store`: these steps; `backup`: the folder of the copies
//! - `upgrade`, `convert`: what becomes of the databases

mod backup;
mod convert;
mod error;
mod store;
mod upgrade;

pub use convert::{ConvertedStore, StoreConvert, StoreConvertPlan};
pub use error::StoreUpgradeError;
pub use upgrade::{Lsns, StoreReport, StoreUpgrade};
