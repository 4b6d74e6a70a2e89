//! The names by which people call a release: `5.2`, `7u3`, `7 Update 3`, and what
//! `imsimta version` prints of it.

use super::releases::{RELEASES, Release};

/// Words that stand before the number of a release and tell nothing more.
const WORDS: [&str; 17] = [
    "communications",
    "ims",
    "iplanet",
    "java",
    "java(tm)",
    "messaging",
    "ms",
    "netscape",
    "one",
    "oracle",
    "release",
    "server",
    "suite",
    "sun",
    "system",
    "version",
    "v",
];

/// The names of some releases besides their short ones, as they are told to users.
static ALSO: [(&str, &[&str]); 9] = [
    ("5.x", &["5.0", "5.1", "5.2"]),
    ("6.1", &["6 2004Q2"]),
    ("6.2", &["6 2005Q1"]),
    ("7u1", &["7.1", "7 Update 1"]),
    ("7u2", &["7.2", "7 Update 2"]),
    ("7u3", &["7.3", "7 Update 3"]),
    ("7u4", &["7.4", "7 Update 4"]),
    ("7.0.5", &["7u5", "7 Update 5"]),
    ("8.1", &["8.1.0"]),
];

impl Release {
    /// The release of a name: the short one, another that people use, or what `imsimta version`
    /// prints, with or without the name of the product before it and a build behind it.
    ///
    /// ```
    /// use bdbkit::mboxlist::Release;
    ///
    /// for name in ["7u3", "7.3", "7 Update 3", "Messaging Server 7.3-11.01 64bit (built Sep  1 2009)"] {
    ///     assert_eq!(Release::find(name).map(|release| release.id), Some("7u3"));
    /// }
    /// assert_eq!(Release::find("iMS 5.2").map(|release| release.id), Some("5.x"));
    /// assert!(Release::find("7.9").is_none());
    /// ```
    #[must_use]
    pub fn find(name: &str) -> Option<&'static Release> {
        let id = Number::of(name)?.id()?;
        RELEASES.iter().find(|release| release.id == id)
    }

    /// Names that [`Release::find`] takes besides the short one.
    #[must_use]
    pub fn also(&self) -> &'static [&'static str] {
        ALSO.iter().find(|(id, _)| *id == self.id).map_or(&[], |(_, names)| names)
    }
}

/// The number in the name of a release.
#[derive(Debug, PartialEq, Eq)]
struct Number {
    /// `7.0.5` as 7, 0 and 5.
    parts: Vec<u32>,
    /// What stands in the place of all further parts: `5.x`.
    any: bool,
    /// The 3 in `7 Update 3`.
    update: Option<u32>,
    /// The quarter of a year in `6 2004Q2`.
    quarter: Option<String>,
}

impl Number {
    fn of(name: &str) -> Option<Number> {
        let name = name.trim().to_ascii_lowercase();
        // What imsimta version prints has a second line, of its library.
        let name = name.lines().next()?;
        let at = name.find(|c: char| c.is_ascii_digit())?;
        let (before, number) = name.split_at_checked(at)?;
        if !before.split_whitespace().all(|word| WORDS.contains(&word)) {
            return None;
        }
        let mut number = Scan(number);
        let mut found = Number { parts: vec![number.number()?], any: false, update: None, quarter: None };
        while number.take(".") {
            match number.number() {
                Some(part) => found.parts.push(part),
                None if number.take("x") => found.any = true,
                None => return None,
            }
        }
        let whole = Scan(number.0);
        number.blanks();
        if number.take("update") || number.take("u") {
            number.blanks();
            found.update = Some(number.number()?);
        } else if let Some(quarter) = number.quarter() {
            found.quarter = Some(quarter);
        } else {
            number = whole;
        }
        number.ends().then_some(found)
    }

    /// The short name of the release that has this number.
    fn id(&self) -> Option<&'static str> {
        let plain = self.update.is_none() && self.quarter.is_none();
        let id = match (self.parts.as_slice(), self.update, self.quarter.as_deref()) {
            ([4, 15], None, None) => "4.15",
            ([5, ..], None, None) => "5.x",
            ([6, 0, ..], None, None) => "6.0",
            ([6, 1, ..], None, None) | ([6], None, Some("2004q2")) => "6.1",
            ([6, 2, ..], None, None) | ([6], None, Some("2005q1")) => "6.2",
            ([6, 3, ..], None, None) => "6.3",
            ([7, 0, 5, ..], None, None) | ([7], Some(5), None) => "7.0.5",
            ([7, 0] | [7, 0, 0], None, None) => "7.0",
            ([7, 1, ..], None, None) | ([7] | [7, 0], Some(1), None) => "7u1",
            ([7, 2, ..], None, None) | ([7] | [7, 0], Some(2), None) => "7u2",
            ([7, 3, ..], None, None) | ([7] | [7, 0], Some(3), None) => "7u3",
            ([7, 4, ..], None, None) | ([7] | [7, 0], Some(4), None) => "7u4",
            ([8, 0, 1, ..], ..) if plain => "8.0.1",
            ([8, 0, 2, ..], ..) if plain => "8.0.2",
            ([8, 0] | [8, 0, 0, ..], ..) if plain => "8.0",
            ([8, 1, ..], ..) if plain => "8.1",
            _ => return None,
        };
        (!self.any || id == "5.x").then_some(id)
    }
}

/// A text that is read from its front.
struct Scan<'t>(&'t str);

impl Scan<'_> {
    fn take(&mut self, prefix: &str) -> bool {
        let rest = self.0.strip_prefix(prefix);
        self.0 = rest.unwrap_or(self.0);
        rest.is_some()
    }

    fn blanks(&mut self) {
        self.0 = self.0.trim_start();
    }

    fn number(&mut self) -> Option<u32> {
        let end = self.0.find(|c: char| !c.is_ascii_digit()).unwrap_or(self.0.len());
        let (digits, rest) = self.0.split_at_checked(end)?;
        let number = digits.parse().ok()?;
        self.0 = rest;
        Some(number)
    }

    /// A year and its quarter: `2004q2`.
    fn quarter(&mut self) -> Option<String> {
        let (quarter, rest) = self.0.split_at_checked(6)?;
        let (year, part) = quarter.split_once('q')?;
        if year.parse::<u16>().is_err() || !matches!(part, "1" | "2" | "3" | "4") {
            return None;
        }
        self.0 = rest;
        Some(quarter.to_owned())
    }

    /// Whether only a build or a patch follows, which makes no other release.
    fn ends(&self) -> bool {
        let patch = |rest: &str| rest.starts_with(|c: char| c.is_ascii_digit());
        self.0.is_empty()
            || self.0.starts_with(['-', ' ', '\t', ',', '(', '_'])
            || self.0.strip_prefix('p').is_some_and(patch)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn id(name: &str) -> Option<&'static str> {
        Release::find(name).map(|release| release.id)
    }

    #[test]
    fn releases_are_found_by_the_names_that_people_use() {
        let cases = [
            ("5.2", "5.x"),
            ("iMS 5.2", "5.x"),
            ("iPlanet Messaging Server 5.2 Patch 2", "5.x"),
            ("5.2p1", "5.x"),
            ("5.X", "5.x"),
            ("4.15", "4.15"),
            ("6.0", "6.0"),
            ("6.1", "6.1"),
            ("6 2004Q2", "6.1"),
            ("Sun Java System Messaging Server 6 2005Q1", "6.2"),
            ("Sun Java(tm) System Messaging Server 6.2-3.04 (built Jul 15 2005)", "6.2"),
            ("6.3-0.15", "6.3"),
            ("7.0", "7.0"),
            ("7.0-3.01", "7.0"),
            ("7u1", "7u1"),
            ("7U2", "7u2"),
            ("7 U 2", "7u2"),
            ("7.3", "7u3"),
            ("7u3-11.01", "7u3"),
            ("7 Update 3", "7u3"),
            ("7 update3", "7u3"),
            ("7.0 Update 3", "7u3"),
            (
                "Sun Java(tm) System Messaging Server 7.3-11.01 64bit (built Sep  1 2009)\nlibimta.so 7.3-11.01 64bit\n",
                "7u3",
            ),
            ("7u4", "7u4"),
            ("7u5", "7.0.5"),
            ("7 Update 5", "7.0.5"),
            ("7.0.5", "7.0.5"),
            ("Oracle Communications Messaging Server 7.0.5.31.0 64bit", "7.0.5"),
            ("8.0", "8.0"),
            ("8.0.0.0", "8.0"),
            ("8.0.1.3.20170906", "8.0.1"),
            ("8.0.2", "8.0.2"),
            ("8.1.0", "8.1"),
        ];
        for (name, wanted) in cases {
            assert_eq!(id(name), Some(wanted), "{name}");
        }
        for release in &RELEASES {
            assert_eq!(id(release.id), Some(release.id));
            for name in release.also() {
                assert_eq!(id(name), Some(release.id), "{name}");
            }
        }
        assert!(ALSO.iter().all(|(id, _)| RELEASES.iter().any(|release| release.id == *id)));
    }

    #[test]
    fn a_name_that_could_be_several_or_none_is_none() {
        for name in [
            "",
            "x",
            "6",
            "7",
            "7.x",
            "6.x",
            "8",
            "9.9",
            "7.9",
            "7u9",
            "7u",
            "7 Update",
            "6.4",
            "5.2x",
            "foo 5.2",
            "4.1",
            "7.0.4",
            "6 2005Q4",
            "99999999999",
            "7u3u3",
            "5.x.y",
            "5.",
            "8.0 Update 1",
        ] {
            assert_eq!(id(name), None, "{name}");
        }
    }
}
