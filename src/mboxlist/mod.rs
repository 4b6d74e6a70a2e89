//! The mail store of Sun Messaging Server: what is in an `mboxlist` folder, and what can be done
//! with it (mboxlist).
//!
//! - [`Release`], [`Engine`]: which release writes which versions
//! - [`Class`]: what a file is, by its name

mod classify;
mod files;
mod list;
mod releases;
mod restore;
#[cfg(unix)]
mod store_upgrade;

pub use files::Hash;
pub use list::{Found, Kind, List, ListReport, Listed, ListedFile, ListedLogs, Origin};
pub use classify::{Class, Mark};
pub use releases::{ENGINES, Engine, LogOrder, Mailbox, RELEASES, Regions, Release, Source};
pub use restore::{Restore, RestoreError, Restored};
#[cfg(unix)]
pub use store_upgrade::{Lsns, StoreReport, StoreUpgrade, StoreUpgradeError};
