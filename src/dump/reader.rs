//! Reading a dump: its lines are believed as they are read.

use std::io::{BufRead, Read};

use super::settings::Settings;
use super::text::{Fault, Format};
use crate::limits::Limits;
use crate::method::Method;

/// Why a text is no dump, or not a whole one.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum TextError {
    /// It cannot be read.
    #[error(transparent)]
    Read(#[from] std::io::Error),
    /// A line that is none of a dump.
    #[error("line {line}: {fault}")]
    Line {
        /// The line, counted from 1.
        line: u64,
        /// What is wrong with it.
        fault: TextFault,
    },
}

/// What is wrong with a line of a dump.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum TextFault {
    /// The text ends here.
    #[error("the text ends where {0} should be: it is not whole")]
    End(&'static str),
    /// The text ends within the line.
    #[error("the text ends within this line: it is not whole")]
    Cut,
    /// The line is longer than what may be.
    #[error("longer than items of {0} bytes are: the limit for one")]
    TooLong(u32),
    /// A data line begins with a blank.
    #[error("a line of data begins with a blank, and this one does not")]
    Blank,
    /// A byte has two hexadecimal digits.
    #[error("two hexadecimal digits for each byte are expected")]
    Digits,
    /// A backslash stands for itself, or before two digits.
    #[error("a backslash is followed by another one, or by two hexadecimal digits")]
    Escape,
    /// A header has lines `name=value`.
    #[error("a line of a header is expected: name=value")]
    NoHeader,
    /// A name that no header has.
    #[error("{0} is no word of a header")]
    Unknown(String),
    /// A value that the name cannot have.
    #[error("{name} cannot be {value}")]
    Value {
        /// The name.
        name: String,
        /// The value.
        value: String,
    },
    /// A header that does not say of what method the database is.
    #[error("the header does not say of what type the database is")]
    NoType,
    /// A key without a value.
    #[error("a key without a value")]
    Odd,
    /// A record number is a number.
    #[error("a record number is expected")]
    Number,
}

/// Reads the text of `db_dump`, of any release and of `db_dump185`, database by database, or lines of
/// pairs without a header, as `db_load -T` does.
///
/// ```
/// use bdbkit::dump::{Line, Reader};
///
/// let text = "VERSION=3\nformat=print\ntype=btree\nHEADER=END\n key\n a\\0avalue\nDATA=END\n";
/// let mut reader = Reader::new(text.as_bytes());
/// let header = reader.database()?.ok_or("no database")?;
/// assert_eq!(header.method, Some(bdbkit::Method::Btree));
/// let (mut key, mut value) = (Vec::new(), Vec::new());
/// while reader.pair(&mut key, &mut value)? == Line::Pair {
///     assert_eq!((&key[..], &value[..]), (&b"key"[..], &b"a\nvalue"[..]));
/// }
/// assert!(reader.database()?.is_none());
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug)]
pub struct Reader<R> {
    input: R,
    line: Vec<u8>,
    number: u64,
    max_item: u32,
    /// How the database that is being read is written.
    format: Format,
    blank: bool,
    ends: bool,
    /// Whether its lines are keys and values.
    pairs: bool,
    /// Whether lines without a header are read, and were begun.
    plain: Option<bool>,
}

/// What was read of a database.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Line {
    /// A key and a value.
    Pair,
    /// A record: there is no key.
    Record,
    /// Nothing: all pairs were read.
    End,
}

impl<R: BufRead> Reader<R> {
    /// Reads dumps.
    pub fn new(input: R) -> Reader<R> {
        Reader {
            input,
            line: Vec::new(),
            number: 0,
            max_item: Limits::DEFAULT.max_item,
            format: Format::Bytevalue,
            blank: true,
            ends: true,
            pairs: true,
            plain: None,
        }
    }

    /// Reads lines without a header: keys and values by turns, or only values if `method` has no keys.
    pub fn plain(input: R, method: Method) -> Reader<R> {
        let pairs = matches!(method, Method::Btree | Method::Hash);
        let format = Format::Print;
        Reader { plain: Some(false), pairs, format, blank: false, ends: false, ..Reader::new(input) }
    }

    /// With another bound for one item, in bytes, than that of [`Limits`].
    #[must_use]
    pub fn max_item(mut self, bytes: u32) -> Self {
        self.max_item = bytes;
        self
    }

    /// The line that was read last, counted from 1.
    pub fn line(&self) -> u64 {
        self.number
    }

    /// An error about the line that was read last.
    pub(crate) fn fault(&self, fault: TextFault) -> TextError {
        TextError::Line { line: self.number, fault }
    }

    /// Reads the header of the next database; `None` at the end of the text.
    ///
    /// # Errors
    ///
    /// [`TextError`].
    pub fn database(&mut self) -> Result<Option<Settings>, TextError> {
        if let Some(begun) = &mut self.plain {
            return Ok((!std::mem::replace(begun, true)).then(Settings::default));
        }
        let mut settings = Settings::default();
        (self.format, self.blank, self.ends) = (Format::Bytevalue, false, false);
        let mut begun = false;
        loop {
            if !self.read()? {
                if begun {
                    return Err(self.behind("HEADER=END"));
                }
                return Ok(None);
            }
            begun = true;
            // Keys with which partitions begin.
            if self.line.first() == Some(&b' ') && settings.partitions > 0 {
                continue;
            }
            let split = self.line.iter().position(|&byte| byte == b'=');
            let parts = split.and_then(|at| Some((self.line.get(..at)?, self.line.get(at..)?.get(1..)?)));
            let Some((name, value)) = parts else { return Err(self.fault(TextFault::NoHeader)) };
            match (name, value) {
                (b"HEADER", b"END") => break,
                (b"VERSION", b"1" | b"2" | b"3") => (self.blank, self.ends) = (true, true),
                (b"format", b"bytevalue") => self.format = Format::Bytevalue,
                (b"format", b"print") => self.format = Format::Print,
                (name, value) => {
                    let done = settings.set(name, value);
                    done.map_err(|fault| self.fault(fault))?;
                }
            }
        }
        let Some(method) = settings.method else { return Err(self.fault(TextFault::NoType)) };
        self.pairs = matches!(method, Method::Btree | Method::Hash) || settings.keys;
        Ok(Some(settings))
    }

    /// Reads the next pair, or the next record, of the database whose header was read.
    ///
    /// # Errors
    ///
    /// [`TextError`].
    pub fn pair(&mut self, key: &mut Vec<u8>, value: &mut Vec<u8>) -> Result<Line, TextError> {
        if !self.pairs {
            return Ok(if self.item(value)? { Line::Record } else { Line::End });
        }
        if !self.item(key)? {
            return Ok(Line::End);
        }
        if self.item(value)? { Ok(Line::Pair) } else { Err(self.fault(TextFault::Odd)) }
    }

    /// Reads a line of data; not the one that ends them.
    fn item(&mut self, item: &mut Vec<u8>) -> Result<bool, TextError> {
        let form = Form {
            format: self.format,
            blank: self.blank,
            plain: self.plain.is_some(),
            max_item: self.max_item,
        };
        // Most lines stand as a whole in what was read of the text.
        let most = usize::try_from(self.most()).unwrap_or(usize::MAX);
        let ready = self.input.fill_buf()?;
        if let Some(end) = memchr::memchr(b'\n', ready).filter(|&end| end < most) {
            let found = form.data(ready.get(..end).unwrap_or_default(), item);
            self.input.consume(end.saturating_add(1));
            self.number = self.number.saturating_add(1);
            return found.map_err(|fault| self.fault(fault));
        }
        if !self.read()? {
            return if self.ends { Err(self.behind("DATA=END")) } else { Ok(false) };
        }
        form.data(&self.line, item).map_err(|fault| self.fault(fault))
    }

    /// What a line may have at most, its end among it: a byte takes three letters.
    fn most(&self) -> u64 {
        u64::from(self.max_item).saturating_mul(3).saturating_add(64)
    }

    /// The error for a text that ends before something.
    fn behind(&self, what: &'static str) -> TextError {
        TextError::Line { line: self.number.saturating_add(1), fault: TextFault::End(what) }
    }

    /// Reads a line, without its end; not at the end of the text.
    fn read(&mut self) -> Result<bool, TextError> {
        self.line.clear();
        let most = self.most();
        let read = self.input.by_ref().take(most).read_until(b'\n', &mut self.line)?;
        if read == 0 {
            return Ok(false);
        }
        self.number = self.number.saturating_add(1);
        if self.line.last() == Some(&b'\n') {
            self.line.pop();
            return Ok(true);
        }
        let cut = u64::try_from(read).is_ok_and(|read| read < most);
        Err(self.fault(if cut { TextFault::Cut } else { TextFault::TooLong(self.max_item) }))
    }
}

/// How lines of data are written.
#[derive(Clone, Copy)]
struct Form {
    format: Format,
    blank: bool,
    plain: bool,
    max_item: u32,
}

impl Form {
    /// Reads a line of data; `false` for the one that ends them.
    fn data(self, line: &[u8], item: &mut Vec<u8>) -> Result<bool, TextFault> {
        if !self.plain && line == b"DATA=END" {
            return Ok(false);
        }
        let data = match line.split_first() {
            Some((b' ', rest)) if self.blank => rest,
            _ if self.blank => return Err(TextFault::Blank),
            _ => line,
        };
        item.clear();
        match self.format.decode(data, item) {
            Ok(()) if u32::try_from(item.len()).is_ok_and(|len| len <= self.max_item) => Ok(true),
            Ok(()) => Err(TextFault::TooLong(self.max_item)),
            Err(Fault::Digits) => Err(TextFault::Digits),
            Err(Fault::Escape) => Err(TextFault::Escape),
        }
    }
}
