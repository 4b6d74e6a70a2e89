//! Names are data: how a name from outside is written in a text.

use std::ffi::OsStr;
use std::fmt;
use std::path::Path;

/// A name of a file or a folder as it is written in messages, reports and JSON.
///
/// Whoever made a file chose its name, so it may hold anything: escape sequences of a terminal,
/// line breaks, marks that turn text around, bytes that are no text. Printed as it is, it could
/// forge a report. So what moves a cursor, breaks a line or turns text around, every byte that
/// is not UTF-8, and the backslash itself are written as `\` and two hexadecimal digits for each
/// byte, as in a dump (a backslash as `\\`); all else stays as it is. Two different names never
/// look the same.
///
/// ```
/// use bdbkit::ShowName;
///
/// let name = std::path::Path::new("mail/\u{1b}[31mx.db");
/// assert_eq!(name.shown().to_string(), r"mail/\1b[31mx.db");
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Shown<'a>(&'a [u8]);

/// What has a name that can be [`Shown`]: paths, their parts, and texts that hold them.
pub trait ShowName {
    /// The name, safe to print.
    fn shown(&self) -> Shown<'_>;
}

impl ShowName for Path {
    fn shown(&self) -> Shown<'_> {
        Shown(self.as_os_str().as_encoded_bytes())
    }
}

impl ShowName for OsStr {
    fn shown(&self) -> Shown<'_> {
        Shown(self.as_encoded_bytes())
    }
}

impl ShowName for str {
    fn shown(&self) -> Shown<'_> {
        Shown(self.as_bytes())
    }
}

impl ShowName for [u8] {
    fn shown(&self) -> Shown<'_> {
        Shown(self)
    }
}

/// A number of things, in words.
pub(crate) fn counted(number: u64, what: &str) -> String {
    format!("{number} {what}{}", if number == 1 { "" } else { "s" })
}

/// Whether a character does something to the text around it instead of standing in it.
#[must_use]
pub(crate) fn moves(c: char) -> bool {
    c.is_control()
        || matches!(
            c,
            '\u{061c}'
                | '\u{200b}'..='\u{200f}'
                | '\u{2028}'..='\u{202e}'
                | '\u{2060}'..='\u{206f}'
                | '\u{feff}'
                | '\u{fff9}'..='\u{fffb}'
                | '\u{e0000}'..='\u{e007f}'
        )
}

impl Shown<'_> {
    fn write(self, out: &mut dyn fmt::Write) -> fmt::Result {
        let hex = |out: &mut dyn fmt::Write, bytes: &[u8]| {
            bytes.iter().try_for_each(|byte| write!(out, "\\{byte:02x}"))
        };
        for chunk in self.0.utf8_chunks() {
            for c in chunk.valid().chars() {
                match c {
                    '\\' => out.write_str("\\\\")?,
                    c if moves(c) => hex(out, c.encode_utf8(&mut [0; 4]).as_bytes())?,
                    c => out.write_char(c)?,
                }
            }
            hex(out, chunk.invalid())?;
        }
        Ok(())
    }
}

impl fmt::Display for Shown<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if f.width().is_none() && f.precision().is_none() {
            return self.write(f);
        }
        let mut text = String::new();
        self.write(&mut text)?;
        f.pad(&text)
    }
}

/// Bytes as they are written in a program: `b"key\\x00"`.
pub(crate) struct Escaped<'a>(pub(crate) &'a [u8]);

impl fmt::Debug for Escaped<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "b\"{}\"", self.0.escape_ascii())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_in_a_name_moves_a_cursor() {
        let cases: [(&[u8], &str); 9] = [
            (b"mboxlist/folder.db", "mboxlist/folder.db"),
            ("k\u{e9}\u{6f22}.db".as_bytes(), "k\u{e9}\u{6f22}.db"),
            (b"\x1b[31mred.db", r"\1b[31mred.db"),
            (b"good.db: sound\nbad\r", r"good.db: sound\0abad\0d"),
            ("\u{9b}31m".as_bytes(), r"\c2\9b31m"),
            ("a\u{202e}bd".as_bytes(), r"a\e2\80\aebd"),
            ("\u{2028}\u{feff}\u{e0041}".as_bytes(), r"\e2\80\a8\ef\bb\bf\f3\a0\81\81"),
            (b"\xff\xfe", r"\ff\fe"),
            (br"\ff", r"\\ff"),
        ];
        for (name, text) in cases {
            assert_eq!(name.shown().to_string(), text);
        }
        assert_eq!(format!("{:<6}|", "a\n".shown()), r"a\0a  |");
    }
}
