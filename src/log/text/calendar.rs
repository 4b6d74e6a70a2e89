//! Seconds since 1970 as a date and a time of day.

use super::buffer::Text;

/// A second of the Gregorian calendar.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Civil {
    year: u32,
    month: u32,
    day: u32,
    hour: u32,
    minute: u32,
    second: u32,
    weekday: u32,
}

const WEEKDAYS: [&str; 7] = ["Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"];
const MONTHS: [&str; 12] =
    ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];

const DAY: i64 = 86400;
/// Days from 1 March of the year 0 to 1 January 1970.
const EPOCH: i64 = 719_468;
/// Days of 400 years.
const ERA: i64 = 146_097;

impl Civil {
    /// The second that is `seconds` after the first of 1970. Log records have 32 bits
    /// for it, which reach from 1901 to 2038.
    #[allow(clippy::arithmetic_side_effects)] // far from overflow: 32 bits, and a day
    pub(super) fn of(seconds: i64) -> Civil {
        let seconds = seconds.clamp(i64::from(i32::MIN) - DAY, i64::from(i32::MAX) + DAY);
        let (days, rest) = (seconds.div_euclid(DAY), seconds.rem_euclid(DAY));
        let (era, day) = ((days + EPOCH).div_euclid(ERA), (days + EPOCH).rem_euclid(ERA));
        // Years that begin in March, so that a leap day is their last.
        let year = (day - day / 1460 + day / 36524 - day / 146_096) / 365;
        let day = day - (365 * year + year / 4 - year / 100);
        let month = (5 * day + 2) / 153;
        let day = day - (153 * month + 2) / 5 + 1;
        let (month, next) = if month < 10 { (month + 2, 0) } else { (month - 10, 1) };
        let number = |n: i64| u32::try_from(n).unwrap_or(0);
        Civil {
            year: number(year + era * 400 + next),
            month: number(month),
            day: number(day),
            hour: number(rest / 3600),
            minute: number(rest / 60 % 60),
            second: number(rest % 60),
            weekday: number((days + 4).rem_euclid(7)),
        }
    }

    /// `Tue Nov 24 05:39:58 2026`.
    pub(super) fn long(self, text: &mut Text) {
        text.put(name(&WEEKDAYS, self.weekday));
        text.raw(b" ");
        text.put(name(&MONTHS, self.month));
        text.raw(b" ");
        text.right(self.day, 2);
        for (before, number) in [(b" ", self.hour), (b":", self.minute), (b":", self.second)] {
            text.raw(before);
            text.zeros(number, 2);
        }
        text.raw(b" ");
        text.decimal(self.year);
    }

    /// `202611240539.58`.
    pub(super) fn short(self, text: &mut Text) {
        text.raw(b"20");
        for number in [self.year % 100, self.month.saturating_add(1), self.day, self.hour, self.minute] {
            text.zeros(number, 2);
        }
        text.raw(b".");
        text.zeros(self.second, 2);
    }
}

fn name(names: &[&'static str], at: u32) -> &'static str {
    usize::try_from(at).ok().and_then(|at| names.get(at).copied()).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::super::tests::written;
    use super::*;

    #[test]
    fn known_seconds() {
        let is = |seconds, long: &str, short: &str| {
            assert_eq!(written(|text| Civil::of(seconds).long(text)), long);
            assert_eq!(written(|text| Civil::of(seconds).short(text)), short);
        };
        is(0, "Thu Jan  1 00:00:00 1970", "207001010000.00");
        is(1_795_501_977, "Tue Nov 24 06:32:57 2026", "202611240632.57");
        is(951_782_399, "Mon Feb 28 23:59:59 2000", "200002282359.59");
        is(951_782_400, "Tue Feb 29 00:00:00 2000", "200002290000.00");
        is(i32::MAX.into(), "Tue Jan 19 03:14:07 2038", "203801190314.07");
        is(-1, "Wed Dec 31 23:59:59 1969", "206912312359.59");
    }
}
