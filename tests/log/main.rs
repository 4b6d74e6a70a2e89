//! Transaction logs.
//!
//! - `golden`: genuine logs beside what `db_printlog` printed of them
//! - `props`: logs that a small writer made: what is read is what was written
//! - `history`: what a log tells of pairs; `history_crafted` for one question each,
//!   `history_hostile` for what misleads it
//! - `pages`: what records do to pages, step by step
//! - `later`: records that only logs of releases 6.0 to 18.1 have
//! - `recover`: what recovery makes of genuine environments; `recover_props` of ones that a small writer
//!   made, `recover_hostile` of those that lie
//! - `undelete`: what databases held at a moment
//! - `hostile`: logs that are cut, damaged, or made to cost time or memory

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects,
    clippy::as_conversions,
    missing_docs
)]

#[path = "../common/mod.rs"]
mod common;
#[path = "../common/counting.rs"]
mod counting;
#[path = "../common/craft.rs"]
mod craft;

mod golden;
mod history;
mod history_crafted;
mod history_hostile;
mod hostile;
mod later;
mod pages;
mod props;
mod recover;
mod recover_hostile;
mod recover_props;
mod undelete;
