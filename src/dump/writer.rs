//! Writing a dump.

use std::io::{self, Write};

use super::text::{Format, escape};
use crate::access::{AllPairs, Database, Item, Pair, Part};
use crate::method::Method;
use crate::types::PageSize;

/// Why a dump could not be written.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum DumpError {
    /// The output refused it.
    #[error(transparent)]
    Write(#[from] io::Error),
    /// An item that was whole when it was checked could not be read: the file
    /// changed meanwhile.
    #[error(transparent)]
    Read(#[from] crate::Error),
}

/// Damage that was met while a dump was written.
#[derive(Debug)]
#[non_exhaustive]
pub struct Damage<'a> {
    /// The database it is in, if the file holds several.
    pub database: Option<&'a [u8]>,
    /// What is damaged.
    pub error: crate::Error,
}

/// What was written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Summary {
    /// Pairs or records.
    pub records: u64,
    /// Pairs that were left out because they are marked as deleted.
    pub deleted: u64,
    /// How often damage was met: if not 0, something may be missing.
    pub damaged: u64,
}

/// Writes databases in the form of `db_dump`.
///
/// ```
/// let db = bdbkit::Database::open("testdata/btree-v6-be-one/data.db")?;
/// let mut text = Vec::new();
/// let summary = bdbkit::dump::Writer::new().print(true).write(&db, &mut text, |_| {})?;
/// assert_eq!(summary.damaged, 0);
/// assert!(String::from_utf8_lossy(&text).ends_with("HEADER=END\n key\n data\nDATA=END\n"));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Copy, Debug)]
pub struct Writer {
    pub(super) format: Format,
    keys: bool,
}

impl Default for Writer {
    fn default() -> Self {
        Writer { format: Format::Bytevalue, keys: false }
    }
}

impl Writer {
    /// A writer of hexadecimal data lines, without record numbers.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Whether printing characters are written as they are (`db_dump -p`).
    #[must_use]
    pub fn print(mut self, print: bool) -> Self {
        self.format = if print { Format::Print } else { Format::Bytevalue };
        self
    }

    /// Whether the records of RECNO databases are written with their numbers
    /// (`db_dump -k`).
    #[must_use]
    pub fn record_numbers(mut self, keys: bool) -> Self {
        self.keys = keys;
        self
    }

    /// Writes a database, or all databases of a file that holds several.
    ///
    /// Damage is told to `damage` and stepped over. A database that could not be
    /// written whole gets no `DATA=END`, so that nobody loads it for a whole one.
    ///
    /// # Errors
    ///
    /// Those of the output.
    pub fn write(
        &self,
        db: &Database<'_>,
        mut out: impl Write,
        mut damage: impl FnMut(Damage<'_>),
    ) -> Result<Summary, DumpError> {
        let text = Vec::with_capacity(BUFFER.saturating_mul(2));
        let mut job =
            Job { writer: *self, out: &mut out, text, damage: &mut damage, summary: Summary::default() };
        db.walk_databases(|part| match part {
            Part::Database(inner, pairs) => {
                job.database(inner, inner.name().filter(|_| db.name().is_none()), pairs)
            }
            Part::Damage(error) => {
                job.damaged(None, error);
                Ok(())
            }
        })?;
        job.flush()?;
        let summary = job.summary;
        out.flush()?;
        Ok(summary)
    }
}

impl Writer {
    /// Writes some pairs of a database, with a header that loads them into one like it.
    ///
    /// # Errors
    ///
    /// Those of the output.
    pub(crate) fn write_some<'p>(
        &self,
        db: &Database<'_>,
        mut pairs: impl Iterator<Item = crate::Result<Pair<'p>>>,
        mut out: impl Write,
        mut damage: impl FnMut(Damage<'_>),
    ) -> Result<Summary, DumpError> {
        let text = Vec::with_capacity(BUFFER.saturating_mul(2));
        let mut job =
            Job { writer: *self, out: &mut out, text, damage: &mut damage, summary: Summary::default() };
        job.header(db, None);
        pairs.try_for_each(|pair| job.pair_or_damage(db, pair))?;
        job.end(0)?;
        let summary = job.summary;
        out.flush()?;
        Ok(summary)
    }
}

/// How much text is put together before it is written, in bytes.
pub(super) const BUFFER: usize = 64 << 10;

/// A dump in progress.
struct Job<'j> {
    writer: Writer,
    out: &'j mut dyn Write,
    text: Vec<u8>,
    damage: &'j mut dyn FnMut(Damage<'_>),
    summary: Summary,
}

impl Job<'_> {
    fn damaged(&mut self, database: Option<&[u8]>, error: crate::Error) {
        self.summary.damaged = self.summary.damaged.saturating_add(1);
        (self.damage)(Damage { database, error });
    }

    /// One database; named, if it is one of all that are written.
    fn database(
        &mut self,
        db: &Database<'_>,
        name: Option<&[u8]>,
        pairs: &mut AllPairs<'_>,
    ) -> Result<(), DumpError> {
        let before = self.summary.damaged;
        self.header(db, name);
        pairs.each(|pair| self.pair_or_damage(db, pair))?;
        self.summary.deleted = self.summary.deleted.saturating_add(pairs.deleted());
        self.end(before)
    }

    #[inline]
    fn pair_or_damage(&mut self, db: &Database<'_>, pair: crate::Result<Pair<'_>>) -> Result<(), DumpError> {
        let checked = pair.as_ref().map_or(Ok(()), check);
        match (pair, checked) {
            (Ok(pair), Ok(())) => self.pair(&pair)?,
            (Err(error), _) | (_, Err(error)) => self.damaged(db.name(), error),
        }
        Ok(())
    }

    /// The end of a database, before which so much damage was met.
    fn end(&mut self, before: u64) -> Result<(), DumpError> {
        if self.summary.damaged == before {
            self.text.extend_from_slice(b"DATA=END\n");
        }
        self.flush()
    }

    fn header(&mut self, db: &Database<'_>, name: Option<&[u8]>) {
        let (meta, flags) = (db.meta(), db.meta().flags());
        let mut line = |line: String| {
            self.text.extend_from_slice(line.as_bytes());
            self.text.push(b'\n');
        };
        line("VERSION=3".into());
        line(format!("format={}", self.writer.format.name()));
        if let Some(name) = name {
            line(format!("database={}", escape(name)));
        }
        line(format!("type={}", meta.method().name()));
        match meta.method() {
            Method::Btree => {
                if flags.record_numbers() {
                    line("recnum=1".into());
                }
                if !matches!(meta.min_key(), 0 | 2) {
                    line(format!("bt_minkey={}", meta.min_key()));
                }
            }
            Method::Hash => {
                if let Some(fill_factor) = meta.series1_fill_factor().filter(|&n| n > 0) {
                    line(format!("h_ffactor={fill_factor}"));
                }
                // One key is not worth a line to the genuine tool.
                if let Some(elements) = meta.buckets().map(|b| b.elements).filter(|&n| n > 1) {
                    line(format!("h_nelem={elements}"));
                }
            }
            Method::Heap => {
                let most = meta.most_bytes().unwrap_or(0);
                for (name, number) in [("heap_gbytes", most >> 30), ("heap_bytes", most & 0x3fff_ffff)] {
                    if number > 0 {
                        line(format!("{name}={number}"));
                    }
                }
                line(format!("heap_regionsize={}", meta.region_size().unwrap_or(0)));
            }
            Method::Recno | Method::Queue => {
                if flags.renumber() {
                    line("renumber=1".into());
                }
                if flags.fixed_length() || meta.method() == Method::Queue {
                    line(format!("re_len={}", record_length(db)));
                }
                if let Some(pad) = meta.pad().filter(|pad| !matches!(pad, 0 | b' ')) {
                    line(format!("re_pad={pad:#x}"));
                }
                if let Some(pages) = meta.extent_pages() {
                    line(format!("extentsize={pages}"));
                }
            }
        }
        if meta.checksummed() {
            line("chksum=1".into());
        }
        if flags.duplicates() {
            line("duplicates=1".into());
        }
        if flags.sorted_duplicates() {
            line("dupsort=1".into());
        }
        if flags.compressed() {
            line("compressed=1".into());
        }
        // Files of the 1.x series have sizes that no later one can have.
        if PageSize::new(meta.page_size().get()).is_some() {
            line(format!("db_pagesize={}", meta.page_size()));
        }
        if let Some(count) = meta.partitions().filter(|_| meta.partitioned_by_keys()) {
            line(format!("nparts={count}"));
            // Those that cannot be read are damage that is met with the pairs.
            for key in db.partition_keys().unwrap_or(&[]) {
                self.line(key);
            }
        }
        let mut line = |line: &str| {
            self.text.extend_from_slice(line.as_bytes());
            self.text.push(b'\n');
        };
        if self.writer.keys {
            line("keys=1");
        }
        line("HEADER=END");
    }

    fn pair(&mut self, pair: &Pair<'_>) -> Result<(), DumpError> {
        match (pair.record_number(), pair.record_id()) {
            (Some(number), _) if self.writer.keys => self.line(number.to_string().as_bytes()),
            // The place of a record has no text form: db_dump -k leaves it out, too.
            (Some(_), _) | (_, Some(_)) => {}
            (None, None) => self.item(pair.key_item())?,
        }
        self.item(pair.value_item())?;
        self.summary.records = self.summary.records.saturating_add(1);
        if self.text.len() >= BUFFER {
            self.flush()?;
        }
        Ok(())
    }

    fn item(&mut self, item: &Item<'_>) -> Result<(), DumpError> {
        if let Some(bytes) = item.on_page() {
            self.line(bytes);
            return Ok(());
        }
        self.text.push(b' ');
        let mut pieces = item.reader();
        while let Some(piece) = pieces.piece() {
            self.writer.format.append(&piece?, &mut self.text);
            if self.text.len() >= BUFFER {
                self.flush()?;
            }
        }
        self.text.push(b'\n');
        Ok(())
    }

    fn line(&mut self, bytes: &[u8]) {
        self.text.push(b' ');
        self.writer.format.append(bytes, &mut self.text);
        self.text.push(b'\n');
    }

    fn flush(&mut self) -> Result<(), DumpError> {
        self.out.write_all(&self.text)?;
        self.text.clear();
        Ok(())
    }
}

/// Reads overflow items to their end, so that no half of one is written.
#[inline]
fn check(pair: &Pair<'_>) -> crate::Result<()> {
    let check = |item: &Item<'_>| if item.on_page().is_some() { Ok(()) } else { check_long(item) };
    check(pair.key_item()).and_then(|()| check(pair.value_item()))
}

#[inline(never)]
fn check_long(item: &Item<'_>) -> crate::Result<()> {
    let mut pieces = item.reader();
    std::iter::from_fn(|| pieces.piece()).try_for_each(|piece| piece.map(drop))
}

/// The fixed length of records. Version 6 does not store it, but any record has it.
fn record_length(db: &Database<'_>) -> u32 {
    let of_first = || {
        let first = db.iter().pairs().flatten().next();
        first.map_or(0, |pair| pair.value_item().len())
    };
    db.meta().record_length().unwrap_or_else(of_first)
}
