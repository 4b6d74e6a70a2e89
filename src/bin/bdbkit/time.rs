//! Times, as people write and read them.

use jiff::civil::DateTime;
use jiff::tz::TimeZone;
use jiff::{Timestamp, Zoned};

/// Reads a time: seconds since 1970, a date and time with zone, or one of local time.
pub(crate) fn parse(text: &str) -> Result<i64, String> {
    let local = |time: DateTime| time.to_zoned(TimeZone::system()).ok().map(|time| time.timestamp());
    let time = text.parse::<i64>().ok();
    let time = time.or_else(|| text.parse::<Timestamp>().ok().map(Timestamp::as_second));
    let time = time.or_else(|| text.parse::<Zoned>().ok().map(|time| time.timestamp().as_second()));
    let time = time.or_else(|| text.parse::<DateTime>().ok().and_then(local).map(Timestamp::as_second));
    time.ok_or_else(|| {
        "expected seconds since 1970, or a time as 2026-11-24T06:32:57Z or 2026-11-24 06:32".into()
    })
}

/// A time in words, local.
pub(crate) fn shown(seconds: i64) -> String {
    let time = Timestamp::from_second(seconds).map(|time| time.to_zoned(TimeZone::system()));
    time.map_or(seconds.to_string(), |time| time.strftime("%F %T %Z").to_string())
}
