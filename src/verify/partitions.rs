//! The files of a partitioned database (database-format, annex D).

use std::sync::Arc;

use super::Verify;
use super::finding::Rule;
use super::page::Held;
use super::sink::{Reporter, Sink};
use super::tree::ListEntry;
use crate::format::meta::Field;
use crate::order::with_order;
use crate::pages::{Pages, PartitionPlace, Partitions};
use crate::types::PageNo;

/// The keys between which those of a partition must lie.
#[derive(Clone, Copy, Default)]
pub(super) struct Range<'c> {
    pub(super) low: Option<Held<'c>>,
    pub(super) high: Option<Held<'c>>,
}

impl Range<'_> {
    /// That of a partition, by the keys with which they begin.
    fn of(starts: &[Vec<u8>], number: u32) -> Range<'_> {
        let start = |number: usize| starts.get(number).map(|key| Held::Plain(key));
        let number = PageNo(number).index();
        Range { low: start(number).filter(|_| number > 0), high: start(number.saturating_add(1)) }
    }
}

/// A partition that could be opened.
pub(super) struct Part<'a> {
    number: u32,
    pub(super) pages: Pages<'a>,
}

/// Opens the partitions of a file; what keeps one from being opened is a finding.
pub(super) fn open<'a>(main: &Pages<'a>, sink: &Sink<'_>) -> Vec<Part<'a>> {
    let mut parts = Vec::new();
    let Some(files) = main.partitions() else { return parts };
    let count = Field::Nparts;
    let report = Reporter::of(sink);
    for place in files.places(0, u32::MAX) {
        match place {
            PartitionPlace::There(number) => match files.open(number, main) {
                Ok(pages) => parts.push(Part { number, pages: pages.unbounded() }),
                Err(error) => report.of_partition(Arc::from(files.path(number))).reader(&error),
            },
            PartitionPlace::Missing(first, last) => {
                let text = files.missing(first, last).to_string();
                report.error(Rule::Partition, PageNo::META, main.meta().at(count), text);
            }
        }
    }
    let beyond = files.found().iter().filter(|&&number| number >= files.count()).count();
    if beyond > 0 {
        let text = format!(
            "{} partitions, but {beyond} more stand beside it: they are left over, or the number is wrong",
            files.count()
        );
        report.warning(Rule::Partition, PageNo::META, main.meta().at(count), text);
    }
    parts
}

impl<'a> Verify<'a> {
    /// Checks partitions; says whether all could be compared that is in order.
    pub(super) fn partitions(
        &self,
        main: &Pages<'_>,
        parts: &[Part<'a>],
        starts: Vec<ListEntry>,
        sink: &Sink<'_>,
    ) -> bool {
        let Some(files) = main.partitions() else { return true };
        let starts = check_starts(main, files, starts, sink);
        let mut compared = true;
        for Part { number, pages } in parts {
            let report = Reporter::of(sink).of_partition(Arc::from(files.path(*number)));
            let range = Range::of(&starts, *number);
            compared &= with_order!(pages.order(), O => self.file::<O>(pages, &report, range).0);
            if let Some(error) = pages.failed() {
                report.reader(&error);
                compared = false;
            }
        }
        compared
    }
}

/// The keys with which partitions begin, if they are as many as those and the first is empty.
fn check_starts(
    main: &Pages<'_>,
    files: &Partitions,
    entries: Vec<ListEntry>,
    sink: &Sink<'_>,
) -> Vec<Vec<u8>> {
    let report = Reporter::of(sink);
    if !main.meta().partitioned_by_keys() {
        if let Some(entry) = entries.first() {
            let text = format!(
                "{} pairs in the main file of a database whose pairs are in its partitions",
                entries.len()
            );
            report.error(Rule::PartitionKeys, entry.page, entry.offset, text);
        }
        return Vec::new();
    }
    let count = u32::try_from(entries.len()).unwrap_or(u32::MAX);
    if count != files.count() {
        let text = format!("{} partitions, but the main file has {count} keys for them", files.count());
        report.error(Rule::PartitionKeys, PageNo::META, main.meta().at(Field::Nparts), text);
        return Vec::new();
    }
    if let Some(first) = entries.first().filter(|first| !first.name.is_empty()) {
        let text = "the key of the first partition is not empty";
        report.error(Rule::PartitionKeys, first.page, first.offset, text);
    }
    for entry in entries.iter().filter(|entry| !entry.empty) {
        let text = "a value beside the key of a partition, which has none";
        report.error(Rule::PartitionKeys, entry.page, entry.offset, text);
    }
    entries.into_iter().map(|entry| entry.name.to_vec()).collect()
}
