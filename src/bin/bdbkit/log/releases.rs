//! Which releases write and read which log versions, and what the others do with them
//! (log-format, "What a release says to logs of another version").

use std::ops::RangeInclusive;

use bdbkit::Endianness::{self, Big};
use serde::Serialize;

/// What is known of a release.
struct Release {
    name: &'static str,
    /// The versions that it reads; it writes the last.
    reads: RangeInclusive<u32>,
    /// What it does with older logs.
    older: Treatment,
    /// What it does with newer logs.
    newer: Treatment,
}

/// What a release does with a log that it does not read.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Treatment {
    /// Skips the file without a word.
    Silent,
    /// Says this and goes on without the file.
    Skips(&'static str),
    /// Says this and stops.
    Stops(&'static str),
}

use Treatment::{Silent, Skips, Stops};

const fn known(
    name: &'static str,
    reads: RangeInclusive<u32>,
    older: Treatment,
    newer: Treatment,
) -> Release {
    Release { name, reads, older, newer }
}

const UNSUPPORTED: &str = "unsupported log version";
const UNREADABLE: &str = "unreadable log version";
const HISTORIC: &str = "historic log version";

/// The releases whose ways are known, oldest first.
static RELEASES: [Release; 14] = [
    known("2.7", 2..=2, Silent, Skips(UNSUPPORTED)),
    known("3.0 and 3.1", 2..=2, Silent, Skips(UNSUPPORTED)),
    known("3.2", 3..=3, Silent, Stops(UNSUPPORTED)),
    known("3.3", 3..=4, Silent, Stops(UNSUPPORTED)),
    known("4.0", 5..=5, Silent, Stops(UNSUPPORTED)),
    known("4.1", 7..=7, Silent, Stops(UNSUPPORTED)),
    known("4.2", 8..=8, Skips(UNREADABLE), Stops(UNSUPPORTED)),
    known("4.3", 10..=10, Skips(HISTORIC), Stops(UNSUPPORTED)),
    known("4.4", 11..=11, Skips(HISTORIC), Stops(UNSUPPORTED)),
    known("4.5", 8..=12, Skips(HISTORIC), Stops(UNSUPPORTED)),
    known("4.6", 8..=13, Skips(HISTORIC), Stops(UNSUPPORTED)),
    known("4.7", 8..=14, Skips(HISTORIC), Stops(UNSUPPORTED)),
    known("4.8", 8..=16, Skips(HISTORIC), Stops(UNSUPPORTED)),
    known("5.3", 8..=19, Skips(HISTORIC), Stops(UNSUPPORTED)),
];

/// Writers of the versions that are no release's last, or of releases whose ways are
/// not known.
static OTHER_WRITERS: [(u32, &str); 3] =
    [(15, "4.8 before its second patch"), (17, "5.0 and 5.1"), (18, "5.2")];

/// Up to this version the releases read only logs of their machine's byte order.
const LAST_OF_HOST_ORDER: u32 = 13;

/// These skip logs of such versions on a big-endian machine: newer ones are
/// little-endian there, too.
const SKIP_HOST_ORDER: [&str; 2] = ["4.8", "5.3"];
const HISTORIC_ORDER: &str = "historic byte order";

/// The releases that write a log version.
fn writers(version: u32) -> Vec<&'static str> {
    let own = RELEASES.iter().filter(|release| *release.reads.end() == version);
    let other = OTHER_WRITERS.iter().filter(|(written, _)| *written == version);
    own.map(|release| release.name).chain(other.map(|(_, name)| *name)).collect()
}

impl Release {
    fn reads(&self, version: u32, order: Endianness) -> bool {
        self.reads.contains(&version) && !self.skips_order(version, order)
    }

    fn skips_order(&self, version: u32, order: Endianness) -> bool {
        order == Big && byte_order_matters(version) && SKIP_HOST_ORDER.contains(&self.name)
    }

    /// What it does with a log that it does not read, on a machine of its byte order.
    fn treatment(&self, version: u32) -> Treatment {
        match version {
            _ if self.reads.contains(&version) => Skips(HISTORIC_ORDER),
            _ if version < *self.reads.start() => self.older,
            _ => self.newer,
        }
    }
}

/// The releases that are known to read a log version.
fn readers(version: u32, order: Endianness) -> Vec<&'static str> {
    RELEASES.iter().filter(|release| release.reads(version, order)).map(|release| release.name).collect()
}

/// Whether the releases read logs of this version on machines of the same byte order
/// only.
fn byte_order_matters(version: u32) -> bool {
    version <= LAST_OF_HOST_ORDER
}

/// Releases that do not read a log, and what they do with it.
#[derive(Serialize)]
struct Refusal {
    releases: Vec<&'static str>,
    /// What they say.
    message: Option<String>,
    /// Whether they stop; otherwise they go on without the file.
    stops: bool,
}

/// What the releases do that do not read a log version.
fn refusals(version: u32, order: Endianness) -> Vec<Refusal> {
    let mut found: Vec<(Treatment, Vec<&str>)> = Vec::new();
    for release in RELEASES.iter().filter(|release| !release.reads(version, order)) {
        let treatment = release.treatment(version);
        match found.iter_mut().find(|(known, _)| *known == treatment) {
            Some((_, names)) => names.push(release.name),
            None => found.push((treatment, vec![release.name])),
        }
    }
    let refusal = |(treatment, releases)| {
        let (message, stops) = match treatment {
            Silent => (None, false),
            Skips(message) => (Some(message), false),
            Stops(message) => (Some(message), true),
        };
        let message = message.map(|message| match message {
            HISTORIC_ORDER => message.to_owned(),
            _ => format!("{message} {version}"),
        });
        Refusal { releases, message, stops }
    };
    found.into_iter().map(refusal).collect()
}

/// What the releases do with logs of a version and byte order.
#[derive(Serialize)]
pub(crate) struct Treatments {
    written_by: Vec<&'static str>,
    read_by: Vec<&'static str>,
    refused_by: Vec<Refusal>,
    /// The machines on which it is read, if not all.
    #[serde(skip)]
    machines: Option<Endianness>,
}

impl Treatments {
    pub(crate) fn of(version: u32, order: Endianness) -> Treatments {
        Treatments {
            written_by: writers(version),
            read_by: readers(version, order),
            refused_by: refusals(version, order),
            machines: byte_order_matters(version).then_some(order),
        }
    }

    /// Lines of text: what is told, once for all lines that tell it, and what is so.
    pub(crate) fn rows(&self) -> Vec<(&'static str, String)> {
        let machines = self.machines.map_or(String::new(), |order| format!(", on {order} machines only"));
        let refusal = |Refusal { releases, message, stops }: &Refusal| {
            let says = message.as_ref().map_or(String::new(), |message| format!("say \"{message}\" and "));
            let does = if *stops { "stop" } else { "skip the file" };
            let silently = if message.is_none() { " silently" } else { "" };
            format!("{}: {says}{does}{silently}", releases.join(", "))
        };
        let names = std::iter::once("not read by").chain(std::iter::repeat(""));
        let mut rows = vec![
            ("written by", format!("Berkeley DB {}", self.written_by.join(", "))),
            ("read by", format!("{}{machines}", self.read_by.join(", "))),
        ];
        rows.extend(names.zip(self.refused_by.iter().map(refusal)));
        rows
    }
}

#[cfg(test)]
mod tests {
    use Endianness::Little;

    use super::*;

    #[test]
    fn newer_releases_skip_what_they_do_not_read() {
        assert_eq!(writers(2), ["2.7", "3.0 and 3.1"]);
        assert_eq!(writers(17), ["5.0 and 5.1"]);
        assert_eq!(readers(11, Little), ["4.4", "4.5", "4.6", "4.7", "4.8", "5.3"]);
        assert_eq!(readers(11, Big), ["4.4", "4.5", "4.6", "4.7"]);
        assert_eq!(readers(14, Little), ["4.7", "4.8", "5.3"]);
        let of = |version, release| {
            let refusals = refusals(version, if release == "5.3" { Big } else { Little }).into_iter();
            let refusal = refusals.into_iter().find(|refusal| refusal.releases.contains(&release));
            refusal.map(|refusal| (refusal.message, refusal.stops))
        };
        assert_eq!(of(8, "4.3"), Some((Some("historic log version 8".into()), false)));
        assert_eq!(of(8, "4.1"), Some((Some("unsupported log version 8".into()), true)));
        assert_eq!(of(3, "4.0"), Some((None, false)));
        assert_eq!(of(8, "5.3"), Some((Some("historic byte order".into()), false)));
        assert_eq!(of(7, "5.3"), Some((Some("historic log version 7".into()), false)));
        assert_eq!(of(8, "4.5"), None);
    }
}
