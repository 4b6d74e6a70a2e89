//! Writing what was salvaged.

use std::io::Write;

use super::loading::repeats;
use super::text::escape;
use super::writer::{BUFFER, Writer};
use crate::meta::Flags;
use crate::method::Method;
use crate::salvage::{Key, Name, Owner, Recovered, Salvaged, SalvagedFile, SalvagedRecords};
use crate::types::PageSize;

/// What stands in a dump for a key or a value of which nothing is left, as
/// `db_dump -r` has it.
const UNKNOWN_KEY: &[u8] = b"UNKNOWN_KEY";
const UNKNOWN_DATA: &[u8] = b"UNKNOWN_DATA";

impl Writer {
    /// Writes what a salvage finds, as `db_dump -r` does, or `-R` if it looks for what
    /// was deleted too: a text that `db_load` reads.
    ///
    /// A key or a value that is gone is written as `UNKNOWN_KEY` or `UNKNOWN_DATA`, a
    /// part of one as the part. Where a key may come twice (among what was deleted, on
    /// pages that belong to no database, or where the metadata page is lost), the header
    /// allows duplicates, so that no pair replaces another when it is loaded: the live
    /// one stands first. [`Loading`](super::Loading) tells how to load the text.
    ///
    /// Records of RECNO databases are written without numbers, those of a QUEUE with them.
    ///
    /// # Errors
    ///
    /// Those of the output.
    ///
    /// ```
    /// let salvage = bdbkit::salvage::Salvage::open("testdata/btree-v6-be-one/data.db")?;
    /// let survey = salvage.survey()?;
    /// let mut text = Vec::new();
    /// bdbkit::dump::Writer::new().print(true).write_salvaged(&survey, &mut survey.records(), &mut text)?;
    /// assert!(String::from_utf8_lossy(&text).ends_with("HEADER=END\n key\n data\nDATA=END\n"));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn write_salvaged<'s>(
        &self,
        survey: &'s SalvagedFile<'_>,
        records: &mut SalvagedRecords<'s>,
        mut out: impl Write,
    ) -> std::io::Result<()> {
        self.write_partitions(survey, records, &mut [], &mut out)
    }

    /// As [`Writer::write_salvaged`], with the records of
    /// [partitions](crate::salvage::Salvage::partitions), as those of one database.
    ///
    /// # Errors
    ///
    /// Those of the output.
    pub fn write_partitions<'s>(
        &self,
        survey: &'s SalvagedFile<'_>,
        records: &mut SalvagedRecords<'s>,
        partitions: &mut [SalvagedRecords<'_>],
        mut out: impl Write,
    ) -> std::io::Result<()> {
        let mut job = Job { writer: *self, survey, text: Vec::new(), headed: 0, open: None };
        for record in records.by_ref() {
            job.record(&record);
            job.flush(&mut out)?;
        }
        for record in partitions.iter_mut().flatten() {
            job.record_of_partition(&record);
            job.flush(&mut out)?;
        }
        job.finish();
        out.write_all(&job.text)?;
        out.flush()
    }
}

/// A dump in progress.
struct Job<'j, 's> {
    writer: Writer,
    survey: &'j SalvagedFile<'s>,
    text: Vec<u8>,
    /// How many of the file's databases have their header.
    headed: usize,
    /// The name of the database whose records are being written.
    open: Option<&'j Name>,
}

impl<'j> Job<'j, '_> {
    /// Writes what there is, if it is enough.
    fn flush(&mut self, out: &mut impl Write) -> std::io::Result<()> {
        if self.text.len() >= BUFFER {
            out.write_all(&self.text)?;
            self.text.clear();
        }
        Ok(())
    }

    fn record(&mut self, record: &Salvaged<'j>) {
        if self.open != Some(record.database.name()) {
            self.begin(record.database);
        }
        self.items(record);
    }

    /// A record of the database of the main file, the only one.
    fn record_of_partition(&mut self, record: &Salvaged<'_>) {
        if self.open.is_none() {
            let survey = self.survey;
            self.begin(survey.databases().first().unwrap_or(survey.unclaimed()));
        }
        self.items(record);
    }

    fn items(&mut self, record: &Salvaged<'_>) {
        match (record.database.method(), &record.key) {
            (Method::Recno | Method::Heap, _) => {}
            (Method::Queue, Key::Record(Some(number))) => {
                self.text.push(b' ');
                self.writer.format.append(number.to_string().as_bytes(), &mut self.text);
                self.text.push(b'\n');
            }
            (_, Key::Bytes(key)) => self.item(key, UNKNOWN_KEY),
            (_, Key::Record(_)) => self.item(&Recovered::Missing, UNKNOWN_KEY),
        }
        self.item(&record.value, UNKNOWN_DATA);
    }

    /// Begins a database: those before it of which nothing was found come first, empty.
    fn begin(&mut self, owner: &'j Owner) {
        while self.open != Some(owner.name()) {
            match self.survey.databases().get(self.headed) {
                Some(next) => {
                    self.headed = self.headed.saturating_add(1);
                    self.header(next);
                }
                None => self.header(owner),
            }
        }
    }

    /// Ends the dump. Without a record, and if nothing speaks for a database but the caller, there
    /// is none to write down.
    fn finish(&mut self) {
        if self.open.is_none() && self.survey.geometry().assumed() {
            return;
        }
        while let Some(next) = self.survey.databases().get(self.headed) {
            self.headed = self.headed.saturating_add(1);
            self.header(next);
        }
        self.end();
    }

    fn end(&mut self) {
        if self.open.take().is_some() {
            self.text.extend_from_slice(b"DATA=END\n");
        }
    }

    fn header(&mut self, owner: &'j Owner) {
        self.end();
        self.open = Some(owner.name());
        let flags = owner.flags();
        let mut line = |line: String| {
            self.text.extend_from_slice(line.as_bytes());
            self.text.push(b'\n');
        };
        line("VERSION=3".into());
        line(format!("format={}", self.writer.format.name()));
        if let Some(name) = owner.label() {
            line(format!("database={}", escape(&name)));
        }
        line(format!("type={}", owner.method().name()));
        let has = |what: fn(Flags) -> bool| flags.is_some_and(what);
        // Of a key that comes twice, a database without duplicates would keep the one loaded last.
        let keyed = matches!(owner.method(), Method::Btree | Method::Hash);
        let duplicates = keyed && repeats(owner, self.survey.deleted());
        let as_it_was = keyed && flags.is_some() && !self.survey.deleted();
        let (geometry, stated) = (self.survey.geometry(), owner.dumped());
        if matches!(owner.method(), Method::Recno | Method::Queue) {
            if has(Flags::renumber) {
                line("renumber=1".into());
            }
            if let Some((length, pad)) = owner.fixed_length() {
                line(format!("re_len={length}"));
                if !matches!(pad, 0 | b' ') {
                    line(format!("re_pad={pad:#x}"));
                }
            }
        }
        if let Some(pages) = owner.extent_pages() {
            line(format!("extentsize={pages}"));
        }
        if let Some(pages) = owner.region_size() {
            line(format!("heap_regionsize={pages}"));
        }
        if as_it_was && has(Flags::record_numbers) && !has(Flags::duplicates) {
            line("recnum=1".into());
        }
        if stated.min_key > 2 && geometry.fits_keys(stated.min_key) {
            line(format!("bt_minkey={}", stated.min_key));
        }
        // One key is not worth a line to the genuine tool.
        let stated = [("h_ffactor", stated.fill_factor, 1), ("h_nelem", stated.elements, 2)];
        for (name, number, least) in stated {
            if number >= least {
                line(format!("{name}={number}"));
            }
        }
        if geometry.checksummed() {
            line("chksum=1".into());
        }
        if duplicates {
            line("duplicates=1".into());
        }
        if as_it_was && has(Flags::sorted_duplicates) {
            line("dupsort=1".into());
        }
        if as_it_was && has(Flags::compressed) && (!duplicates || has(Flags::sorted_duplicates)) {
            line("compressed=1".into());
        }
        // Files of the 1.x series have sizes that no later one can have.
        if PageSize::new(geometry.page_size().get()).is_some() {
            line(format!("db_pagesize={}", geometry.page_size()));
        }
        if owner.method() == Method::Queue {
            line("keys=1".into());
        }
        line("HEADER=END".into());
    }

    fn item(&mut self, item: &Recovered<'_>, unknown: &[u8]) {
        self.text.push(b' ');
        match item.bytes() {
            Some(bytes) => bytes.pieces().for_each(|piece| self.writer.format.append(piece, &mut self.text)),
            None => self.writer.format.append(unknown, &mut self.text),
        }
        self.text.push(b'\n');
    }
}
