//! The mail store of Sun Messaging Server: what is in an `mboxlist` folder, and what can be done
//! with it (mboxlist).
//!
//! - [`Release`], [`Engine`]: which release writes which versions, and what an engine does with
//!   the logs of others
//! - [`Class`]: what a file is, by its name
//! - [`Survey`]: what is there, how it was left, which release wrote it
//! - [`StorePlan`]: the way to another release, step by step

mod called;
mod classify;
mod files;
mod job;
mod list;
mod names;
mod plan;
mod progress;
mod releases;
#[cfg(feature = "upgrade")]
mod restore;
mod snapshot_copy;
#[cfg(feature = "upgrade")]
mod store_change;
#[cfg(feature = "upgrade")]
mod store_recover;
mod survey;

pub use crate::env::{ENGINES, Engine, LAST_OF_HOST_ORDER, LogOrder, Regions, Treatment};
pub use classify::{Class, Mark};
pub use files::Hash;
pub use job::{Job, StepCommand};
pub use list::{EntryOrigin, Found, Kind, List, ListReport, Listed, ListedFile, ListedLogs};
pub use plan::{By, PlanOptions, PlanStep, StepState, StorePlan, Task};
pub use progress::StoreProgress;
pub use releases::{Mailbox, RELEASES, Release, Source};
#[cfg(feature = "upgrade")]
pub use restore::{Restore, RestoreError, Restored};
pub use snapshot_copy::{SnapshotCopy, SnapshotCopyError};
#[cfg(feature = "upgrade")]
pub use store_change::{
    ConvertedStore, Lsns, StoreConvert, StoreConvertPlan, StoreReport, StoreUpgrade, StoreUpgradeError,
};
#[cfg(feature = "upgrade")]
pub use store_recover::{StoreRecover, StoreRecoverError};
pub use survey::{
    AgeFrom, Candidates, Certainty, Check, Code, DatabaseContents, DatabaseFile, Decision, DryTest, Evidence,
    LogEnd, LogFacts, Lost, MarkFile, Other, OtherForm, Product, RegionFile, Snapshot, SnapshotVerdict,
    State, StoreFinding, StoreSeverity, Survey, SurveyOptions,
};
