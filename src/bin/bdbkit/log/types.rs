//! The types of records, by name and number.

use std::collections::{BTreeMap, BTreeSet};
use std::io::{self, Write};

use bdbkit::log::{RecordLayout, Schema};

use super::filter::bare;

/// Log versions that are read.
const VERSIONS: std::ops::RangeInclusive<u32> = 2..=23;
/// What records are called that no version knows.
pub(super) const UNNAMED: [&str; 2] = ["application", "unknown"];

/// The record types of all log versions.
pub(super) fn all() -> impl Iterator<Item = (u32, &'static RecordLayout)> {
    VERSIONS.flat_map(|version| {
        Schema::of_version(version).flat_map(Schema::records).map(move |layout| (version, layout))
    })
}

/// Lists names, numbers, and the log versions that have them.
pub(super) fn list(out: &mut impl Write) -> io::Result<()> {
    let mut types: BTreeMap<&str, (BTreeSet<u32>, BTreeSet<u32>)> = BTreeMap::new();
    for (version, layout) in all() {
        let (numbers, versions) = types.entry(bare(layout.name())).or_default();
        numbers.insert(layout.kind());
        versions.insert(version);
    }
    for (name, (numbers, versions)) in types {
        let numbers: Vec<String> = numbers.iter().map(u32::to_string).collect();
        let versions = match (versions.first(), versions.last()) {
            (Some(first), Some(last)) if first != last => format!("versions {first} to {last}"),
            (Some(only), _) => format!("version {only}"),
            _ => String::new(),
        };
        writeln!(out, "{name:<24} {:<12} {versions}", numbers.join(", "))?;
    }
    writeln!(out, "{:<24} {:<12} records of applications", UNNAMED[0], "10000...")?;
    writeln!(out, "{:<24} {:<12} any other number", UNNAMED[1], "")
}
