//! Where findings go, from several threads.

use std::path::Path;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use super::finding::{Finding, Rule, Severity};
use crate::error::{Defect, Error};
use crate::types::PageNo;

/// Collects findings, and says when there are enough.
pub(super) struct Sink<'p> {
    found: Mutex<Vec<Finding>>,
    most: usize,
    full: AtomicBool,
    pages: AtomicU64,
    progress: Option<&'p (dyn Fn(u64) + Sync)>,
}

impl<'p> Sink<'p> {
    pub(super) fn new(most: usize, progress: Option<&'p (dyn Fn(u64) + Sync)>) -> Sink<'p> {
        let (found, full, pages) = (Mutex::default(), AtomicBool::new(false), AtomicU64::new(0));
        Sink { found, most, full, pages, progress }
    }

    /// Whether nothing more is asked for.
    pub(super) fn full(&self) -> bool {
        self.full.load(Ordering::Relaxed)
    }

    pub(super) fn add(&self, finding: Finding) {
        let mut found = self.found.lock().unwrap_or_else(PoisonError::into_inner);
        if found.len() < self.most {
            found.push(finding);
        } else {
            self.full.store(true, Ordering::Relaxed);
        }
    }

    /// One more page was looked at.
    pub(super) fn page(&self) {
        let pages = self.pages.fetch_add(1, Ordering::Relaxed);
        if let Some(progress) = self.progress.filter(|_| pages % 1024 == 0) {
            progress(pages);
        }
    }

    /// What was found, by page and offset, and whether that is all.
    pub(super) fn into_findings(self) -> (Vec<Finding>, bool) {
        let complete = !self.full();
        let mut found = self.found.into_inner().unwrap_or_else(PoisonError::into_inner);
        found.sort_by(|a, b| place(a).cmp(&place(b)));
        found.dedup();
        (found, complete)
    }
}

/// Where a finding stands among others.
fn place(finding: &Finding) -> (Option<&Path>, PageNo, usize, Rule) {
    (finding.partition.as_deref(), finding.page, finding.offset, finding.rule)
}

/// Where the findings about one database go.
#[derive(Clone)]
pub(super) struct Reporter<'s, 'p> {
    pub(super) sink: &'s Sink<'p>,
    pub(super) database: Option<Arc<[u8]>>,
    /// The file, if it is a partition.
    pub(super) partition: Option<Arc<Path>>,
}

impl<'s, 'p> Reporter<'s, 'p> {
    /// Of the file itself.
    pub(super) fn of(sink: &'s Sink<'p>) -> Self {
        Reporter { sink, database: None, partition: None }
    }

    pub(super) fn of_partition(&self, path: Arc<Path>) -> Self {
        Reporter { partition: Some(path), ..self.clone() }
    }
}

impl Reporter<'_, '_> {
    pub(super) fn error(&self, rule: Rule, page: PageNo, offset: usize, text: impl Into<String>) {
        self.add(rule, Severity::Error, page, offset, text.into());
    }

    pub(super) fn warning(&self, rule: Rule, page: PageNo, offset: usize, text: impl Into<String>) {
        self.add(rule, Severity::Warning, page, offset, text.into());
    }

    pub(super) fn note(&self, rule: Rule, page: PageNo, offset: usize, text: impl Into<String>) {
        self.add(rule, Severity::Note, page, offset, text.into());
    }

    fn add(&self, rule: Rule, severity: Severity, page: PageNo, offset: usize, text: String) {
        let (partition, database) = (self.partition.clone(), self.database.clone());
        self.sink.add(Finding { rule, severity, partition, database, page, offset, text });
    }

    /// What a reader said of a page, as a finding.
    pub(super) fn reader(&self, error: &Error) {
        if let Error::Partition { error, .. } = error {
            return self.reader(error);
        }
        let (page, offset) = match error {
            Error::Corrupt { page, offset, .. }
            | Error::Checksum { page, offset, .. }
            | Error::External { page, offset, .. }
            | Error::Authentication { page, offset } => (*page, *offset),
            other => (other.page().unwrap_or_default(), 0),
        };
        let text = match error {
            Error::Corrupt { defect, .. } => defect.to_string(),
            Error::External { file, .. } => file.to_string(),
            Error::Checksum { stored, computed, .. } => {
                format!("checksum {stored:#010x}, expected {computed:#010x}")
            }
            Error::Authentication { .. } => {
                "the authentication code is not that of the page: it was damaged or changed".to_owned()
            }
            other => other.to_string(),
        };
        self.error(rule_of(error), page, offset, text);
    }
}

/// The rule that a reader's error is about.
fn rule_of(error: &Error) -> Rule {
    match error {
        Error::Checksum { .. } | Error::Authentication { .. } => Rule::Checksum,
        Error::Empty | Error::TooShort { .. } | Error::Read { .. } => Rule::FileSize,
        Error::Directory { .. } => Rule::Directory,
        Error::MissingFile { .. } => Rule::QueueRange,
        Error::MissingPartition { .. } | Error::Open { .. } => Rule::Partition,
        Error::External { .. } => Rule::ExternalFile,
        Error::Corrupt { defect, .. } => match defect {
            Defect::Field { field: "root", .. } => Rule::Root,
            Defect::Field { field: "nparts", .. } => Rule::PartitionKeys,
            Defect::Field { field: "flags" | "metaflags" | "encrypt_alg", .. } => Rule::Flags,
            Defect::Field { field: "crypto_magic", .. } => Rule::CryptoMagic,
            Defect::Field { field: "rec_page" | "re_len", .. } => Rule::QueuePage,
            Defect::Field { .. } => Rule::Metadata,
            Defect::BeyondEnd { .. } | Defect::CutOff { .. } | Defect::Link { .. } => Rule::Link,
            Defect::PageNumber { .. } => Rule::PageNumber,
            Defect::Unwritten { .. } | Defect::PageType { .. } => Rule::PageType,
            Defect::Level { .. } => Rule::Level,
            Defect::Entries { .. } => Rule::Entries,
            Defect::ItemArea { .. } => Rule::ItemArea,
            Defect::ItemOffset { .. } => Rule::ItemOffset,
            Defect::ItemLength { .. } => Rule::ItemLength,
            Defect::ItemKind { .. } => Rule::ItemKind,
            Defect::Packing { .. } => Rule::ItemPacking,
            Defect::Count { .. } => Rule::Count,
            Defect::ChainLength { .. } | Defect::LengthBeyondFile { .. } => Rule::OverflowLength,
            Defect::SplitLength { .. } | Defect::Pieces { .. } => Rule::Split,
            Defect::Stray { .. } => Rule::QueueRange,
            Defect::KeyOrder { .. } => Rule::KeyOrder,
            Defect::OutsidePartition => Rule::KeyRange,
            Defect::Compressed { .. } => Rule::ChunkLength,
            Defect::CompressedOrder { .. } => Rule::ChunkOrder,
            Defect::Repeated { .. } | Defect::Repeats { .. } | Defect::Unpacked { .. } => Rule::Repeats,
            Defect::ExternalTwice { .. } => Rule::ExternalId,
            Defect::ReachedTwice { .. } | Defect::Crowded { .. } | Defect::Loop => Rule::Once,
            Defect::Bucket { .. } => Rule::Bucket,
            Defect::EmptyBucket { .. } => Rule::Elements,
            Defect::Unreachable { .. } => Rule::Unreferenced,
        },
        _ => Rule::Metadata,
    }
}
