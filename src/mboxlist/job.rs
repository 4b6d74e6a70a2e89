//! What this library can do about a finding, or in a step of a plan.

use std::path::PathBuf;

use crate::order::Endianness;

/// A job of this library.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Job {
    /// To look into any environment: [`Database`](crate::Database), [`Verify`](crate::verify::Verify),
    /// [`log`](crate::log).
    Inspect,
    /// To list the entries that logs have: [`List`](super::List).
    ListFromLogs,
    /// To take what is left of a file: [`Salvage`](crate::salvage::Salvage).
    Salvage,
    /// To reset the LSNs of files: [`Reset`](crate::upgrade::Reset).
    ResetLsns,
    /// To upgrade files to this version: [`Upgrade`](crate::upgrade::Upgrade).
    Upgrade(u32),
    /// To bring files back to this version: `downgrade::Downgrade`.
    Downgrade(u32),
    /// To complete an upgrade of files.
    ResumeUpgrade,
    /// To take it back.
    RollBackUpgrade,
    /// To recover a store: [`StoreRecover`](super::StoreRecover).
    StoreRecover,
    /// To upgrade the databases of a store to this version: [`StoreUpgrade`](super::StoreUpgrade).
    StoreUpgrade(u32),
    /// To convert a store for a machine of this byte order: [`StoreConvert`](super::StoreConvert).
    StoreConvert(Endianness),
    /// To complete an upgrade of a store.
    ResumeStoreUpgrade,
    /// To take it back.
    RollBackStoreUpgrade,
    /// To see what the snapshots are worth: [`Survey`](super::Survey).
    Snapshots,
    /// To restore a snapshot: [`Restore`](super::Restore).
    Restore,
    /// To complete a restore.
    ResumeRestore,
}

/// What does a step of a plan.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum StepCommand {
    /// Programs of the product, as a shell runs them, several joined with `&&`.
    Product(&'static str),
    /// A job of this library, and the files or the folder that it is about. For
    /// [`Job::Restore`]: the folder of the databases, then that of the snapshot.
    Own(Job, Vec<PathBuf>),
}

impl From<&'static str> for StepCommand {
    fn from(line: &'static str) -> StepCommand {
        StepCommand::Product(line)
    }
}
