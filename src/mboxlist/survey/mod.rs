//! A folder in, facts out: what is there, how it was left, which release wrote it
//! (mboxlist, "`survey`").
//!
//! - `store`: what is known of it all; `options`: how it is found out; `listing`: what stands there
//! - `databases`, `logs`, `snapshots`: the facts of each kind of file
//! - `elsewhere`: parts of a store that are in other places
//! - `skipped`, `lost`: logs of older engines, and what they had
//! - `product`: whose environment it is
//! - `state`: closed, or in need of recovery
//! - `candidates`: the releases that fit
//! - `judge`: the findings

mod candidates;
mod databases;
mod elsewhere;
mod findings;
mod judge;
mod listing;
mod logs;
mod lost;
mod marks;
mod options;
mod product;
mod skipped;
mod snapshots;
mod state;
mod store;

pub use candidates::{Candidates, Certainty};
pub use databases::{Check, DatabaseContents, DatabaseFile};
pub use findings::{Code, Evidence, StoreFinding, StoreSeverity};
pub use listing::{Other, OtherForm, RegionFile};
pub use logs::{LogEnd, LogFacts};
pub use lost::Lost;
pub use marks::{AgeFrom, MarkFile, SnapshotVerdict};
pub use options::SurveyOptions;
pub use product::Product;
pub use state::{Decision, DryTest, State};
pub use store::{Snapshot, Survey};

pub(super) use judge::{Target, judge};
pub(super) use state::FIRST_RECORD;
