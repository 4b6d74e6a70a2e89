//! What all steps of a salvage share.

use super::claims::Claims;
use super::external::Given;
use super::file::File;
use super::overflow::Chains;
use super::report::SalvageReport;
use super::tiles::Tiles;
use crate::bits::Bits;

/// The file, the pages that were seen, and what was met.
#[derive(Debug)]
pub(super) struct Work<'s> {
    pub(super) file: File<'s>,
    /// Pages that belong to something that was given or passed.
    pub(super) seen: Bits,
    pub(super) chains: Chains,
    pub(super) given: Given,
    /// Pages whose type was called wrong.
    pub(super) typed: Bits,
    /// Scratch for one page.
    pub(super) claims: Claims,
    pub(super) tiles: Tiles,
    pub(super) report: SalvageReport,
    /// Whether to note where pages have unused space.
    pub(super) remains: bool,
}

impl<'s> Work<'s> {
    pub(super) fn new(file: File<'s>) -> Self {
        Work {
            file,
            seen: file.no_pages(),
            chains: Chains::new(&file),
            given: Given::default(),
            typed: file.no_pages(),
            claims: Claims::new(),
            tiles: Tiles::new(),
            report: SalvageReport::new(file.geometry.first_page()),
            remains: false,
        }
    }
}
