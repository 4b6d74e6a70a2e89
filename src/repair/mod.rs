//! Mending what a check finds and what follows from the rest of the file, so that nothing is guessed
//! (database-format, "Invariants for a verifier"; upgrade, "Order in which the genuine tools write, and
//! their crash windows").
//!
//! - `open`: the repair as its user sees it; `prepare`: rounds of checks and changes, until nothing is
//!   left to mend
//! - `trees`: links, levels and counts follow from a tree; `half_upgrade`: chains that an upgrade by other
//!   tools left; `pages`: the free list, references, checksums, and what page 0 says of the file

mod half_upgrade;
mod open;
mod pages;
mod prepare;
mod trees;

pub use open::{Repair, RepairChoices, repaired};
