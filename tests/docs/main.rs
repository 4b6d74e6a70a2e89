//! What the repository says of itself is true.
//!
//! - `citations`: what the code cites of the documents in `docs/` is there
//! - `faults`: planted faults find the text that they replace
//! - `names`: one public name is one thing
//! - `package`: what the package holds is enough for its own tests
//! - `rooms`: no room of `src/` uses one above it
//! - `words`: messages of the library name no command of the tool

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects,
    missing_docs
)]

mod citations;
mod faults;
mod names;
mod package;
mod rooms;
mod words;
