//! The mail store of Sun Messaging Server: what is in an `mboxlist` folder, and what can be done
//! with it (mboxlist).

mod files;
mod list;
mod restore;
#[cfg(unix)]
mod store_upgrade;

pub use files::Hash;
pub use list::{Found, Kind, List, ListReport, Listed, ListedFile, ListedLogs, Origin};
pub use restore::{Restore, RestoreError, Restored};
#[cfg(unix)]
pub use store_upgrade::{Lsns, StoreReport, StoreUpgrade, StoreUpgradeError};
