//! Where the records of a file end, and why (log-format, "Where a file, and the log,
//! ends").

use std::fmt;

use super::LogFile;
use crate::format::log::Header;
use crate::log::error::RecordDefect;
use crate::log::record::Record;
use crate::types::Lsn;

/// Where the records of a log file end, and what stands there instead of another.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Tail {
    /// Where the next record would stand.
    pub lsn: Lsn,
    /// What stands there.
    pub kind: TailKind,
    /// The first whole record that stands further behind.
    pub behind: Option<Behind>,
}

/// What stands where the next record of a log file would.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum TailKind {
    /// Nothing: the file ends with its last record.
    Clean,
    /// Zeros: room that was made ahead of writing.
    Zeros {
        /// How many bytes.
        len: u32,
    },
    /// The beginning of a record: the write was torn, or the file was cut.
    Cut {
        /// Bytes that are there.
        have: u32,
        /// Bytes of the whole record, or of its header if that is cut.
        need: u32,
    },
    /// A record of the right length with a wrong checksum: a torn write, or damage.
    Torn {
        /// What is wrong with it.
        defect: RecordDefect,
    },
    /// Bytes that do not belong to the log.
    Garbage {
        /// How many bytes are left in the file.
        len: u32,
        /// What keeps them from being a record.
        defect: RecordDefect,
    },
}

/// A whole record behind the place where the records of a file end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Behind {
    /// Where it stands.
    pub lsn: Lsn,
    /// Whether it follows the record that is missing: then that one is damaged.
    /// Otherwise this is what is left of an older log, or more than one record is damaged.
    pub follows: bool,
}

impl Tail {
    /// Whether the file ends as a writer leaves it: with its last record, or with
    /// room for more.
    #[must_use]
    pub fn is_clean(&self) -> bool {
        matches!(self.kind, TailKind::Clean | TailKind::Zeros { .. }) && self.behind.is_none()
    }

    /// What keeps a record from standing here; none where there is nothing.
    pub(crate) fn defect(&self) -> Option<RecordDefect> {
        match self.kind {
            TailKind::Clean | TailKind::Zeros { .. } => None,
            TailKind::Cut { have, need } => Some(RecordDefect::Cut { have, need }),
            TailKind::Torn { defect } | TailKind::Garbage { defect, .. } => Some(defect),
        }
    }
}

impl fmt::Display for Tail {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.lsn, self.kind)?;
        match self.behind {
            Some(Behind { lsn, follows: true }) => write!(f, "; the records behind it go on at {lsn}"),
            Some(Behind { lsn, follows: false }) => write!(
                f,
                "; whole records stand behind, from {lsn} on: of an older log, or behind more damage"
            ),
            None => Ok(()),
        }
    }
}

impl fmt::Display for TailKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            TailKind::Clean => write!(f, "ends with its last record"),
            TailKind::Zeros { len } => write!(f, "ends before {len} zero bytes, room made ahead of writing"),
            TailKind::Cut { have, need } => {
                write!(f, "ends before a torn or cut record: {have} bytes of {need}")
            }
            TailKind::Torn { defect } => write!(f, "ends before a torn or damaged record: {defect}"),
            TailKind::Garbage { len, defect } => {
                write!(f, "ends before {len} bytes that are no record of this log: {defect}")
            }
        }
    }
}

/// How many bytes a search for further records may check, and how many places it may
/// look at for the one that follows, as a multiple of the file's length.
const SEARCH: u64 = 8;

/// What the search for records behind a tail may still cost.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Budget {
    bytes: u64,
    places: u64,
}

impl Budget {
    pub(crate) fn of(file: &LogFile<'_>) -> Budget {
        let all = file.size().saturating_mul(SEARCH);
        Budget { bytes: all, places: all }
    }

    fn check(&mut self, len: u32) -> bool {
        let left = self.bytes.checked_sub(len.into());
        self.bytes = left.unwrap_or(0);
        left.is_some()
    }

    fn look(&mut self) -> bool {
        let left = self.places.checked_sub(1);
        self.places = left.unwrap_or(0);
        left.is_some()
    }
}

/// Judges the place where no record could be read. `before` is the offset of the
/// record before it.
pub(crate) fn judge(
    file: &LogFile<'_>,
    at: u32,
    before: u32,
    defect: RecordDefect,
    budget: &mut Budget,
) -> Tail {
    let lsn = file.lsn(at);
    let rest = file.rest(at);
    let left = file.end().saturating_sub(at);
    let zeros = rest.iter().take_while(|&&byte| byte == 0).count();
    let clean = |kind| Tail { lsn, kind, behind: None };
    if left == 0 {
        return clean(TailKind::Clean);
    }
    if zeros == rest.len() {
        return clean(TailKind::Zeros { len: left });
    }
    let joined = follows(file, at, before);
    let kind = match defect {
        RecordDefect::Header { need, .. } if joined => TailKind::Cut { have: left, need },
        RecordDefect::Length { found, .. } if joined && found > left => {
            TailKind::Cut { have: left, need: found }
        }
        RecordDefect::Length { found: 0, .. } if zeros >= usize::try_from(file.header_len()).unwrap_or(0) => {
            TailKind::Zeros { len: u32::try_from(zeros).unwrap_or(u32::MAX) }
        }
        RecordDefect::Checksum { .. } | RecordDefect::Code | RecordDefect::Padding { .. } if joined => {
            TailKind::Torn { defect }
        }
        _ => TailKind::Garbage { len: left, defect },
    };
    Tail { lsn, kind, behind: search(file, at, budget) }
}

/// Whether what stands at an offset begins as a record behind `before` does: with as
/// much of its offset as there is.
fn follows(file: &LogFile<'_>, at: u32, before: u32) -> bool {
    let expected = match file.endianness() {
        crate::order::Endianness::Little => before.to_le_bytes(),
        crate::order::Endianness::Big => before.to_be_bytes(),
    };
    file.rest(at).iter().zip(expected).all(|(found, expected)| *found == expected)
}

/// Looks for the next whole record behind one that could not be read: the one that
/// follows it, or else the first that there is.
fn search(file: &LogFile<'_>, at: u32, budget: &mut Budget) -> Option<Behind> {
    let behind = |place, follows| Some(Behind { lsn: file.lsn(place), follows });
    let next = file.raw_header(at).map(|(_, raw)| at.saturating_add(raw.len.max(1)));
    let places = at.saturating_add(1)..file.end().saturating_sub(file.header_len());
    for place in next.into_iter().chain(places.clone()) {
        if !budget.look() {
            break;
        }
        if let Some(raw) = plausible(file, place).filter(|raw| raw.prev == at) {
            if !budget.check(raw.len) {
                return None;
            }
            if file.read(place).is_ok() {
                return behind(place, true);
            }
        }
    }
    for place in places {
        let Some(raw) = plausible(file, place) else { continue };
        if !budget.check(raw.len) {
            return None;
        }
        if file.read(place).is_ok_and(|record| proven(file, &record)) {
            return behind(place, raw.prev == at);
        }
    }
    None
}

/// Whether more than its checksum speaks for a record. In page images there are many
/// zeros, and few other bytes between them have the right checksum now and then.
fn proven(file: &LogFile<'_>, record: &Record<'_>) -> bool {
    let place = record.lsn().offset;
    let next = || plausible(file, place.saturating_add(record.size()));
    file.encrypted() || record.note().is_none() || next().is_some_and(|next| next.prev == place)
}

/// A header whose numbers can be those of a record.
fn plausible<'a>(file: &'a LogFile<'_>, place: u32) -> Option<Header<'a>> {
    let (_, raw) = file.raw_header(place)?;
    let left = file.end().saturating_sub(place);
    (raw.len > file.header_len() && raw.len <= left && raw.prev < place).then_some(raw)
}
