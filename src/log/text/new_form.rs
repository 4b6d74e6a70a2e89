//! The form in which releases 5.0 to 5.3 print: log versions 17 to 19.

use std::io::{self, Write};

use super::{extended, lock_lines, time};
use crate::log::record::{Field, Record, Value, unsigned};
use crate::log::schema::{FieldKind, Print};

/// One field.
pub(super) fn field(
    field: &Field<'_>,
    record: &Record<'_>,
    zone: &impl Fn(i64) -> i64,
    out: &mut impl Write,
) -> io::Result<()> {
    let name = field.name();
    match (field.value(), field.layout().kind()) {
        (Value::Bytes(list), FieldKind::Locks) => return lock_lines(list, record, out),
        (Value::Bytes(list), FieldKind::PageList) => return page_list(list, record, out),
        (Value::Bytes([]), FieldKind::Item | FieldKind::ItemTail) => return Ok(()),
        (Value::Bytes(data), _) => {
            write!(out, "\t{name}: ")?;
            new_bytes(data, out)?;
        }
        (Value::Unsigned(op), FieldKind::Operation) => {
            let kind = op.to_be_bytes()[3];
            write!(out, "\t{name}: {} ptype: {}", op >> 8, page_kind(kind))?;
        }
        (Value::Unsigned(op), FieldKind::Register) => {
            write!(out, "\t{name}: {} {:x}", register_name(op & 0xf), op & !0xf)?;
        }
        (Value::Signed(n), FieldKind::FileId) => {
            write!(out, "\t{name}: {}", extended(n))?;
        }
        (Value::Signed(n), FieldKind::Time) => {
            write!(out, "\t{name}: ")?;
            time(n.into(), zone, out)?;
        }
        (Value::Signed(n), _) => new_number(name, unsigned(n), field.layout().print(), out)?,
        (Value::Unsigned(n), _) => new_number(name, n, field.layout().print(), out)?,
        (Value::Size(n), _) => write!(out, "\t{name}: {n}")?,
        (Value::Lsn(lsn), _) => write!(out, "\t{name}: {lsn}")?,
    }
    out.write_all(b"\n")
}

fn new_number(name: &str, n: u32, print: Print, out: &mut impl Write) -> io::Result<()> {
    match print {
        Print::Hexadecimal => write!(out, "\t{name}: {n:x}"),
        Print::Octal => write!(out, "\t{name}: {n:o}"),
        _ => write!(out, "\t{name}: {n}"),
    }
}

/// How many bytes of a field versions 17 to 19 show.
const SHOWN: usize = 100;

/// The length, and the first bytes: as text if most are printable.
fn new_bytes(data: &[u8], out: &mut impl Write) -> io::Result<()> {
    write!(out, "len: {:>3}", data.len())?;
    if data.is_empty() {
        return Ok(());
    }
    let shown = data.get(..SHOWN).unwrap_or(data);
    let printable = |byte: u8| matches!(byte, 0x20..=0x7e | b'\t' | b'\n');
    let text = match shown {
        [text @ .., 0] => text,
        all => all,
    };
    let odd = text.iter().filter(|&&byte| !printable(byte)).count();
    out.write_all(b" data: ")?;
    for &byte in shown {
        if odd.saturating_mul(4) >= shown.len().max(1) {
            write!(out, "{byte:02x}")?;
        } else if printable(byte) {
            out.write_all(&[byte])?;
        } else {
            write!(out, "\\{byte:x}")?;
        }
    }
    if shown.len() < data.len() { out.write_all(b"...") } else { Ok(()) }
}

/// `page [file][offset]`, four to a line.
fn page_list(list: &[u8], record: &Record<'_>, out: &mut impl Write) -> io::Result<()> {
    let word = |bytes: &[u8], at: usize| {
        let word: [u8; 4] = bytes.get(at..).and_then(|rest| rest.first_chunk().copied()).unwrap_or_default();
        match record.endianness() {
            crate::order::Endianness::Little => u32::from_le_bytes(word),
            crate::order::Endianness::Big => u32::from_be_bytes(word),
        }
    };
    out.write_all(b"\t")?;
    for (i, entry) in list.chunks_exact(16).enumerate() {
        let (page, file, offset) = (word(entry, 0), word(entry, 8), word(entry, 12));
        write!(out, "{page} [{file}][{offset}]{}", if i % 4 == 3 { "\n\t" } else { " " })?;
    }
    out.write_all(b"\n")
}

fn page_kind(kind: u8) -> &'static str {
    match kind {
        0 => "invalid",
        1 => "duplicate",
        2 => "hash unsorted",
        3 => "btree internal",
        4 => "recno internal",
        5 => "btree leaf",
        6 => "recno leaf",
        7 => "overflow",
        8 => "hash metadata",
        9 => "btree metadata",
        10 => "queue metadata",
        11 => "queue",
        12 => "duplicate",
        13 => "hash",
        14 => "heap metadata",
        15 => "heap",
        16 => "heap internal",
        _ => "unknown page type",
    }
}

fn register_name(operation: u32) -> &'static str {
    match operation {
        1 => "CHKPNT",
        2 => "CLOSE",
        3 => "OPEN",
        4 => "PREOPEN",
        5 => "RCLOSE",
        6 => "REOPEN",
        7 => "XCHKPNT",
        8 => "XOPEN",
        9 => "XREOPEN",
        _ => "UNKNOWN",
    }
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
    fn bytes_print_as_text_if_most_are_printable() {
        assert_eq!(text(|out| new_bytes(b"", out)), "len:   0");
        assert_eq!(text(|out| new_bytes(b"name\0", out)), "len:   5 data: name\\0");
        assert_eq!(text(|out| new_bytes(b"\x01\x02ab", out)), "len:   4 data: 01026162");
        assert!(text(|out| new_bytes(&[b'x'; 101], out)).ends_with("xx..."));
    }
}
