//! When records were written.

use bdbkit::Lsn;
use bdbkit::log::{Event, Fate, LogDir, Record};

use crate::time::parse;

/// The options that choose records by their time.
#[derive(clap::Args)]
pub(crate) struct Period {
    /// Only records from this time on: seconds since 1970, or a date and time, local if
    /// it names no zone. Only commits and checkpoints record a time: that of a record is
    /// when its transaction committed, or else the next time that follows in the log.
    /// Records behind the last time count as newer than all others
    #[arg(long, value_name = "TIME", value_parser = parse)]
    since: Option<i64>,

    /// Only records up to this time, this second included
    #[arg(long, value_name = "TIME", value_parser = parse)]
    until: Option<i64>,
}

impl Period {
    /// The times of a log, if records are chosen by them.
    ///
    /// # Errors
    ///
    /// The log has none.
    pub(crate) fn times(&self, log: &LogDir) -> Result<Option<Times<'_>>, String> {
        if self.since.is_none() && self.until.is_none() {
            return Ok(None);
        }
        let stamp = |record: Record<'_>| match record.event() {
            Event::Commit { time } | Event::Abort { time } | Event::Checkpoint { time, .. } => {
                Some((record.lsn(), time?))
            }
            _ => None,
        };
        let stamps: Vec<_> = log.records().filter_map(Result::ok).filter_map(stamp).collect();
        if stamps.is_empty() {
            return Err("no times are in this log: releases before 3.1 did not record them".into());
        }
        Ok(Some(Times { period: self, stamps }))
    }
}

/// The records with times, in their order, and the times that are wanted.
pub(crate) struct Times<'p> {
    period: &'p Period,
    stamps: Vec<(Lsn, i64)>,
}

impl Times<'_> {
    /// Whether a record was written in the wanted time, or its transaction committed.
    pub(crate) fn include(&self, lsn: Lsn, fate: Option<Fate>) -> bool {
        let Period { since, until } = self.period;
        let time = match fate {
            Some(Fate::Committed { time: Some(time), .. }) => time,
            _ => self.following(lsn).unwrap_or(i64::MAX),
        };
        since.is_none_or(|since| time >= since) && until.is_none_or(|until| time <= until)
    }

    /// The next time in the log; none behind the last one.
    fn following(&self, lsn: Lsn) -> Option<i64> {
        let next = self.stamps.partition_point(|(at, _)| *at < lsn);
        self.stamps.get(next).map(|(_, time)| *time)
    }
}
