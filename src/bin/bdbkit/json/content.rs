//! Keys, values and what became of changes, as logs tell them.

use bdbkit::log::{self, Fate};
use serde::Serialize;

use super::{Bytes, Time};

/// A key or a value, as far as it is known.
#[derive(Serialize)]
#[serde(untagged)]
pub(crate) enum Content<'a> {
    Whole(Bytes<'a>),
    Part { prefix: u32, middle: Bytes<'a>, suffix: u32 },
    Chain { page: u32, length: u32 },
    Record { record: u32 },
}

impl<'a> Content<'a> {
    /// `None` if nothing is known of it.
    pub(crate) fn of(content: &'a log::Known<'_>) -> Option<Content<'a>> {
        Some(match content {
            log::Known::Bytes(bytes) => Content::Whole(Bytes(bytes)),
            log::Known::Part { prefix, middle, suffix } => {
                Content::Part { prefix: *prefix, middle: Bytes(middle), suffix: *suffix }
            }
            log::Known::Chain { page, len } => Content::Chain { page: page.0, length: *len },
            log::Known::Record(number) => Content::Record { record: *number },
            _ => return None,
        })
    }
}

/// What became of a change, and when it was committed, if that is recorded.
pub(crate) fn fate(fate: Fate) -> (&'static str, Option<Time>) {
    match fate {
        Fate::Committed { time, .. } => ("committed", time.map(Time::of_seconds)),
        Fate::Aborted => ("aborted", None),
        Fate::Prepared => ("prepared", None),
        Fate::Unknown => ("unknown", None),
        _ => ("uncommitted", None),
    }
}
