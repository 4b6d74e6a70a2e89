//! Times.

use std::time::SystemTime;

use jiff::Timestamp;
use serde::{Serialize, Serializer};

/// Seconds since 1970, and the same as a date where there is one.
#[derive(Clone, Copy, Serialize)]
pub(crate) struct Time {
    pub(crate) seconds: i64,
    #[serde(serialize_with = "date")]
    utc: Option<Timestamp>,
}

impl Time {
    pub(crate) fn of_seconds(seconds: i64) -> Time {
        Time { seconds, utc: Timestamp::from_second(seconds).ok() }
    }

    /// The time of a file; `None` if it has no date.
    pub(crate) fn of(time: SystemTime) -> Option<Time> {
        let time = Timestamp::try_from(time).ok()?;
        Some(Time { seconds: time.as_second(), utc: Some(time) })
    }
}

fn date<S: Serializer>(time: &Option<Timestamp>, serializer: S) -> Result<S::Ok, S::Error> {
    match time {
        Some(time) => serializer.collect_str(time),
        None => serializer.serialize_none(),
    }
}
