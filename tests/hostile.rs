//! Hostile input: damaged files, and files made to attack the reader.
//!
//! - `mutants`: every truncation and every single-byte change of small files
//! - `classes`: the named kinds of damage, one test each, in both byte orders, as the
//!   reader meets them; `verify_classes` and `salvage_classes` for the other two
//! - `agreement`: files of which the reader and the check of the whole file must say the same,
//!   within the same bounds
//! - `damage`: the files of these tests, and what is done to them
//! - `memory`: what damaged files make the reader allocate
//! - `damaged`: the files of `testdata/damage-*`
//! - `regress`: faults that were found and mended
//!
//! Each byte is changed to a few values only. With `BDBKIT_EXHAUSTIVE=1` in the
//! environment, each byte of all small files takes all 255 other values, which
//! takes hours without optimisation:
//!
//! ```text
//! BDBKIT_EXHAUSTIVE=1 cargo test --profile hardened --test hostile exhaustive -- --nocapture
//! ```

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects,
    missing_docs
)]

mod common;

#[path = "hostile/agreement.rs"]
mod agreement;
#[path = "hostile/classes.rs"]
mod classes;
#[path = "common/counting.rs"]
mod counting;
#[path = "hostile/damage.rs"]
mod damage;
#[path = "hostile/damaged.rs"]
mod damaged;
#[path = "hostile/memory.rs"]
mod memory;
#[path = "hostile/mutants.rs"]
mod mutants;
#[path = "hostile/regress.rs"]
mod regress;
#[path = "hostile/salvage_classes.rs"]
mod salvage_classes;
#[path = "hostile/verify_classes.rs"]
mod verify_classes;
