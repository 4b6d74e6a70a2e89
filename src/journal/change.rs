//! A change that is under way: what its journal says, and how far it has come.

use std::path::PathBuf;

use super::disk::Disk;
use super::format::{Ending, Header};
use super::names::Head;
use crate::format::meta::{HALF_WRITTEN, at::VERSION};
use crate::order::Endianness;
use crate::types::{PageNo, PageSize};

/// The journal of a change: whole, and on the medium.
///
/// As long as it is there, the file can be made new or old, whatever happens. Dropping
/// it leaves journal and file as they are, for a later run to deal with.
#[derive(Debug)]
pub struct Journal<'d, D: Disk> {
    pub(super) disk: &'d D,
    pub(super) file: &'d D::File,
    /// Name of the database file.
    pub(super) path: PathBuf,
    pub(super) store: D::File,
    /// Name of the journal.
    pub(super) name: PathBuf,
    pub(super) header: Header,
    /// All pages but page 0, in the order in which they are written.
    pub(super) entries: Vec<Entry>,
    pub(super) heads: Heads,
    /// Offset behind the commit record, in bytes.
    pub(super) tail: u64,
    /// Whether a roll back is on record.
    pub(super) rolling: bool,
    pub(super) stage: Stage,
    /// Whether this run wrote the journal: then it knows what the old file is.
    pub(super) own: bool,
}

/// How far a change has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Stage {
    /// The file is untouched.
    Committed,
    /// Pages may have been written.
    Applying,
    /// All pages but page 0 are new.
    Applied,
    /// Page 0 may be new.
    Publishing,
    /// The whole file is new.
    Published,
    /// Pages may be old again.
    RollingBack,
    /// The whole file is old again.
    Restored,
    /// The end may be on record.
    Ended(Ending),
}

/// Where the images of a page stand.
#[derive(Clone, Copy, Debug)]
pub(super) struct Entry {
    pub(super) page: PageNo,
    pub(super) kind: Kind,
    /// Offset of the entry in the journal, in bytes.
    pub(super) at: u64,
}

/// What happens to a page, in the order in which it does.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Kind {
    /// It is added at the end of the file.
    Appended,
    /// It changes.
    Modified,
    /// It is cut off at the end of the file.
    Cut,
}

impl Kind {
    /// Of a page of which there are these images; `None` if there is none.
    pub(super) fn of(before: bool, after: bool) -> Option<Kind> {
        match (before, after) {
            (false, true) => Some(Kind::Appended),
            (true, true) => Some(Kind::Modified),
            (true, false) => Some(Kind::Cut),
            (false, false) => None,
        }
    }
}

/// The states through which the start of page 0 passes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Heads {
    pub(super) before: Head,
    pub(super) poison: Head,
    pub(super) after: Head,
}

impl Heads {
    /// From the images of page 0; `None` if they are too short.
    pub(super) fn of(before: &[u8], after: &[u8], order: Endianness) -> Option<Heads> {
        let (before, after) = (*before.first_chunk()?, *after.first_chunk()?);
        let mut poison: Head = before;
        order.put_u32(&mut poison, VERSION, HALF_WRITTEN);
        Some(Heads { before, poison, after })
    }

    /// Whether every byte of another head is that of one of two of these states.
    pub(super) fn mixed(&self, head: &Head) -> bool {
        let of_two = |one: &Head, other: &Head| {
            head.iter().zip(one.iter().zip(other)).all(|(byte, (one, other))| byte == one || byte == other)
        };
        of_two(&self.before, &self.poison)
            || of_two(&self.poison, &self.after)
            || of_two(&self.before, &self.after)
    }

    /// CRC-32 of each; 0 for a poison that is not used.
    pub(super) fn crcs(&self, poison: bool) -> [u32; 3] {
        let poison = if poison { crc32fast::hash(&self.poison) } else { 0 };
        [crc32fast::hash(&self.before), poison, crc32fast::hash(&self.after)]
    }
}

/// Puts entries in the order in which they are written to the file: appended pages, then
/// modified ones, then those that are cut off, each ascending. The length of the file after, in
/// bytes; or the page that does not fit the others.
pub(super) fn arrange(
    entries: &mut [Entry],
    len_before: u64,
    page_size: PageSize,
) -> Result<u64, (PageNo, &'static str)> {
    let size = u64::from(page_size.get());
    let rest = len_before.checked_rem(size);
    let pages = len_before.checked_div(size).unwrap_or(0);
    if rest != Some(0) || pages == 0 {
        return Err((PageNo::META, "the file does not consist of whole pages"));
    }
    entries.sort_unstable_by_key(|entry| (entry.kind, entry.page));
    let cut = entries.iter().filter(|entry| entry.kind == Kind::Cut).count();
    let kept = pages.saturating_sub(u64::try_from(cut).unwrap_or(u64::MAX));
    let (mut end, mut next_cut) = (pages, kept);
    let mut previous = PageNo::META;
    for entry in &*entries {
        let page = u64::from(entry.page.0);
        match entry.kind {
            Kind::Appended => {
                if page != end {
                    return Err((entry.page, "appended pages must follow the end of the file without a gap"));
                }
                end = end.saturating_add(1);
            }
            Kind::Modified => {
                if page >= kept {
                    return Err((entry.page, "it lies beyond the end of the file"));
                }
                if entry.page <= previous {
                    return Err((entry.page, "it is changed twice"));
                }
                previous = entry.page;
            }
            Kind::Cut => {
                if page != next_cut || end != pages || kept == 0 {
                    return Err((entry.page, "pages that are cut off must be the last of the file"));
                }
                next_cut = next_cut.saturating_add(1);
            }
        }
    }
    Ok(if cut > 0 { kept } else { end }.saturating_mul(size))
}
