//! One database of a text.

use std::io::{BufRead, Seek, Write};
use std::path::Path;

use super::error::LoadError;
use super::run::Load;
use super::unique::{Unique, What};
use crate::build::{Arrangement, BuildError, Builder, KeyDuplicates, Shape, Size, Sorter};
use crate::dump::{Line, Reader, Settings, TextFault};
use crate::method::Method;

/// A text on its way into a file.
pub(super) struct Job<'j, R, W> {
    pub(super) load: &'j Load,
    pub(super) reader: Reader<R>,
    pub(super) builder: Builder<W>,
    pub(super) folder: &'j Path,
    /// Whether pairs are put in order first.
    pub(super) sort: bool,
}

/// How a database ended.
pub(super) enum Ended {
    /// All of it is built.
    Whole { pairs: u64, repeated: u64 },
    /// A pair is not in order.
    Unsorted,
}

/// Whether a pair was put.
enum Put {
    Done,
    Unsorted,
}

impl<R: BufRead, W: Write + Seek> Job<'_, R, W> {
    /// Builds the database whose header was read.
    pub(super) fn database(&mut self, settings: &Settings) -> Result<Ended, LoadError> {
        let line = self.reader.line();
        let method = settings.method.unwrap_or(Method::Btree);
        if method == Method::Heap {
            return Err(LoadError::Heap { line });
        }
        let duplicates = duplicates(settings);
        let what = match (method, duplicates) {
            (Method::Btree | Method::Hash, KeyDuplicates::Unsorted) => What::Nothing,
            (Method::Btree | Method::Hash, KeyDuplicates::Sorted) => What::Pair,
            _ => What::Key,
        };
        let unique = Unique::new(what, self.load.keep_first);
        if self.sort || method == Method::Hash {
            return self.put_in_order(settings, unique);
        }
        self.begin(settings, &shape(settings, Size::default()))?;
        self.as_it_stands(method, unique)
    }

    fn begin(&mut self, settings: &Settings, shape: &Shape) -> Result<(), LoadError> {
        let begun = match &settings.name {
            Some(name) => self.builder.begin_named(name, shape),
            None => self.builder.begin(shape),
        };
        begun.map_err(|error| self.build(error))
    }

    fn build(&self, error: BuildError) -> LoadError {
        LoadError::Build { line: self.reader.line(), error }
    }

    /// Builds it as its pairs come.
    fn as_it_stands(&mut self, method: Method, mut unique: Unique) -> Result<Ended, LoadError> {
        let (mut key, mut value, mut pairs) = (Vec::new(), Vec::new(), 0u64);
        loop {
            let line = self.reader.pair(&mut key, &mut value)?;
            let (builder, at) = (&mut self.builder, self.reader.line());
            let mut unsorted = false;
            let mut give = |key: &[u8], value: &[u8], at: u64| {
                pairs = pairs.saturating_add(1);
                match put(builder, method, key, value, at)? {
                    Put::Done => {}
                    Put::Unsorted => unsorted = true,
                }
                Ok::<_, LoadError>(())
            };
            match (line, method) {
                (Line::End, _) => unique.finish(&mut give)?,
                (Line::Record, Method::Btree | Method::Hash) => return Err(LoadError::NoKeys { line: at }),
                (Line::Record, _) => {
                    key.clear();
                    give(&key, &value, at)?;
                }
                (Line::Pair, Method::Btree | Method::Hash) => {
                    unique.take((&mut key, &mut value, at), &mut give)?
                }
                (Line::Pair, _) => {
                    numbered(&self.reader, &mut key)?;
                    unique.take((&mut key, &mut value, at), &mut give)?;
                }
            }
            if unsorted {
                return Ok(Ended::Unsorted);
            }
            if line == Line::End {
                break;
            }
        }
        self.end(pairs, &unique)
    }

    /// Puts its pairs in order, and builds it from them.
    fn put_in_order(&mut self, settings: &Settings, mut unique: Unique) -> Result<Ended, LoadError> {
        let method = settings.method.unwrap_or(Method::Btree);
        let by_values = duplicates(settings) == KeyDuplicates::Sorted && !self.load.keep_first;
        let arrangement = match (method, by_values) {
            (Method::Hash, false) => Arrangement::Places,
            (Method::Hash, true) => Arrangement::PlacedPairs,
            (_, true) => Arrangement::Pairs,
            (_, false) => Arrangement::Keys,
        };
        let mut sorter = Sorter::new(arrangement, self.load.memory, self.folder);
        let page_size = settings.page_size.unwrap_or(crate::types::PageSize::DEFAULT);
        let (mut key, mut value, mut size, mut number) = (Vec::new(), Vec::new(), Size::default(), 0u32);
        loop {
            match (self.reader.pair(&mut key, &mut value)?, method) {
                (Line::End, _) => break,
                (Line::Record, Method::Btree | Method::Hash) => {
                    return Err(LoadError::NoKeys { line: self.reader.line() });
                }
                // One after the other: they have no numbers of their own.
                (Line::Record, _) => {
                    number = number
                        .checked_add(1)
                        .ok_or_else(|| self.build(BuildError::TooLarge("more than 2^32 - 1 records")))?;
                    key.clear();
                    key.extend_from_slice(&number.to_be_bytes());
                }
                (Line::Pair, Method::Btree | Method::Hash) => {}
                (Line::Pair, _) => numbered(&self.reader, &mut key)?,
            }
            size.add(page_size, key.len(), value.len());
            sorter.add(&key, &value)?;
        }
        self.begin(settings, &shape(settings, size))?;
        let (builder, at, mut pairs) = (&mut self.builder, self.reader.line(), 0u64);
        let mut give = |key: &[u8], value: &[u8], at: u64| {
            pairs = pairs.saturating_add(1);
            match put(builder, method, key, value, at)? {
                Put::Done => Ok(()),
                Put::Unsorted => Err(LoadError::Build { line: at, error: BuildError::Order }),
            }
        };
        sorter.each(|key, value| unique.take((key, value, at), &mut give))?;
        unique.finish(&mut give)?;
        self.end(pairs, &unique)
    }

    fn end(&mut self, pairs: u64, unique: &Unique) -> Result<Ended, LoadError> {
        self.builder.end().map_err(|error| self.build(error))?;
        Ok(Ended::Whole { pairs, repeated: unique.repeated })
    }
}

/// Makes four bytes of a number in digits, so that numbers are in the order of bytes.
fn numbered<R: BufRead>(reader: &Reader<R>, key: &mut Vec<u8>) -> Result<(), LoadError> {
    let digits = std::str::from_utf8(key).ok().filter(|text| text.bytes().all(|b| b.is_ascii_digit()));
    let number = digits.and_then(|digits| digits.parse::<u32>().ok());
    let number = number.ok_or_else(|| reader.fault(TextFault::Number))?;
    key.clear();
    key.extend_from_slice(&number.to_be_bytes());
    Ok(())
}

/// Puts a pair, or a record: its key is the four bytes of its number, or nothing for the next.
fn put<W: Write + Seek>(
    builder: &mut Builder<W>,
    method: Method,
    key: &[u8],
    value: &[u8],
    line: u64,
) -> Result<Put, LoadError> {
    let done = match (method, key.first_chunk()) {
        (Method::Recno | Method::Queue, Some(number)) => {
            builder.put_record(u32::from_be_bytes(*number), value)
        }
        _ => builder.put(key, value),
    };
    match done {
        Ok(()) => Ok(Put::Done),
        Err(BuildError::Order) => Ok(Put::Unsorted),
        Err(error) => Err(LoadError::Build { line, error }),
    }
}

fn duplicates(settings: &Settings) -> KeyDuplicates {
    match (settings.duplicates, settings.sorted) {
        (_, true) => KeyDuplicates::Sorted,
        (true, false) => KeyDuplicates::Unsorted,
        (false, false) => KeyDuplicates::None,
    }
}

/// What the database is to be.
fn shape(settings: &Settings, size: Size) -> Shape {
    let duplicates = duplicates(settings);
    let (length, pad) = (settings.record_length, settings.pad.unwrap_or(b' '));
    match settings.method {
        Some(Method::Hash) => {
            Shape::Hash { duplicates, fill_factor: settings.fill_factor, elements: settings.elements, size }
        }
        Some(Method::Queue) => Shape::Queue { length, pad },
        Some(Method::Recno) => {
            Shape::Recno { length: (length > 0).then_some(length), pad, renumber: settings.renumber }
        }
        _ => Shape::Btree { duplicates, record_numbers: settings.record_numbers, min_key: settings.min_key },
    }
}
