//! How wide text may be.

use std::env;
use std::io;

use terminal_size::{Width, terminal_size_of};

/// Where no terminal is, as in a pipe or a file.
const USUAL: usize = 80;
/// Less makes no table of anything.
const LEAST: usize = 20;

/// The columns of standard output: what `COLUMNS` says, those of the terminal, or 80.
pub(crate) fn columns() -> usize {
    let told = env::var("COLUMNS").ok().and_then(|columns| columns.parse().ok());
    let terminal = || terminal_size_of(io::stdout()).map(|(Width(columns), _)| usize::from(columns));
    told.or_else(terminal).filter(|columns| *columns > 0).unwrap_or(USUAL).max(LEAST)
}
