//! Text in, a file out.

use std::fs::File;
use std::io::{BufReader, Seek, SeekFrom};
use std::path::Path;

use super::database::{Ended, Job};
use super::error::LoadError;
use super::text::{Source, Text};
use crate::build::{BuildError, Builder, FileForm, Target};
use crate::dump::{Reader, Settings};
use crate::limits::Limits;
use crate::method::Method;
use crate::order::Endianness;

/// How much is read of a text at once, in bytes.
const AT_ONCE: usize = 256 << 10;

/// Loads the text of a dump, or lines of pairs, into a fresh file.
///
/// ```
/// use bdbkit::load::{Load, Text};
///
/// let folder = std::env::temp_dir();
/// let text = "VERSION=3\nformat=print\ntype=btree\nHEADER=END\n b\n 2\n a\n 1\nDATA=END\n";
/// let mut file = tempfile::tempfile_in(&folder)?;
/// let loaded = Load::new().run(Text::Stream(Box::new(text.as_bytes())), &mut file, &folder)?;
/// assert_eq!((loaded.databases, loaded.pairs), (1, 2));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug)]
pub struct Load {
    pub(super) settings: Vec<(Vec<u8>, Vec<u8>)>,
    pub(super) release: Target,
    pub(super) order: Option<Endianness>,
    pub(super) method: Option<Method>,
    pub(super) plain: bool,
    pub(super) keep_first: bool,
    pub(super) password: Option<String>,
    pub(super) max_item: u32,
    pub(super) memory: usize,
}

/// What was loaded.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Loaded {
    /// Databases.
    pub databases: u64,
    /// Pairs or records in them.
    pub pairs: u64,
    /// Pairs that were left out, because their key, or the same pair where values are sorted, was there
    /// already.
    pub repeated: u64,
    /// What is other than the text says, each with the line where a header ends.
    pub others: Vec<(u64, Otherwise)>,
}

/// What is other than a text says.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Otherwise {
    /// A compressed database is built without compression.
    #[error("built without compression")]
    Compression,
    /// A database of several partitions is built as one file.
    #[error("built as one file, not as partitions")]
    Partitions,
    /// A QUEUE with extents is built as one file.
    #[error("built as one file, not with extents")]
    Extents,
}

impl Default for Load {
    fn default() -> Self {
        Load {
            settings: Vec::new(),
            release: Target::default(),
            order: None,
            method: None,
            plain: false,
            keep_first: false,
            password: None,
            max_item: Limits::DEFAULT.max_item,
            memory: 24 << 20,
        }
    }
}

impl Load {
    /// As the text says, in version 9 and in the byte order of this machine.
    #[must_use]
    pub fn new() -> Load {
        Load::default()
    }

    /// For these releases.
    #[must_use]
    pub fn release(self, release: Target) -> Load {
        Load { release, ..self }
    }

    /// In this byte order, whatever the text says.
    #[must_use]
    pub fn order(self, order: Option<Endianness>) -> Load {
        Load { order, ..self }
    }

    /// Of this method, whatever the text says (`db_load -t`).
    #[must_use]
    pub fn method(self, method: Option<Method>) -> Load {
        Load { method, ..self }
    }

    /// Whether the text has no header (`db_load -T`).
    #[must_use]
    pub fn plain(self, plain: bool) -> Load {
        Load { plain, ..self }
    }

    /// Whether the first of two pairs with one key stays (`db_load -n`), instead of the last.
    #[must_use]
    pub fn keep_first(self, keep_first: bool) -> Load {
        Load { keep_first, ..self }
    }

    /// A line of the header, whatever the text says (`db_load -c`).
    #[must_use]
    pub fn set(mut self, name: impl Into<Vec<u8>>, value: impl Into<Vec<u8>>) -> Load {
        self.settings.push((name.into(), value.into()));
        self
    }

    /// The password that encrypts the file.
    #[must_use]
    pub fn password(self, password: Option<String>) -> Load {
        Load { password, ..self }
    }

    /// The longest item, in bytes.
    #[must_use]
    pub fn max_item(self, max_item: u32) -> Load {
        Load { max_item, ..self }
    }

    /// How much memory pairs may take that are put in order, in bytes.
    #[must_use]
    pub fn memory(self, memory: usize) -> Load {
        Load { memory, ..self }
    }

    /// Loads a text. The file is written from its start; what is in it before is gone. Temporary files
    /// have no names, and are in this folder.
    ///
    /// # Errors
    ///
    /// [`LoadError`]: then the file is of no use.
    pub fn run(&self, text: Text<'_>, out: &mut File, folder: &Path) -> Result<Loaded, LoadError> {
        let mut source = Source::new(text, folder)?;
        if let Some(loaded) = self.attempt(&mut source, out, folder, false)? {
            return Ok(loaded);
        }
        source.rewind()?;
        self.attempt(&mut source, out, folder, true)?
            .ok_or(LoadError::Build { line: 0, error: BuildError::Order })
    }

    /// Loads it as it stands, or puts it in order; nothing, if it must be put in order.
    fn attempt(
        &self,
        source: &mut Source<'_>,
        out: &mut File,
        folder: &Path,
        sort: bool,
    ) -> Result<Option<Loaded>, LoadError> {
        out.set_len(0)?;
        out.seek(SeekFrom::Start(0))?;
        let input = BufReader::with_capacity(AT_ONCE, source);
        let reader = match self.plain {
            true => Reader::plain(input, self.method.unwrap_or(Method::Btree)),
            false => Reader::new(input),
        };
        let mut reader = reader.max_item(self.max_item);
        let mut loaded = Loaded::default();
        let Some(mut settings) = self.header(&mut reader)? else { return Err(LoadError::Empty) };
        let builder = Builder::new(out, &self.form(&settings));
        let builder = builder.map_err(|error| LoadError::Build { line: reader.line(), error })?;
        let mut job = Job { load: self, reader, builder, folder, sort };
        loop {
            loaded.others.extend(others(&settings).map(|other| (job.reader.line(), other)));
            match job.database(&settings)? {
                Ended::Unsorted => return Ok(None),
                Ended::Whole { pairs, repeated } => {
                    loaded.pairs = loaded.pairs.saturating_add(pairs);
                    loaded.repeated = loaded.repeated.saturating_add(repeated);
                }
            }
            loaded.databases = loaded.databases.saturating_add(1);
            match self.header(&mut job.reader)? {
                Some(next) => settings = next,
                None => break,
            }
        }
        let Job { reader, builder, .. } = job;
        builder.finish().map_err(|error| LoadError::Build { line: reader.line(), error })?;
        Ok(Some(loaded))
    }

    /// The next header, and what was given beside it.
    fn header<R: std::io::BufRead>(&self, reader: &mut Reader<R>) -> Result<Option<Settings>, LoadError> {
        let Some(mut settings) = reader.database()? else { return Ok(None) };
        for (name, value) in &self.settings {
            settings.set(name, value).map_err(LoadError::Setting)?;
        }
        settings.method = self.method.or(settings.method).or(Some(Method::Btree));
        Ok(Some(settings))
    }

    /// What the file is to be, by its first header.
    fn form(&self, settings: &Settings) -> FileForm {
        let default = FileForm::default();
        FileForm {
            release: self.release,
            order: self.order.or(settings.order).unwrap_or(default.order),
            page_size: settings.page_size.unwrap_or(default.page_size),
            checksums: settings.checksums,
            password: self.password.clone(),
            ..default
        }
    }
}

/// What of a header is built otherwise.
fn others(settings: &Settings) -> impl Iterator<Item = Otherwise> {
    let found = [
        (settings.compressed, Otherwise::Compression),
        (settings.partitions > 0, Otherwise::Partitions),
        (settings.extent_pages > 0, Otherwise::Extents),
    ];
    found.into_iter().filter_map(|(is, other)| is.then_some(other))
}
