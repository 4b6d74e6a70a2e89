//! Local time, as `db_printlog` shows it.

use std::cell::Cell;

use jiff::Timestamp;
use jiff::tz::TimeZone;

/// The time zone of this machine, or of the variable `TZ`.
pub(crate) struct Zone {
    zone: TimeZone,
    /// The last second asked for and its offset: commits come many in a second.
    last: Cell<(i64, i64)>,
}

impl Zone {
    pub(crate) fn local() -> Zone {
        let zone = TimeZone::system();
        let last = Cell::new((0, offset(&zone, 0)));
        Zone { zone, last }
    }

    /// Seconds by which local time is ahead of UTC at a time.
    pub(crate) fn offset(&self, seconds: i64) -> i64 {
        let (last, known) = self.last.get();
        if last == seconds {
            return known;
        }
        let offset = offset(&self.zone, seconds);
        self.last.set((seconds, offset));
        offset
    }
}

fn offset(zone: &TimeZone, seconds: i64) -> i64 {
    Timestamp::from_second(seconds).map_or(0, |time| zone.to_offset(time).seconds().into())
}
