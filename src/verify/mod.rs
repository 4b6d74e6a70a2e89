//! Whether a file is sound: every invariant, and findings as data (database-format,
//! "Invariants for a verifier").

mod bucket;
mod chain;
mod chunk;
mod external;
mod finding;
mod free;
mod hash;
mod heap;
mod order;
mod page;
mod partitions;
mod plain;
mod queue;
mod rest;
mod seen;
mod series1;
mod sink;
mod tree;

use std::borrow::Cow;
use std::fmt;
use std::path::Path;
use std::sync::{Mutex, PoisonError};

use byteorder::ByteOrder;

pub use finding::{Finding, Rule, Severity};

use crate::error::{Error, Result};
use crate::format::generation::Generation;
use crate::format::meta::{Field, at};
use crate::meta::{self, Meta, Shape};
use crate::order::with_order;
use crate::pages::{File, OpenOptions, Origin, Pages};
use crate::types::PageNo;
use order::Comparer;
use page::Context;
use partitions::Range;
use seen::Seen;
use sink::{Reporter, Sink};
use tree::{ListEntry, Tree};

/// A check of a whole file.
///
/// ```
/// use bdbkit::verify::{Severity, Verify};
///
/// let verdict = Verify::open("testdata/damage-v9-le-next-cycle/data.db")?.run();
/// for finding in verdict.findings() {
///     println!("{finding}");
/// }
/// assert_eq!(verdict.worst(), Some(Severity::Error));
/// # Ok::<(), bdbkit::Error>(())
/// ```
///
/// Each page is read once. Time is linear in the size of the file, memory one bit a page
/// and what the findings take. Nothing is written, and no page is trusted: not even the
/// readers of this library are used to find the way through a tree.
pub struct Verify<'a> {
    pages: Result<Pages<'a>>,
    order: bool,
    most: usize,
    threads: Option<usize>,
    progress: Option<Box<dyn Fn(VerifyProgress) + Send + Sync + 'a>>,
}

impl fmt::Debug for Verify<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut out = f.debug_struct("Verify");
        match &self.pages {
            Ok(pages) => out.field("file", pages.file()),
            Err(error) => out.field("error", error),
        };
        out.field("order", &self.order).field("at_most", &self.most).field("threads", &self.threads);
        out.finish_non_exhaustive()
    }
}

/// How far a check has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct VerifyProgress {
    /// Pages that were looked at.
    pub pages: u64,
    /// Pages in the file.
    pub total: u64,
}

/// Findings that are kept if nothing else is asked for.
const MOST: usize = 100_000;

impl<'f> OpenOptions<'f> {
    /// Opens a file to check it, mapped or read as these options say.
    ///
    /// # Errors
    ///
    /// As [`Verify::open`].
    pub fn verify(self, path: impl AsRef<Path>) -> Result<Verify<'f>> {
        let accept = |head: &[u8]| meta::identify(head).map(drop);
        match self.file_if(path.as_ref(), accept) {
            Ok(file) => Ok(Verify::new(&file)),
            Err(error @ (Error::Open { .. } | Error::StreamTooLong { .. })) => Err(error),
            // Of a pipe, which need not be read further.
            Err(error) => Ok(Verify::with(Err(error))),
        }
    }
}

impl Verify<'static> {
    /// Opens a file to check it. Maps it: nobody may change or cut it meanwhile.
    ///
    /// # Errors
    ///
    /// The operating system refuses. What is wrong with the file itself is a finding.
    pub fn open(path: impl AsRef<Path>) -> Result<Verify<'static>> {
        OpenOptions::new().verify(path)
    }
}

impl<'a> Verify<'a> {
    /// Checks a file: that of a database that is open, or one that need not be a database.
    #[must_use]
    pub fn new(file: &impl AsRef<File<'a>>) -> Verify<'a> {
        Verify::with(Pages::new(file.as_ref().clone()).map(|pages| pages.unbounded()))
    }

    /// Checks a file that is in memory.
    #[must_use]
    pub fn from_bytes(bytes: impl Into<Cow<'a, [u8]>>) -> Verify<'a> {
        Verify::new(&File::from_bytes(bytes))
    }

    fn with(pages: Result<Pages<'a>>) -> Verify<'a> {
        Verify { pages, order: true, most: MOST, threads: None, progress: None }
    }

    /// Why the file cannot be checked, if it is of a kind that is not supported.
    #[must_use]
    pub fn refusal(&self) -> Option<&Error> {
        self.pages.as_ref().err().filter(|error| is_refusal(error))
    }

    /// Whether the order of keys and of duplicates is checked: not for databases with a
    /// comparison of their own, which the file does not record.
    #[must_use]
    pub fn check_order(mut self, check: bool) -> Verify<'a> {
        self.order = check;
        self
    }

    /// Stops after this many findings; 100000 if nothing is said.
    #[must_use]
    pub fn at_most(mut self, findings: usize) -> Verify<'a> {
        self.most = findings;
        self
    }

    /// How many threads share the work; as many as the machine has if nothing is said.
    #[must_use]
    pub fn threads(mut self, threads: usize) -> Verify<'a> {
        self.threads = Some(threads.max(1));
        self
    }

    /// Calls this now and then, from any thread.
    #[must_use]
    pub fn progress(mut self, call: impl Fn(VerifyProgress) + Send + Sync + 'a) -> Verify<'a> {
        self.progress = Some(Box::new(call));
        self
    }

    /// Checks the file.
    #[must_use]
    pub fn run(self) -> Verdict {
        let pages = match &self.pages {
            Ok(pages) => pages,
            Err(error) => return Verdict::of_error(error),
        };
        let behind = pages.runs().map(|run| u64::from(run.end.saturating_sub(run.start)));
        let total = behind.fold(1, u64::saturating_add);
        let early = Sink::new(self.most, None);
        let parts = partitions::open(pages, &early);
        let total = parts.iter().map(|part| part.pages.count().into()).fold(total, u64::saturating_add);
        let progress = self.progress.as_deref();
        let call = |pages| {
            if let Some(progress) = progress {
                progress(VerifyProgress { pages, total });
            }
        };
        let sink = Sink::new(self.most, Some(&call));
        early.into_findings().0.into_iter().for_each(|finding| sink.add(finding));
        let report = Reporter::of(&sink);
        let (compared, keys) =
            with_order!(pages.order(), O => self.file::<O>(pages, &report, Range::default()));
        let compared = self.partitions(pages, &parts, keys, &sink) && compared;
        let (mut findings, all) = sink.into_findings();
        let unread = pages.failed();
        if let Some(error) = &unread {
            if !findings.iter().any(|finding| Some(finding.page) == error.page()) {
                findings.extend(Verdict::of_error(error).findings);
                findings.sort_by_key(|finding| (finding.partition.clone(), finding.page, finding.offset));
            }
        }
        Verdict { findings, complete: all && compared && unread.is_none(), refused: None }
    }

    /// Checks a file, with keys in a range if it is a partition; says whether all could be compared
    /// that is in order, and what the main file of a partitioned database holds.
    fn file<'c, O: ByteOrder>(
        &self,
        pages: &'c Pages<'c>,
        report: &Reporter<'_, '_>,
        range: Range<'c>,
    ) -> (bool, Vec<ListEntry>) {
        let seen = Seen::new(pages.count());
        let context =
            Context { pages, meta: pages.meta(), report: report.clone(), seen: &seen, order: self.order };
        report.sink.page();
        if let Some(series1) = pages.meta().series1() {
            context.series1(series1);
            return (true, Vec::new());
        }
        context.file_size();
        context.last_page();
        context.own_metadata(pages.meta());
        context.free_list::<O>();
        match (pages.meta().queue(), pages.meta().heap()) {
            (Some(queue), _) => context.queue(queue),
            (_, Some(heap)) => context.heap(heap),
            _ => return self.databases::<O>(&context, range),
        }
        (true, Vec::new())
    }

    /// As [`Verify::file`], for the database of the file, or all of several.
    fn databases<'c, O: ByteOrder>(
        &self,
        context: &Context<'c, '_>,
        range: Range<'c>,
    ) -> (bool, Vec<ListEntry>) {
        let (pages, sink, compare) = (context.pages, context.report.sink, Comparer::new(context.pages));
        let list = Mutex::default();
        let (several, partitioned) = (pages.meta().flags().several_databases(), pages.partitions().is_some());
        self.database::<O>(context, &compare, (several || partitioned).then_some(&list), range);
        let mut entries = list.into_inner().unwrap_or_else(PoisonError::into_inner);
        entries.sort_by(|a, b| if partitioned { a.name.cmp(&b.name) } else { std::cmp::Ordering::Equal });
        for entry in entries.iter().filter(|_| several) {
            self.inner::<O>(context, &compare, entry);
        }
        if !sink.full() {
            context.references();
            context.rest::<O>();
        }
        let left_out = compare.left_out();
        if left_out > 0 {
            let text = format!(
                "{left_out} comparisons of long keys or duplicates were left out, as all would take too \
                 long: their order is not known"
            );
            context.report.warning(Rule::Uncompared, PageNo::META, 0, text);
        }
        (left_out == 0, entries)
    }

    fn database<'c, O: ByteOrder>(
        &self,
        context: &Context<'c, '_>,
        compare: &Comparer<'c>,
        list: Option<&Mutex<Vec<ListEntry>>>,
        range: Range<'c>,
    ) {
        let meta = context.meta;
        let Some(root) = meta.root() else { return context.buckets::<O>(compare) };
        let from = Origin { page: meta.page(), offset: meta.root_at(), what: "root page" };
        let shape = Shape::of(meta);
        // Asking the system takes longer than checking a small file.
        let threads = || std::thread::available_parallelism().map_or(1, |threads| threads.get());
        let threads = self.threads.unwrap_or_else(threads);
        let tree = Tree { context, shape, compare, threads, duplicates: None, key: None, list };
        tree.check::<O>(root, from, range);
    }

    /// Checks one of several databases in the file.
    fn inner<'c, O: ByteOrder>(&self, file: &Context<'c, '_>, compare: &Comparer<'c>, entry: &ListEntry) {
        let report = Reporter { database: Some(entry.name.clone()), ..file.report.clone() };
        let Some(no) = file.metadata_page(entry) else {
            let text = "the list of databases leads to no metadata page";
            report.error(Rule::Directory, entry.page, entry.offset, text);
            return;
        };
        if !file.seen.mark(no) {
            let text = format!("metadata page {no} has another place already");
            report.error(Rule::Once, entry.page, entry.offset, text);
            return;
        }
        report.sink.page();
        let meta = match file.pages.inner_meta(no) {
            Ok(meta) => meta,
            Err(error) => {
                report.reader(&error);
                return;
            }
        };
        let context = Context { meta: &meta, report, ..file.clone() };
        context.own_metadata(&meta);
        context.own_folder(file.meta);
        if let Some(free) = meta.free() {
            let text = format!("a free list that starts at page {free}: only page 0 has one");
            context.report.error(Rule::Free, no, meta.at(Field::Free), text);
        }
        self.database::<O>(&context, compare, None, Range::default());
    }
}

impl Context<'_, '_> {
    /// The metadata page of an entry: the number may be in the other order, in files that
    /// a genuine tool upgraded.
    fn metadata_page(&self, entry: &ListEntry) -> Option<PageNo> {
        let order = self.pages.meta().directory_order();
        meta::listed(&entry.value, order, |no| {
            self.pages.raw(no).is_some_and(|page| meta::is_inner(page, no, self.pages.order()))
        })
    }

    fn file_size(&self) {
        let (pages, tail) = (self.pages.count(), self.pages.tail());
        if tail > 0 {
            let size = self.pages.size();
            let text =
                format!("{tail} bytes behind the last whole page of {size}: the file was cut, or grew");
            self.report.error(Rule::FileSize, PageNo(pages), 0, text);
        }
        // Releases 2.x write the page of a bucket when it gets its first key.
        if pages < 2 && self.pages.meta().root().is_some() {
            self.report.error(Rule::FileSize, PageNo(pages), 0, "the file ends before its first tree");
        }
    }

    fn last_page(&self) {
        let meta = self.pages.meta();
        if meta.queue().is_some() {
            return; // it does not keep it
        }
        let kept = meta.generation().keeps_last_page();
        let last = match meta.last_page() {
            None if !kept => return,
            last => last.unwrap_or_default(),
        };
        let pages = self.pages.count();
        let text = format!("the last page is {last}, but the file has {pages} pages");
        match last.0.checked_add(1) {
            Some(stated) if stated == pages => {}
            // As upgrades by 4.7 and later leave it.
            _ if last.0 == pages && meta.heap().is_none() => {
                self.report.warning(Rule::LastPage, PageNo::META, at::LAST_PGNO, text)
            }
            // Releases 3.1 and 3.2 do not keep it.
            _ if !kept => {
                let danger =
                    if last.0 < pages { ": releases from 4.7 on would write over pages" } else { "" };
                self.report.warning(Rule::LastPage, PageNo::META, at::LAST_PGNO, text + danger);
            }
            _ => self.report.error(Rule::LastPage, PageNo::META, at::LAST_PGNO, text),
        }
    }

    /// The checks of metadata that its parser leaves to others.
    fn own_metadata(&self, meta: &Meta) {
        if meta.min_key() < 2 {
            let text = format!("{} keys on a page at least, expected 2 or more", meta.min_key());
            self.report.error(Rule::MinKey, meta.page(), meta.at(Field::MinKey), text);
        }
        let stale = |at: usize| self.pages.raw(meta.page()).and_then(|page| page.get(at)) != Some(&0);
        if meta.generation() == Generation::V31 && (stale(at::ENCRYPTION) || stale(at::METAFLAGS)) {
            let text =
                "bytes of a setting of release 2, which 4.1 and later take for encryption or checksums";
            self.report.warning(Rule::Flags, meta.page(), at::ENCRYPTION, text);
        }
        if meta.encrypted() && !meta.checksummed() {
            let text = "the mark that pages have codes is gone: releases then check none";
            self.report.error(Rule::Flags, meta.page(), at::METAFLAGS, text);
        }
        if meta.flags().sorted_duplicates() && !meta.flags().duplicates() {
            let text = "sorted duplicates, but the database has none: as db_upgrade -s leaves it";
            self.report.warning(Rule::Flags, meta.page(), meta.at(Field::Flags), text);
        }
        if meta.generation().has_late_externals()
            && meta.external_threshold().is_some()
            && meta.external_folder().is_none()
        {
            let text =
                "values from a length on go to external files, but the database has no folder for them";
            self.report.error(Rule::ExternalId, meta.page(), meta.at(Field::Threshold), text);
        }
        if meta.stray_record_length() {
            let text = "a record length, but records have none";
            self.report.error(Rule::RecordLength, meta.page(), meta.at(Field::ReLen), text);
        }
    }

    /// The databases of a file have their external files in one folder.
    fn own_folder(&self, file: &Meta) {
        let folder = |meta: &Meta| meta.external_folder().map(|(folder, _)| folder);
        if let (Some(of_file), Some(own)) = (folder(file), folder(self.meta)) {
            if own != of_file {
                let text = format!("the external files are in folder {own}, those of the file in {of_file}");
                let (page, at) = (self.meta.page(), self.meta.at(Field::FileLow));
                self.report.error(Rule::ExternalId, page, at, text);
            }
        }
    }

    /// Overflow chains are referred to as often as they say.
    fn references(&self) {
        for (first, references) in self.seen.references() {
            if references.found != u32::from(references.stated) {
                let text = format!(
                    "{} references to the overflow chain, its first page says {}",
                    references.found, references.stated
                );
                self.report.error(Rule::OverflowCount, first, crate::format::page::at::ENTRIES, text);
            }
        }
    }
}

/// What a check found.
#[derive(Debug)]
pub struct Verdict {
    findings: Vec<Finding>,
    complete: bool,
    refused: Option<String>,
}

impl Verdict {
    fn of_error(error: &Error) -> Verdict {
        let sink = Sink::new(1, None);
        Reporter::of(&sink).reader(error);
        let refused = is_refusal(error).then(|| error.to_string());
        let (findings, _) = sink.into_findings();
        Verdict { findings, complete: false, refused }
    }

    /// The findings, by page and offset.
    #[must_use]
    pub fn findings(&self) -> &[Finding] {
        &self.findings
    }

    /// How many findings are of this severity.
    #[must_use]
    pub fn count(&self, severity: Severity) -> usize {
        self.findings.iter().filter(|finding| finding.severity == severity).count()
    }

    /// The worst severity, if anything was found.
    #[must_use]
    pub fn worst(&self) -> Option<Severity> {
        self.findings.iter().map(|finding| finding.severity).max()
    }

    /// Whether the whole file was checked: not if there were more findings than asked for,
    /// if comparisons were left out that would have taken too long, if pages could not be
    /// read, or if its metadata does not tell how.
    #[must_use]
    pub fn complete(&self) -> bool {
        self.complete
    }

    /// Why the file was not checked at all, if it is of a kind that is not supported.
    #[must_use]
    pub fn refused(&self) -> Option<&str> {
        self.refused.as_deref()
    }
}

/// Whether an error says that a file is of another kind, not that it is damaged.
fn is_refusal(error: &Error) -> bool {
    matches!(
        error,
        Error::LogFile { .. }
            | Error::Series1 { .. }
            | Error::UnsupportedMethod { .. }
            | Error::UnsupportedVersion { .. }
            | Error::UnsupportedFeature { .. }
            | Error::Encrypted { .. }
            | Error::Password
            | Error::NotADatabase { .. }
            | Error::Extent
            | Error::NoFolder
            | Error::Region
            | Error::Placeholder
    )
}
