//! One log file (log-format, "Files").

pub(super) mod dialect;
pub(super) mod records;
mod sealed;
pub(super) mod tail;

use self::sealed::Sealed;
use std::sync::atomic::{AtomicU32, Ordering};

use super::error::{LogError, RecordDefect};
use super::record::{Format, Record};
use super::schema::Schema;
use crate::error::Error;
use crate::format::log::{self as layout, Form, Guard};
use crate::order::Endianness::{self, Big, Little};
use crate::pages::Source;
use crate::types::Lsn;

/// A log file: one of the sequence `log.0000000001`, `log.0000000002`, …
///
/// Records are borrowed from the file. Its byte order and version are its own,
/// whatever those of the files beside it.
#[derive(Debug)]
pub struct LogFile<'a> {
    source: Source<'a>,
    sealed: Option<Sealed>,
    number: u32,
    form: Form,
    format: Format,
    header: layout::FileHeader,
    prev: u32,
    header_defect: Option<RecordDefect>,
    /// All records before this offset, one behind the other from the first on, were checked.
    checked: AtomicU32,
}

impl<'a> LogFile<'a> {
    pub(crate) fn new(
        number: u32,
        source: Source<'a>,
        password: Option<&str>,
    ) -> Result<LogFile<'a>, LogError> {
        let bytes = source.in_place();
        let len = u64::try_from(bytes.len()).unwrap_or(u64::MAX);
        let Some((order, version)) = identify(bytes) else {
            let order = encrypted_order(bytes).ok_or_else(|| unknown(bytes, len))?;
            return LogFile::decrypted(number, source, order, password);
        };
        let form = Form::of_version(version);
        let need = form.len().saturating_add(16);
        let schemas: Vec<_> = Schema::of_version(version).collect();
        if schemas.is_empty() {
            return Err(LogError::Version { version, order });
        }
        let short = || LogError::Short { len, need };
        let (body, raw) = layout::header(bytes, form, order).ok_or_else(short)?;
        let (_, header) = layout::file_header(body, order).map_err(|_| short())?;
        let body = body.get(..layout::FILE_HEADER).unwrap_or(body);
        let header_defect = if raw.len == need {
            checksum_defect(version, &raw, body)
        } else {
            Some(RecordDefect::FileHeader { found: raw.len, need })
        };
        let format = Format { version, order, encrypted: false, schemas };
        let prev = raw.prev;
        let checked = AtomicU32::new(form.first());
        let mut file =
            LogFile { source, sealed: None, number, form, format, header, prev, header_defect, checked };
        let used = dialect::of_file(&file);
        file.set_dialect(used);
        Ok(file)
    }

    fn decrypted(
        number: u32,
        source: Source<'a>,
        order: Endianness,
        password: Option<&str>,
    ) -> Result<LogFile<'a>, LogError> {
        let bytes = source.in_place();
        let (sealed, header, prev) = Sealed::open(bytes, order, password)?;
        let version = header.version;
        let schemas: Vec<_> = Schema::of_version(version).collect();
        if schemas.is_empty() || version < 7 {
            return Err(LogError::Version { version, order });
        }
        let first = layout::header(bytes, Form::Encrypted, order);
        let first = first.and_then(|(rest, raw)| Some((raw, rest.get(..layout::FILE_HEADER)?)));
        let authentic = first.is_some_and(|(raw, body)| sealed.authentic(version, &raw, body));
        let header_defect = (!authentic).then_some(RecordDefect::Code);
        let format = Format { version, order, encrypted: true, schemas };
        let (form, sealed) = (Form::Encrypted, Some(sealed));
        let checked = AtomicU32::new(form.first());
        Ok(LogFile { source, sealed, number, form, format, header, prev, header_defect, checked })
    }

    /// The same file with all bodies empty: to find the records before any is decrypted.
    fn closed(&self) -> LogFile<'_> {
        LogFile {
            source: Source::Bytes(self.source.in_place().into()),
            sealed: self.sealed.as_ref().map(Sealed::closed),
            format: self.format.clone(),
            checked: AtomicU32::new(self.first()),
            ..*self
        }
    }

    /// Puts the record types of one dialect of version 2 before the others.
    pub(crate) fn set_dialect(&mut self, first: usize) {
        if self.format.version == 2 {
            let mut schemas: Vec<_> = Schema::of_version(2).collect();
            schemas.rotate_left(first);
            self.format.schemas = schemas;
        }
    }

    /// The number of the file in its log.
    #[must_use]
    pub fn number(&self) -> u32 {
        self.number
    }

    /// The log version.
    #[must_use]
    pub fn version(&self) -> u32 {
        self.format.version
    }

    /// The byte order of the log's numbers.
    #[must_use]
    pub fn endianness(&self) -> Endianness {
        self.format.order
    }

    /// Whether the records are encrypted.
    #[must_use]
    pub fn encrypted(&self) -> bool {
        self.format.encrypted
    }

    /// The size in bytes at which the writer would begin the next file.
    #[must_use]
    pub fn max_size(&self) -> u32 {
        self.header.max
    }

    /// Permission bits for new log files, up to version 10; 0 for the default.
    #[must_use]
    pub fn mode(&self) -> u32 {
        self.header.mode
    }

    /// Offset of the last record of the file before, according to this one; 0 in the
    /// first file.
    #[must_use]
    pub fn last_of_previous(&self) -> u32 {
        self.prev
    }

    /// Length of the file in bytes.
    #[must_use]
    pub fn size(&self) -> u64 {
        u64::try_from(self.source.in_place().len()).unwrap_or(u64::MAX)
    }

    /// The record types of the log's version. For version 2, those of the release
    /// that seems to have written it (log-format, "Record types").
    #[must_use]
    pub fn schema(&self) -> Option<&'static Schema> {
        self.format.schemas.first().copied()
    }

    /// The record at an offset. Its checksum is verified; its place in the chain of
    /// records is not.
    ///
    /// # Errors
    ///
    /// No whole record stands there.
    pub fn record(&self, offset: u32) -> Result<Record<'_>, LogError> {
        let lsn = self.lsn(offset);
        if offset < self.first() {
            return Err(LogError::NoRecord { lsn, why: "it lies in the header of the file" });
        }
        if offset >= self.end() {
            return Err(LogError::NoRecord { lsn, why: "it lies beyond the end of the file" });
        }
        self.read(offset).map_err(|defect| LogError::Damaged { lsn, defect })
    }

    pub(crate) fn lsn(&self, offset: u32) -> Lsn {
        Lsn { file: self.number, offset }
    }

    /// Offset of the first record.
    pub(crate) fn first(&self) -> u32 {
        self.form.first()
    }

    /// The file's length, as far as an LSN can reach.
    pub(crate) fn end(&self) -> u32 {
        u32::try_from(self.source.in_place().len()).unwrap_or(u32::MAX)
    }

    pub(crate) fn header_len(&self) -> u32 {
        self.form.len()
    }

    pub(crate) fn header_defect(&self) -> Option<RecordDefect> {
        self.header_defect
    }

    /// The bytes from an offset on.
    #[inline]
    pub(crate) fn rest(&self, offset: u32) -> &[u8] {
        let at = usize::try_from(offset).unwrap_or(usize::MAX);
        self.source.in_place().get(at..).unwrap_or_default()
    }

    /// What the header at an offset says, checked for nothing but its own length.
    #[inline]
    pub(crate) fn raw_header(&self, offset: u32) -> Option<(&[u8], layout::Header<'_>)> {
        layout::header(self.rest(offset), self.form, self.format.order)
    }

    /// The record at an offset, whole and with the right checksum, or what keeps it
    /// from being one.
    pub(crate) fn read(&self, offset: u32) -> Result<Record<'_>, RecordDefect> {
        self.reach(offset, false)
    }

    /// As [`LogFile::read`], the record at an offset where one was read before: its checksum is right.
    pub(crate) fn again(&self, offset: u32) -> Result<Record<'_>, RecordDefect> {
        self.reach(offset, true)
    }

    /// As [`LogFile::read`], the record behind those before it, from the first of the file on: checked
    /// once, however often the file is walked through.
    #[inline]
    pub(crate) fn read_on(&self, offset: u32) -> Result<Record<'_>, RecordDefect> {
        let checked = self.checked.load(Ordering::Relaxed);
        let record = self.reach(offset, offset < checked)?;
        if offset == checked {
            // Where another thread has come further, this is right, too.
            self.checked.store(offset.saturating_add(record.len), Ordering::Relaxed);
        }
        Ok(record)
    }

    #[inline]
    fn reach(&self, offset: u32, checked: bool) -> Result<Record<'_>, RecordDefect> {
        let (raw, stored) = self.shape(offset)?;
        #[cfg(test)]
        effort::add(stored.len());
        let body = match (&self.sealed, raw.guard) {
            (Some(sealed), Guard::Mac { size, .. }) => {
                if !checked && !sealed.authentic(self.format.version, &raw, stored) {
                    return Err(RecordDefect::Code);
                }
                let size = sealed.size(size);
                let at = offset.saturating_add(self.header_len());
                sealed.clear(self).body(at, stored.len(), size).ok_or_else(|| RecordDefect::Padding {
                    stored: raw.len.saturating_sub(self.header_len()),
                    size,
                })?
            }
            _ if checked => stored,
            _ => match checksum_defect(self.format.version, &raw, stored) {
                Some(defect) => return Err(defect),
                None => stored,
            },
        };
        Ok(self.with_body(offset, &raw, body))
    }

    /// As [`LogFile::read`], but believes the record without its checksum.
    pub(crate) fn peek(&self, offset: u32) -> Result<Record<'_>, RecordDefect> {
        let (raw, stored) = self.shape(offset)?;
        Ok(self.with_body(offset, &raw, stored))
    }

    #[inline]
    fn with_body<'b>(&'b self, offset: u32, raw: &layout::Header<'_>, body: &'b [u8]) -> Record<'b> {
        let lsn = self.lsn(offset);
        Record { format: &self.format, lsn, prev: raw.prev, misplaced: None, len: raw.len, body }
    }

    /// Header and stored body of the record at an offset, if the file holds all of it.
    #[inline]
    fn shape(&self, offset: u32) -> Result<(layout::Header<'_>, &[u8]), RecordDefect> {
        let bytes = self.rest(offset);
        let left = u32::try_from(bytes.len()).unwrap_or(u32::MAX).min(u32::MAX.saturating_sub(offset));
        let header = self.header_len();
        let Some((rest, raw)) = layout::header(bytes, self.form, self.format.order) else {
            return Err(RecordDefect::Header { left, need: header });
        };
        let len = raw.len.checked_sub(header).filter(|&len| len > 0 && raw.len <= left);
        let body = len.and_then(|len| rest.get(..usize::try_from(len).ok()?));
        body.map(|body| (raw, body)).ok_or(RecordDefect::Length { found: raw.len, header, left })
    }
}

/// Compares the checksum in a header with that of the body.
fn checksum_defect(version: u32, header: &layout::Header<'_>, body: &[u8]) -> Option<RecordDefect> {
    let Guard::Checksum(stored) = header.guard else { return None };
    let computed = layout::record_sum(version, header, body);
    (stored != computed).then_some(RecordDefect::Checksum { stored, computed })
}

/// Byte order and version, if the magic number stands at its place.
fn identify(bytes: &[u8]) -> Option<(Endianness, u32)> {
    [Little, Big].into_iter().find_map(|order| {
        let magic = order.u32_at(bytes, layout::MAGIC_AT)?;
        let version = order.u32_at(bytes, layout::MAGIC_AT.saturating_add(4))?;
        (magic == layout::MAGIC).then_some((order, version))
    })
}

/// Byte order of a file that looks like an encrypted log, or the beginning of one: its
/// first record has 64 bytes, 16 of them a body.
fn encrypted_order(bytes: &[u8]) -> Option<Endianness> {
    [Little, Big].into_iter().find(|&order| {
        let size = [order, order.other()].map(|order| order.u32_at(bytes, 44));
        order.u32_at(bytes, 4) == Some(layout::ENCRYPTED_FIRST)
            && (size.contains(&Some(16)) || size.contains(&None))
    })
}

fn unknown(bytes: &[u8], len: u64) -> LogError {
    let need = 28;
    let start = bytes.get(..28).unwrap_or(bytes);
    match Little.u32_at(bytes, layout::MAGIC_AT) {
        _ if len > 0 && start.iter().all(|&byte| byte == 0) => LogError::Zeroed,
        Some(found) if len >= 28 || !magic_begins(bytes) => LogError::NotALog { found },
        _ => LogError::Short { len, need },
    }
}

/// Whether the magic number stands in a file that is too short for a version.
fn magic_begins(bytes: &[u8]) -> bool {
    [Little, Big].into_iter().any(|order| order.u32_at(bytes, layout::MAGIC_AT) == Some(layout::MAGIC))
}

impl From<Error> for LogError {
    /// Opening a file is the only thing that logs share with databases.
    fn from(error: Error) -> LogError {
        match error {
            Error::Open { path, cause } => LogError::Open { path, cause },
            _ => LogError::NotALog { found: 0 },
        }
    }
}

/// How many bytes of records were read, to count how often a log is.
#[cfg(test)]
pub(crate) mod effort {
    use std::cell::Cell;

    thread_local!(static BYTES: Cell<usize> = const { Cell::new(0) });

    pub(super) fn add(bytes: usize) {
        BYTES.with(|all| all.set(all.get().saturating_add(bytes)));
    }

    /// How many bytes some work reads, on this thread.
    pub(crate) fn of<T>(work: impl FnOnce() -> T) -> (usize, T) {
        let before = BYTES.with(Cell::get);
        let done = work();
        (BYTES.with(Cell::get).saturating_sub(before), done)
    }
}
