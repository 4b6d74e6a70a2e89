//! One pass over an image, sector by sector.

use std::io::{Read, Seek, SeekFrom};

use super::CarveProgress;
use super::error::CarveError;
use super::image::{WINDOW, read_all};
use super::sighting::Sighting;
use crate::format::log as log_layout;
use crate::format::meta::{BTREE_MAGIC, HASH_MAGIC};
use crate::format::series1;
use crate::order::Endianness::{Big, Little};

/// Where pages may begin.
const SECTOR: usize = 512;
/// How much is read at a time, in bytes.
const BLOCK: usize = 1 << 20;

/// What was seen in an image, in the order of offsets.
#[derive(Debug, Default)]
pub(super) struct Scan {
    /// How many bytes there are.
    pub(super) len: u64,
    pub(super) sightings: Vec<Sighting>,
    /// Where log files may begin.
    pub(super) logs: Vec<u64>,
    /// Where files of the 1.x series may begin.
    pub(super) series1: Vec<u64>,
}

impl Scan {
    /// Reads an image from its start to its end.
    pub(super) fn of(
        image: &mut (impl Read + Seek),
        progress: &dyn Fn(CarveProgress),
    ) -> Result<Scan, CarveError> {
        let mut scan = Scan::default();
        let failed = |at| move |cause| CarveError::Read { at, cause };
        image.seek(SeekFrom::Start(0)).map_err(failed(0))?;
        let mut block = vec![0; BLOCK.saturating_add(WINDOW)];
        let mut kept = 0;
        loop {
            let room = block.get_mut(kept..).unwrap_or_default();
            let wanted = room.len();
            let read = read_all(image, room).map_err(failed(scan.len))?;
            let start = scan.len.saturating_sub(u64::try_from(kept).unwrap_or(0));
            scan.len = scan.len.saturating_add(u64::try_from(read).unwrap_or(0));
            let filled = block.get(..kept.saturating_add(read)).unwrap_or_default();
            let last = read < wanted;
            // What begins in the rest may go on behind it.
            let until = if last { filled.len() } else { filled.len().saturating_sub(WINDOW) };
            scan.block(filled, until, start)?;
            progress(CarveProgress { searched: scan.len });
            if last {
                return Ok(scan);
            }
            block.copy_within(until.., 0);
            kept = WINDOW;
        }
    }

    /// Looks at the sectors that begin before `until`.
    fn block(&mut self, bytes: &[u8], until: usize, start: u64) -> Result<(), CarveError> {
        let mut rest = bytes;
        let mut at = start;
        for _ in (0..until).step_by(SECTOR) {
            self.sector(rest, at)?;
            rest = rest.get(SECTOR..).unwrap_or_default();
            at = at.saturating_add(512);
        }
        Ok(())
    }

    #[inline]
    fn sector(&mut self, rest: &[u8], at: u64) -> Result<(), CarveError> {
        let page = rest.get(..WINDOW).unwrap_or(rest);
        if let Some(sighting) = Sighting::of(page, at) {
            if u32::try_from(self.sightings.len()).is_err() {
                return Err(CarveError::TooMany { at });
            }
            self.sightings.push(sighting);
        }
        let word = |offset| Little.u32_at(page, offset).unwrap_or(0);
        let is = |offset, magic: u32| word(offset) == magic || word(offset) == magic.swap_bytes();
        // What is encrypted shows only how long its first records are.
        if is(log_layout::MAGIC_AT, log_layout::MAGIC)
            || is(log_layout::LENGTH_AT, log_layout::ENCRYPTED_FIRST)
        {
            self.logs.push(at);
        }
        let version = Big.u32_at(page, series1::VERSION).unwrap_or(0);
        if is(series1::MAGIC, BTREE_MAGIC)
            || word(series1::MAGIC) == HASH_MAGIC.swap_bytes() && (1..=3).contains(&version)
        {
            self.series1.push(at);
        }
        Ok(())
    }
}
