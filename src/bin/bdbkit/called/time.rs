//! Times as `db_recover -t` takes them.

use std::ffi::OsStr;

use jiff::Zoned;
use jiff::civil::DateTime;

/// Reads `[[CC]YY]MMDDhhmm[.SS]`, local: a date and time as the tool takes it.
pub(super) fn read(text: &OsStr) -> Option<String> {
    let now = i64::from(Zoned::now().year());
    read_in(text.to_str()?, now)
}

/// The same, in a year.
fn read_in(text: &str, year: i64) -> Option<String> {
    let (minutes, seconds) = text.split_once('.').unwrap_or((text, "00"));
    let digits = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
    if !digits(minutes) || !digits(seconds) || seconds.len() != 2 {
        return None;
    }
    let before = minutes.len().checked_sub(8)?;
    let (years, rest) = minutes.split_at_checked(before)?;
    let year = match years.len() {
        0 => year,
        // As POSIX has it.
        2 => years
            .parse::<i64>()
            .ok()
            .map(|two| if two < 69 { two.saturating_add(2000) } else { two.saturating_add(1900) })?,
        4 => years.parse().ok()?,
        _ => return None,
    };
    let part = |from: usize| rest.get(from..from.saturating_add(2));
    let (month, day, hour, minute) = (part(0)?, part(2)?, part(4)?, part(6)?);
    let time = format!("{year:04}-{month}-{day} {hour}:{minute}:{seconds}");
    time.parse::<DateTime>().ok().map(|_| time)
}

#[cfg(test)]
mod tests {
    use super::read_in;

    #[test]
    fn years_and_seconds_may_be_left_out() {
        let read = |text| read_in(text, 2026);
        assert_eq!(read("11240632").as_deref(), Some("2026-11-24 06:32:00"));
        assert_eq!(read("0911240632.51").as_deref(), Some("2009-11-24 06:32:51"));
        assert_eq!(read("7011240632").as_deref(), Some("1970-11-24 06:32:00"));
        assert_eq!(read("201112310000").as_deref(), Some("2011-12-31 00:00:00"));
        for wrong in
            ["13", "", "13240632", "11240632.5", "1124063a", "20261124063", "11242532", "11240632.51.1"]
        {
            assert_eq!(read(wrong), None, "{wrong}");
        }
    }
}
