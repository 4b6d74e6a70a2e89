//! What the log of an environment says of a database file.

use std::io::{self, Write};

use bdbkit::recover::{Condition, Pending, RecoverError};
use serde::Serialize;

use crate::json;

/// Whether the log holds changes that a file lacks.
#[derive(Default, Serialize)]
pub(super) struct LogState {
    #[serde(skip)]
    text: Option<String>,
    pending: Option<Counts>,
    /// Why it is not known.
    pending_unknown: Option<String>,
    /// Why the log cannot make it consistent.
    unrecoverable: Option<String>,
}

#[derive(Serialize)]
struct Counts {
    committed: u64,
    uncommitted: u64,
    undecided: u64,
    first_lsn: json::Lsn,
    last_lsn: json::Lsn,
    log: String,
}

impl LogState {
    pub(super) fn of(found: Result<Option<Condition>, RecoverError>) -> LogState {
        match found {
            Ok(Some(Condition::Due(pending))) => LogState {
                text: Some(pending.to_string()),
                pending: Some(Counts::of(&pending)),
                ..LogState::default()
            },
            Ok(Some(Condition::Unrecoverable { why, .. })) => LogState {
                text: Some(format!("not consistent, and the log cannot make it so: {why}")),
                unrecoverable: Some(why),
                ..LogState::default()
            },
            Ok(_) => LogState::default(),
            Err(error) => LogState { pending_unknown: Some(error.to_string()), ..LogState::default() },
        }
    }

    /// What there is to say.
    pub(super) fn text(&self) -> Option<String> {
        let unknown = self.pending_unknown.as_ref();
        let unknown = unknown.map(|why| format!("it is not known whether the log has changes for it: {why}"));
        self.text.clone().or(unknown)
    }

    /// Whether nothing is pending, as far as is known.
    pub(super) fn is_settled(&self) -> bool {
        self.pending.is_none() && self.pending_unknown.is_none() && self.unrecoverable.is_none()
    }

    pub(super) fn is_unknown(&self) -> bool {
        self.pending_unknown.is_some()
    }

    pub(super) fn print(&self, out: &mut impl Write) -> io::Result<()> {
        self.text().map_or(Ok(()), |text| writeln!(out, "  {:<15} {text}", "log"))
    }
}

impl Counts {
    fn of(pending: &Pending) -> Counts {
        Counts {
            committed: pending.committed,
            uncommitted: pending.uncommitted,
            undecided: pending.undecided,
            first_lsn: pending.first.into(),
            last_lsn: pending.last.into(),
            log: json::name(&pending.logs),
        }
    }
}
