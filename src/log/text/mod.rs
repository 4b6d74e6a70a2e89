//! Records as `db_printlog` prints them (log-format, "Printing").

mod new_form;

use std::io::{self, Write};

use super::calendar::Civil;
use super::locks::locks;
use crate::format::log::DEBUG;
use crate::log::record::{Field, Note, Record, Value, signed, unsigned};
use crate::log::schema::{FieldKind, Print};

/// From this version on, releases print in another form.
const NEW_FORM: u32 = 17;

/// Prints records in the text form of `db_printlog`, each as the release does that
/// owns its log version.
///
/// ```
/// let log = bdbkit::log::LogDir::open("testdata/env-log3-be-clean")?;
/// let printer = bdbkit::log::Printer::new();
/// let mut text = Vec::new();
/// for record in log.records() {
///     printer.print(&record?, &mut text)?;
/// }
/// assert!(text.starts_with(b"[1][28]log_register: rec: 2 txnid 0 prevlsn [0][0]\n\topcode: 3\n"));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// Not printed as there are page images of versions 17 to 19, which the releases list
/// item by item: they are shown as bytes.
#[derive(Debug)]
pub struct Printer<F = fn(i64) -> i64> {
    zone: F,
}

impl Printer {
    /// Prints times in UTC.
    #[must_use]
    pub fn new() -> Printer {
        Printer { zone: |_| 0 }
    }
}

impl Default for Printer {
    fn default() -> Self {
        Printer::new()
    }
}

impl<F: Fn(i64) -> i64> Printer<F> {
    /// Prints times in a time zone: a function from seconds since 1970 to the
    /// offset from UTC at that time, in seconds.
    pub fn in_zone(zone: F) -> Printer<F> {
        Printer { zone }
    }

    /// Prints one record, with the empty line behind it.
    ///
    /// # Errors
    ///
    /// Those of writing.
    pub fn print(&self, record: &Record<'_>, out: &mut impl Write) -> io::Result<()> {
        write!(out, "{}", record.lsn())?;
        let new = record.version() >= NEW_FORM;
        match record.layout() {
            Ok(layout) => {
                head(record, layout.printed_name(), out)?;
                let mut fields = record.fields().peekable();
                let mut end: &[u8] = b"\n";
                while let Some(field) = fields.next() {
                    if new {
                        let next = fields.peek().filter(|next| next.layout().kind() == FieldKind::ItemTail);
                        if field.layout().kind() == FieldKind::Item && next.is_some() {
                            continue; // printed at the place of its tail, which is the same
                        }
                        end = if field.layout().kind() == FieldKind::PageList { b"\t" } else { b"\n" };
                        new_form::field(&field, record, &self.zone, out)?;
                    } else {
                        self.field(&field, record, out)?;
                    }
                }
                out.write_all(end)
            }
            Err(Note::Application) => {
                let [first, second] = if new { ["BDB5016 ", "BDB5017 "] } else { [""; 2] };
                let kind = record.kind();
                write!(out, "{first}application specific record: rec: {kind}\n{second}\tdata: ")?;
                bytes(record.body(), out)?;
                out.write_all(b"\n\n")
            }
            Err(_) => {
                head(record, "unknown", out)?;
                out.write_all(b"\tdata: ")?;
                bytes(record.body(), out)?;
                out.write_all(b"\n\n")
            }
        }
    }

    fn field(&self, field: &Field<'_>, record: &Record<'_>, out: &mut impl Write) -> io::Result<()> {
        write!(out, "\t{}: ", field.name())?;
        match (field.value(), field.layout().print()) {
            (Value::Bytes(list), Print::Locks) if record.version() >= 10 => {
                out.write_all(b"\n")?;
                return lock_lines(list, record, out);
            }
            (value, print) => self.value(value, print, out)?,
        }
        out.write_all(b"\n")
    }

    fn value(&self, value: Value<'_>, print: Print, out: &mut impl Write) -> io::Result<()> {
        match (value, print) {
            (Value::Bytes(list), _) => bytes(list, out),
            (Value::Lsn(lsn), _) => write!(out, "{lsn}"),
            (Value::Signed(n), Print::Time) => time(n.into(), &self.zone, out),
            (Value::Size(n), _) => write!(out, "{n}"),
            (Value::Unsigned(n), Print::Hexadecimal) => write!(out, "{n:#x}"),
            (Value::Signed(n), Print::Hexadecimal) => write!(out, "{:#x}", i64::from(n)),
            (Value::Unsigned(n), Print::Octal) => write!(out, "{n:o}"),
            (Value::Unsigned(n), Print::Signed) => write!(out, "{}", signed(n)),
            (Value::Signed(n), Print::Unsigned) => write!(out, "{}", unsigned(n)),
            (Value::Signed(n), Print::UnsignedLong) => write!(out, "{}", extended(n)),
            (Value::Signed(n), _) => write!(out, "{n}"),
            (Value::Unsigned(n), _) => write!(out, "{n}"),
        }
    }
}

/// Seconds, and the local time in two forms.
fn time(seconds: i64, zone: &impl Fn(i64) -> i64, out: &mut impl Write) -> io::Result<()> {
    let local = Civil::of(seconds.saturating_add(zone(seconds)));
    write!(out, "{seconds} ({}, {})", local.long(), local.short())
}

/// A number as an unsigned one of the printing program's `long`: 64 bits.
fn extended(n: i32) -> u64 {
    u64::from_le_bytes(i64::from(n).to_le_bytes())
}

fn head(record: &Record<'_>, name: &str, out: &mut impl Write) -> io::Result<()> {
    let (debug, mark) = if record.debug() { ("_debug", DEBUG) } else { ("", 0) };
    let label = if record.version() >= 12 { "txnp" } else { "txnid" };
    let kind = record.kind() | mark;
    let txn = record.txn().map_or(0, |txn| txn.0);
    writeln!(out, "{name}{debug}: rec: {kind} {label} {txn:x} prevlsn {}", record.prev_lsn())
}

/// Printable bytes as themselves, others in hexadecimal with a blank behind.
fn bytes(data: &[u8], out: &mut impl Write) -> io::Result<()> {
    let plain = |byte: &u8| matches!(byte, 0x20..=0x7e | b'\n');
    for run in data.chunk_by(|a, b| plain(a) && plain(b)) {
        match run {
            [0] => out.write_all(b"0 ")?,
            [byte] if !plain(byte) => write!(out, "{byte:#x} ")?,
            _ => out.write_all(run)?,
        }
    }
    Ok(())
}

fn lock_lines(list: &[u8], record: &Record<'_>, out: &mut impl Write) -> io::Result<()> {
    for lock in locks(list, record.endianness()) {
        out.write_all(b"\t(")?;
        for (i, byte) in lock.file.0.iter().take(5).enumerate() {
            write!(out, "{}{byte:x}", if i > 0 { " " } else { "" })?;
        }
        out.write_all(b")")?;
        lock.pages().try_for_each(|page| write!(out, " {page}"))?;
        out.write_all(b"\n")?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(write: impl Fn(&mut Vec<u8>) -> io::Result<()>) -> String {
        let mut out = Vec::new();
        write(&mut out).unwrap();
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn bytes_print_as_the_old_releases_do() {
        assert_eq!(text(|out| bytes(b"a\0\x01b\n\x7f\xff~", out)), "a0 0x1 b\n0x7f 0xff ~");
        assert_eq!(text(|out| bytes(b"\0\0x", out)), "0 0 x");
        assert_eq!(text(|out| bytes(b"", out)), "");
    }
}
