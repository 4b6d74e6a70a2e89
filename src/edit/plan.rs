//! A plan to look at: every page that changes, and why.

use std::path::{Path, PathBuf};

use super::notice::Notice;
use super::operation::{Prepared, Ready};
use super::reason::Reason;
use crate::journal::ContentSum;
use crate::order::Endianness;
use crate::types::PageNo;

/// What would be done to a file.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Plan {
    /// The file.
    pub path: PathBuf,
    /// Version before.
    pub from: u32,
    /// Version afterwards: the same, if there is nothing to do.
    pub to: u32,
    /// Byte order before.
    pub from_order: Endianness,
    /// Byte order afterwards: the same, unless the file is converted.
    pub to_order: Endianness,
    /// Number of pages before.
    pub pages_before: u32,
    /// Number of pages afterwards.
    pub pages_after: u32,
    /// What the file holds, before and afterwards; `None` if nothing but page 0 would
    /// change, so that all pairs stand where they stand.
    pub content: Option<ContentSum>,
    /// What is worth knowing.
    pub notices: Vec<Notice>,
    changes: Vec<(PageNo, Reasons)>,
}

/// A page that changes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Change {
    /// The page.
    pub page: PageNo,
    /// Whether it is added at the end of the file.
    pub appended: bool,
    reasons: Reasons,
}

/// Several reasons, one bit each.
pub(super) type Reasons = u32;

impl Plan {
    pub(super) fn new(path: &Path, prepared: &Prepared<'_>) -> Plan {
        let draft = &prepared.draft;
        Plan {
            path: path.to_owned(),
            from: prepared.from,
            to: prepared.to,
            from_order: draft.pages().order(),
            to_order: prepared.order,
            pages_before: draft.pages().count(),
            pages_after: draft.count(),
            content: prepared.promise.content(),
            notices: prepared.notices.clone(),
            changes: draft.touched().map(|no| (no, draft.reasons(no))).collect(),
        }
    }

    /// For a file that has the form already.
    pub(super) fn nothing(path: &Path, ready: Ready) -> Plan {
        Plan {
            path: path.to_owned(),
            from: ready.version,
            to: ready.version,
            from_order: ready.order,
            to_order: ready.order,
            pages_before: ready.pages,
            pages_after: ready.pages,
            content: None,
            notices: Vec::new(),
            changes: Vec::new(),
        }
    }

    /// The pages that change: those that are there by number, then new ones. None if the
    /// file has the form already.
    pub fn changes(&self) -> impl ExactSizeIterator<Item = Change> {
        let change = |&(page, reasons): &(PageNo, Reasons)| {
            let appended = page.0 >= self.pages_before;
            Change { page, appended, reasons }
        };
        self.changes.iter().map(change)
    }
}

impl Change {
    /// Why it changes.
    pub fn reasons(&self) -> impl Iterator<Item = Reason> {
        Reason::of(self.reasons)
    }
}
