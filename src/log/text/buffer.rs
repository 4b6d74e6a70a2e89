//! Text that is put together in memory: numbers and bytes without the cost of
//! `write!`, of which a log takes millions.

use std::io::{self, Write};

use crate::types::Lsn;

/// The text of one record.
#[derive(Debug)]
pub(super) struct Text {
    bytes: Vec<u8>,
}

/// So many bytes are worth a call of the writer.
const LARGE: usize = 1 << 16;

/// Digits of the longest number, in octal.
const DIGITS: usize = 22;

impl Text {
    pub(super) fn new() -> Text {
        Text { bytes: Vec::with_capacity(1000) }
    }

    pub(super) fn as_bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// Writes what there is if it has grown large: a record may be as long as its file.
    pub(super) fn relieve(&mut self, out: &mut impl Write) -> io::Result<()> {
        if self.bytes.len() > LARGE {
            out.write_all(&self.bytes)?;
            self.bytes.clear();
        }
        Ok(())
    }

    pub(super) fn len(&self) -> usize {
        self.bytes.len()
    }

    pub(super) fn truncate(&mut self, len: usize) {
        self.bytes.truncate(len);
    }

    /// Appends bytes as they are.
    #[inline]
    pub(super) fn raw(&mut self, bytes: &[u8]) {
        self.bytes.extend_from_slice(bytes);
    }

    /// Appends a text.
    #[inline]
    pub(super) fn put(&mut self, text: &str) {
        self.raw(text.as_bytes());
    }

    /// Appends the beginning of a line that shows a field.
    #[inline]
    pub(super) fn name(&mut self, name: &str) {
        self.raw(b"\t");
        self.put(name);
        self.raw(b": ");
    }

    #[inline]
    pub(super) fn decimal(&mut self, n: impl Into<u64>) {
        let n = n.into();
        match u8::try_from(n) {
            Ok(n @ 0..10) => self.bytes.push(b'0' | n),
            _ => self.digits::<10>(n, b' ', 0),
        }
    }

    /// A decimal number, with blanks before it up to a width.
    pub(super) fn right(&mut self, n: impl Into<u64>, width: usize) {
        self.digits::<10>(n.into(), b' ', width);
    }

    /// A decimal number, with zeros before it up to a width.
    pub(super) fn zeros(&mut self, n: impl Into<u64>, width: usize) {
        self.digits::<10>(n.into(), b'0', width);
    }

    pub(super) fn signed(&mut self, n: i32) {
        if n < 0 {
            self.raw(b"-");
        }
        self.decimal(n.unsigned_abs());
    }

    #[inline]
    pub(super) fn hex(&mut self, n: impl Into<u64>) {
        let n = n.into();
        match u8::try_from(n) {
            Ok(n @ 0..16) => self.bytes.push(digit(n)),
            _ => self.digits::<16>(n, b' ', 0),
        }
    }

    pub(super) fn octal(&mut self, n: impl Into<u64>) {
        self.digits::<8>(n.into(), b' ', 0);
    }

    /// `[file][offset]`.
    pub(super) fn lsn(&mut self, lsn: Lsn) {
        self.raw(b"[");
        self.decimal(lsn.file);
        self.raw(b"][");
        self.decimal(lsn.offset);
        self.raw(b"]");
    }

    /// Two hexadecimal digits for each byte.
    pub(super) fn dump(&mut self, bytes: &[u8]) {
        const PIECE: usize = 64;
        for piece in bytes.chunks(PIECE) {
            let mut room = [[0; 2]; PIECE];
            for (pair, byte) in room.iter_mut().zip(piece) {
                *pair = [digit(byte >> 4), digit(byte & 0xf)];
            }
            self.raw(room.get(..piece.len()).unwrap_or_default().as_flattened());
        }
    }

    #[allow(clippy::arithmetic_side_effects)] // the base is not 0
    fn digits<const BASE: u64>(&mut self, mut n: u64, before: u8, width: usize) {
        let mut room = [before; DIGITS];
        let mut used = 0usize;
        for place in room.iter_mut().rev() {
            let [last, ..] = (n % BASE).to_le_bytes();
            *place = digit(last);
            n /= BASE;
            used = used.saturating_add(1);
            if n == 0 {
                break;
            }
        }
        let start = DIGITS.saturating_sub(used.max(width));
        self.raw(room.get(start..).unwrap_or_default());
    }
}

/// A hexadecimal digit.
fn digit(n: u8) -> u8 {
    if n < 10 { b'0' | n } else { n.wrapping_add(b'a' - 10) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_written_as_by_format() {
        for n in [0, 1, 9, 10, 15, 16, 255, 4096, u64::from(u32::MAX), u64::MAX] {
            let mut text = Text::new();
            text.decimal(n);
            text.raw(b" ");
            text.hex(n);
            text.raw(b" ");
            text.octal(n);
            text.raw(b" ");
            text.right(n, 5);
            text.raw(b" ");
            text.zeros(n, 3);
            assert_eq!(text.as_bytes(), format!("{n} {n:x} {n:o} {n:>5} {n:03}").as_bytes());
        }
        let mut text = Text::new();
        text.signed(i32::MIN);
        text.lsn(Lsn { file: 1, offset: 28 });
        text.dump(b"\0\x9f\xfa");
        assert_eq!(text.as_bytes(), b"-2147483648[1][28]009ffa");
    }

    #[test]
    fn long_dumps_are_whole() {
        let bytes: Vec<u8> = (0..=255).collect();
        let expected: String = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
        let mut text = Text::new();
        text.dump(&bytes);
        assert_eq!(text.as_bytes(), expected.as_bytes());
    }
}
