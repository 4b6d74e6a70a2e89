//! The mail store of Sun Messaging Server: what is in an `mboxlist` folder, and what can be done
//! with it (mboxlist).

mod files;
mod restore;
#[cfg(unix)]
mod store_upgrade;

pub use restore::{Restore, RestoreError, Restored};
#[cfg(unix)]
pub use store_upgrade::{Lsns, StoreReport, StoreUpgrade, StoreUpgradeError};
