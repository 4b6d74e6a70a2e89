//! Folders that somebody laid out for the tool to fall into: journals, records, drafts and copies
//! that are not those of an earlier run, with right sums; links, pipes, foreign owners.
//!
//! Whatever is done in them, nothing outside changes, nothing of others is removed, and no
//! database is made of two.
//!
//! Some hundreds of folders, or as many as `BDBKIT_FOLDERS` in the environment says:
//!
//! ```text
//! BDBKIT_FOLDERS=10000 cargo test --features cli --test hostile folders:: -- --nocapture
//! ```

mod journals;
mod stages;
