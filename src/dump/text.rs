//! How bytes are written in a dump: as hexadecimal digits, or escaped.

/// The form of the data lines of a dump.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Format {
    /// Two hexadecimal digits a byte.
    Bytevalue,
    /// Printing characters as they are, others as a backslash and two digits.
    Print,
}

/// The two digits of a byte: without a table, so that the compiler makes those of many at once.
#[inline(always)]
fn digits(byte: u8) -> [u8; 2] {
    [byte >> 4, byte & 15].map(|n| n.wrapping_add(if n < 10 { b'0' } else { b'a' - 10 }))
}

/// Bytes whose digits are made together.
const BLOCK: usize = 16;

#[inline(always)]
fn digits_of(block: &[u8; BLOCK]) -> [u8; 2 * BLOCK] {
    let mut text = [0; 2 * BLOCK];
    for (two, &byte) in text.chunks_exact_mut(2).zip(block) {
        two.copy_from_slice(&digits(byte));
    }
    text
}

/// Appends the digits of bytes.
fn hex(bytes: &[u8], line: &mut Vec<u8>) {
    line.reserve(bytes.len().saturating_mul(2));
    let mut rest = bytes;
    while let Some((block, after)) = rest.split_first_chunk() {
        line.extend_from_slice(&digits_of(block));
        rest = after;
    }
    let mut block = [0; BLOCK];
    block.iter_mut().zip(rest).for_each(|(place, byte)| *place = *byte);
    line.extend_from_slice(digits_of(&block).get(..rest.len().saturating_mul(2)).unwrap_or_default());
}

impl Format {
    /// The name of the form in a header.
    pub(super) fn name(self) -> &'static str {
        match self {
            Format::Bytevalue => "bytevalue",
            Format::Print => "print",
        }
    }

    /// Appends bytes in this form.
    pub(super) fn append(self, bytes: &[u8], line: &mut Vec<u8>) {
        match self {
            Format::Bytevalue => hex(bytes, line),
            Format::Print => print(bytes, line),
        }
    }
}

/// Why data lines cannot be decoded.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Fault {
    Digits,
    Escape,
}

const DIGITS: &[u8; 16] = b"0123456789abcdef";

/// What a hexadecimal digit stands for; others for more than 15.
#[allow(clippy::indexing_slicing, clippy::as_conversions, clippy::arithmetic_side_effects)] // when compiled
const VALUES: [u8; 256] = {
    let mut values = [0xff; 256];
    let mut digit = 0;
    while digit < 16 {
        values[DIGITS[digit] as usize] = digit as u8;
        values[DIGITS[digit].to_ascii_uppercase() as usize] = digit as u8;
        digit += 1;
    }
    values
};

#[inline]
#[allow(clippy::indexing_slicing)] // a byte indexes a table of 256
fn digit(byte: u8) -> u8 {
    VALUES[usize::from(byte)]
}

/// What a digit adds to a byte as its first or second one; others add more than a byte has.
const HIGH: [u16; 256] = places(4);
const LOW: [u16; 256] = places(0);

#[allow(clippy::indexing_slicing, clippy::as_conversions, clippy::arithmetic_side_effects)] // when compiled
const fn places(shift: u32) -> [u16; 256] {
    let mut places = [0xff00; 256];
    let mut digit = 0;
    while digit < 256 {
        if VALUES[digit] < 16 {
            places[digit] = (VALUES[digit] as u16) << shift;
        }
        digit += 1;
    }
    places
}

#[inline]
#[allow(clippy::indexing_slicing)] // a byte indexes a table of 256
fn looked_up(table: &[u16; 256], digit: u8) -> u16 {
    table[usize::from(digit)]
}

/// The byte that two digits stand for.
fn byte(high: u8, low: u8) -> Option<u8> {
    let (high, low) = (digit(high), digit(low));
    (high | low < 16).then_some(high << 4 | low)
}

impl Format {
    /// Appends the bytes for which a line in this form stands.
    pub(super) fn decode(self, line: &[u8], bytes: &mut Vec<u8>) -> Result<(), Fault> {
        match self {
            Format::Bytevalue => unhex(line, bytes),
            Format::Print => unescape(line, bytes),
        }
    }
}

/// Appends the bytes that digits stand for.
fn unhex(line: &[u8], bytes: &mut Vec<u8>) -> Result<(), Fault> {
    let pairs = line.chunks_exact(2);
    if !pairs.remainder().is_empty() {
        return Err(Fault::Digits);
    }
    let mut all = 0;
    bytes.extend(pairs.map(|pair| {
        let &[high, low] = pair else { return 0 };
        let both = looked_up(&HIGH, high) | looked_up(&LOW, low);
        all |= both;
        let [byte, _] = both.to_le_bytes();
        byte
    }));
    if all < 256 { Ok(()) } else { Err(Fault::Digits) }
}

fn unescape(line: &[u8], bytes: &mut Vec<u8>) -> Result<(), Fault> {
    let mut rest = line;
    loop {
        let run = rest.iter().position(|&byte| byte == b'\\').unwrap_or(rest.len());
        let (plain, after) = rest.split_at_checked(run).unwrap_or((rest, &[]));
        bytes.extend_from_slice(plain);
        rest = match after {
            [] => return Ok(()),
            [_, b'\\', rest @ ..] => {
                bytes.push(b'\\');
                rest
            }
            [_, high, low, rest @ ..] => {
                bytes.push(byte(*high, *low).ok_or(Fault::Escape)?);
                rest
            }
            _ => return Err(Fault::Escape),
        };
    }
}

fn print(bytes: &[u8], line: &mut Vec<u8>) {
    let plain = |byte: &u8| matches!(byte, b' '..=b'~') && *byte != b'\\';
    let mut rest = bytes;
    loop {
        let run = rest.iter().take_while(|byte| plain(byte)).count();
        let (text, after) = rest.split_at_checked(run).unwrap_or((rest, &[]));
        line.extend_from_slice(text);
        let Some((&byte, after)) = after.split_first() else { return };
        if byte == b'\\' {
            line.extend_from_slice(b"\\\\");
        } else {
            let [high, low] = digits(byte);
            line.extend_from_slice(&[b'\\', high, low]);
        }
        rest = after;
    }
}

/// Bytes as `db_dump -p` writes them: printing ASCII characters as they are, a
/// backslash doubled, every other byte as a backslash and two digits.
///
/// ```
/// assert_eq!(bdbkit::dump::escape(b"a\\b\n"), r"a\\b\0a");
/// ```
#[must_use]
pub fn escape(bytes: &[u8]) -> String {
    let mut line = Vec::new();
    print(bytes, &mut line);
    String::from_utf8_lossy(&line).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(format: Format, bytes: &[u8]) -> String {
        let mut line = Vec::new();
        format.append(bytes, &mut line);
        String::from_utf8(line).unwrap()
    }

    #[test]
    fn every_byte_in_both_forms() {
        let all: Vec<u8> = (0..=255).collect();
        let hex: String = all.iter().map(|b| format!("{b:02x}")).collect();
        let printed: String = all
            .iter()
            .map(|&b| match b {
                b'\\' => "\\\\".to_owned(),
                0x20..=0x7e => char::from(b).to_string(),
                _ => format!("\\{b:02x}"),
            })
            .collect();
        assert_eq!(text(Format::Bytevalue, &all), hex);
        for (from, to) in [(0, 0), (3, 4), (7, 22), (100, 116), (9, 26), (200, 256)] {
            assert_eq!(text(Format::Bytevalue, &all[from..to]), hex[2 * from..2 * to]);
        }
        assert_eq!(text(Format::Print, &all), printed);
        assert_eq!(text(Format::Print, b""), "");
    }
}
