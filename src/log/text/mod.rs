//! Records as `db_printlog` prints them (log-format, "Printing").

mod buffer;
mod calendar;
mod data;
mod databases;
mod meta_listing;
mod new_form;
mod page_listing;
mod values;

use std::cell::RefCell;
use std::io::{self, Write};

use self::buffer::Text;
use self::databases::Databases;
use self::values::{extended, lock_lines, time};
use crate::format::log::DEBUG;
use crate::log::record::{Field, Record, RecordNote, Value, signed, unsigned};
use crate::log::schema::Print;

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
/// assert!(text.starts_with(b"[1][28]crdel_fileopen: rec: 141 txnid 80000002 prevlsn [0][0]\n\tname: p.db0 \n"));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// Versions 17 and later list images of pages item by item, and numbers in items in the
/// byte order of the printing machine. For the way in which a database keeps its pages
/// a printer goes by the register records that it has printed or [passed](Printer::pass);
/// without one, byte order is guessed for images, and items stay as they are. It differs
/// from the releases where these print what does not stand in the record: their marks of
/// deleted items on images in two parts. Images of metadata of heaps and queues are shown
/// as bytes.
#[derive(Debug)]
pub struct Printer<F = fn(i64) -> i64> {
    zone: F,
    databases: RefCell<Databases>,
}

impl Printer {
    /// Prints times in UTC.
    #[must_use]
    pub fn new() -> Printer {
        Printer { zone: |_| 0, databases: RefCell::default() }
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
        Printer { zone, databases: RefCell::default() }
    }

    /// Prints one record, with the empty line behind it; gives the record's
    /// [note](Record::note).
    ///
    /// # Errors
    ///
    /// Those of writing.
    pub fn print(&self, record: &Record<'_>, out: &mut impl Write) -> io::Result<Option<RecordNote>> {
        let mut text = Text::new();
        let new = record.version() >= NEW_FORM;
        let parsed = record.parse();
        let note = parsed.as_ref().err().copied();
        match parsed {
            Ok((layout, fields)) => {
                head(record, layout.printed_name(), &mut text);
                if new {
                    let mut databases = self.databases.take(); // not borrowed while `zone` runs
                    new_form::fields(layout, fields, record, &mut databases, &self.zone, &mut text);
                    self.databases.replace(databases);
                } else {
                    for field in fields {
                        self.field(&field, record, &mut text, out)?;
                    }
                    text.raw(b"\n");
                }
            }
            Err(RecordNote::Application) => {
                let [first, second] = if new { ["BDB5016 ", "BDB5017 "] } else { [""; 2] };
                text.put(first);
                text.lsn(record.lsn());
                text.put("application specific record: rec: ");
                text.decimal(record.kind());
                text.raw(b"\n");
                text.put(second);
                text.name("data");
                bytes(record.body(), &mut text, out)?;
                text.raw(b"\n\n");
            }
            Err(_) => {
                head(record, "unknown", &mut text);
                text.name("data");
                bytes(record.body(), &mut text, out)?;
                text.raw(b"\n\n");
            }
        }
        out.write_all(text.as_bytes())?;
        Ok(note)
    }

    /// Takes in a record that is not to be printed: it may tell of a database of which
    /// others follow.
    pub fn pass(&self, record: &Record<'_>) {
        if record.version() >= NEW_FORM {
            self.databases.borrow_mut().pass(record);
        }
    }

    fn field(
        &self,
        field: &Field<'_>,
        record: &Record<'_>,
        text: &mut Text,
        out: &mut impl Write,
    ) -> io::Result<()> {
        text.name(field.name());
        match (field.value(), field.layout().print()) {
            (Value::Bytes(list), Print::Locks) if record.version() >= 10 => {
                text.raw(b"\n");
                lock_lines(list, record, text);
                return Ok(());
            }
            (Value::Bytes(list), _) => bytes(list, text, out)?,
            (Value::Lsn(lsn), _) => text.lsn(lsn),
            (Value::Signed(n), Print::Time) => time(n.into(), &self.zone, text),
            (Value::Size(n), _) => text.decimal(n),
            (Value::Unsigned(n), Print::Hexadecimal) => {
                text.raw(b"0x");
                text.hex(n);
            }
            (Value::Signed(n), Print::Hexadecimal) => {
                text.raw(b"0x");
                text.hex(extended(n));
            }
            (Value::Unsigned(n), Print::Octal) => text.octal(n),
            (Value::Unsigned(n), Print::Signed) => text.signed(signed(n)),
            (Value::Signed(n), Print::Unsigned) => text.decimal(unsigned(n)),
            (Value::Signed(n), Print::UnsignedLong) => text.decimal(extended(n)),
            (Value::Signed(n), _) => text.signed(n),
            (Value::Unsigned(n), _) => text.decimal(n),
        }
        text.raw(b"\n");
        Ok(())
    }
}

fn head(record: &Record<'_>, name: &str, text: &mut Text) {
    let (debug, mark) = if record.debug() { ("_debug", DEBUG) } else { ("", 0) };
    text.lsn(record.lsn());
    text.put(name);
    text.put(debug);
    text.put(": rec: ");
    text.decimal(record.kind() | mark);
    text.put(if record.version() >= 12 { " txnp " } else { " txnid " });
    text.hex(record.txn().map_or(0, |txn| txn.0));
    text.put(" prevlsn ");
    text.lsn(record.prev_lsn());
    text.raw(b"\n");
}

/// Printable bytes as themselves, others in hexadecimal with a blank behind.
fn bytes(data: &[u8], text: &mut Text, out: &mut impl Write) -> io::Result<()> {
    let plain = |byte: &u8| matches!(byte, 0x20..=0x7e | b'\n');
    for piece in data.chunks(1 << 12) {
        for run in piece.chunk_by(|a, b| plain(a) && plain(b)) {
            match run {
                [0] => text.raw(b"0 "),
                [byte] if !plain(byte) => {
                    text.raw(b"0x");
                    text.hex(*byte);
                    text.raw(b" ");
                }
                _ => text.raw(run),
            }
        }
        text.relieve(out)?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What is written to a text.
    pub(super) fn written(write: impl Fn(&mut Text)) -> String {
        let mut text = Text::new();
        write(&mut text);
        String::from_utf8(text.as_bytes().to_vec()).unwrap()
    }

    #[test]
    fn bytes_print_as_the_old_releases_do() {
        let text = |data: &[u8]| written(|text| bytes(data, text, &mut io::sink()).unwrap());
        assert_eq!(text(b"a\0\x01b\n\x7f\xff~"), "a0 0x1 b\n0x7f 0xff ~");
        assert_eq!(text(b"\0\0x"), "0 0 x");
        assert_eq!(text(b""), "");
    }

    #[test]
    fn long_bytes_are_written_in_pieces() {
        let (mut text, mut out) = (Text::new(), Vec::new());
        bytes(&[b'x'; 1 << 20], &mut text, &mut out).unwrap();
        assert!(text.len() < 1 << 17);
        out.extend_from_slice(text.as_bytes());
        assert_eq!(out, [b'x'; 1 << 20]);
    }
}
