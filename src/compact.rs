//! A fresh file with what is in another: no free pages, no holes, trees as full as is asked for.

use std::io::{self, Seek, Write};
use std::path::PathBuf;

use crate::access::{AllPairs, Database, Pair, Part};
use crate::build::{Arrangement, BuildError, Builder, FileForm, KeyDuplicates, Shape, Size, Sorter, Target};
use crate::error::Error;
use crate::meta::Meta;
use crate::method::Method;

/// Why a file is not compacted.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum CompactError {
    /// The file is damaged: salvage it, and load what is found.
    #[error(transparent)]
    Read(#[from] Error),
    /// What is in the file cannot be built.
    #[error(transparent)]
    Build(#[from] BuildError),
    /// The file is of a kind that is not built.
    #[error("a fresh file cannot be built {0}")]
    Kind(&'static str),
    /// The keys are not in the order of their bytes.
    #[error(
        "the keys of the database have an order of the program's own: only the program can build a fresh file"
    )]
    Order,
    /// The keys are in the buckets of a function that is none of those of the releases.
    #[error(
        "the keys were placed by a hash function of the program's own: only the program can build a fresh file"
    )]
    Function,
    /// A temporary file.
    #[error("a temporary file: {0}")]
    Io(#[from] io::Error),
}

/// Builds a fresh file with all that is in another: of the same version, byte order, page size and
/// flags, and with a new id.
#[derive(Clone, Debug)]
pub struct Compact {
    fill: u8,
    password: Option<String>,
    memory: usize,
    folder: PathBuf,
}

/// What was built.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Compacted {
    /// Databases.
    pub databases: u64,
    /// Pairs or records in them.
    pub pairs: u64,
    /// Pairs that were left out because they are marked as deleted.
    pub deleted: u64,
}

impl Compact {
    /// Full pages; temporary files in this folder.
    pub fn new(folder: impl Into<PathBuf>) -> Compact {
        Compact { fill: 100, password: None, memory: 24 << 20, folder: folder.into() }
    }

    /// How full the pages of trees are made, in percent.
    #[must_use]
    pub fn fill(self, percent: u8) -> Compact {
        Compact { fill: percent, ..self }
    }

    /// The password of an encrypted file.
    #[must_use]
    pub fn password(self, password: Option<String>) -> Compact {
        Compact { password, ..self }
    }

    /// Builds the file.
    ///
    /// # Errors
    ///
    /// [`CompactError`]: then what was written is of no use.
    pub fn run<W: Write + Seek>(&self, db: &Database<'_>, out: W) -> Result<Compacted, CompactError> {
        let mut builder = Builder::new(out, &self.form(db.meta())?)?;
        let mut done = Compacted::default();
        let several = db.is_directory();
        if several {
            builder.name_databases()?;
        }
        db.walk_databases(|part| match part {
            Part::Database(inner, pairs) => self.database(&mut builder, inner, pairs, several, &mut done),
            Part::Damage(error) => Err(error.into()),
        })?;
        builder.finish()?;
        Ok(done)
    }

    fn form(&self, meta: &Meta) -> Result<FileForm, CompactError> {
        let release = Target::of_file(meta.method(), meta.version());
        let password = match (meta.encrypted(), &self.password) {
            (true, None) => return Err(CompactError::Kind("of an encrypted one without the password")),
            (true, password) => password.clone(),
            (false, _) => None,
        };
        if meta.partitions().is_some() {
            return Err(CompactError::Kind("of partitions"));
        }
        if meta.extent_pages().is_some() {
            return Err(CompactError::Kind("with extents"));
        }
        Ok(FileForm {
            release: release.ok_or(CompactError::Kind("of this version"))?,
            order: meta.endianness(),
            page_size: meta.page_size(),
            checksums: meta.checksummed(),
            password,
            fill: self.fill,
            id: None,
        })
    }

    fn database<W: Write + Seek>(
        &self,
        builder: &mut Builder<W>,
        db: &Database<'_>,
        pairs: &mut AllPairs<'_>,
        several: bool,
        done: &mut Compacted,
    ) -> Result<(), CompactError> {
        let meta = db.meta();
        let name = db.name().filter(|_| several);
        let begin = |builder: &mut Builder<W>, size| {
            let shape = shape(db, size)?;
            match name {
                Some(name) => builder.begin_named(name, &shape)?,
                None => builder.begin(&shape)?,
            }
            Ok::<_, CompactError>(())
        };
        let mut count = 0u64;
        if meta.method() == Method::Hash {
            let sorts = meta.flags().sorted_duplicates();
            let arrangement = if sorts { Arrangement::PlacedPairs } else { Arrangement::Places };
            let mut sorter = Sorter::new(arrangement, self.memory, &self.folder);
            let mut size = Size::default();
            pairs.each(|pair| {
                let entry = pair?.read()?;
                size.add(meta.page_size(), entry.key().len(), entry.value().len());
                sorter.add(entry.key(), entry.value())?;
                Ok::<_, CompactError>(())
            })?;
            begin(builder, size)?;
            sorter.each(|key, value| {
                count = count.saturating_add(1);
                builder.put(key, value).map_err(CompactError::from)
            })?;
        } else {
            begin(builder, Size::default())?;
            pairs.each(|pair| {
                count = count.saturating_add(1);
                put(builder, &pair?)
            })?;
        }
        builder.end()?;
        done.databases = done.databases.saturating_add(1);
        done.pairs = done.pairs.saturating_add(count);
        done.deleted = done.deleted.saturating_add(pairs.deleted());
        Ok(())
    }
}

fn put<W: Write + Seek>(builder: &mut Builder<W>, pair: &Pair<'_>) -> Result<(), CompactError> {
    let value = pair.value_item().read()?;
    let done = match pair.record_number() {
        Some(number) => builder.put_record(number, &value),
        None => builder.put(&pair.key_item().read()?, &value),
    };
    done.map_err(|error| match error {
        BuildError::Order | BuildError::Repeated if pair.record_number().is_none() => CompactError::Order,
        other => other.into(),
    })
}

/// What the fresh database is to be.
fn shape(db: &Database<'_>, size: Size) -> Result<Shape, CompactError> {
    let meta = db.meta();
    let flags = meta.flags();
    let duplicates = match (flags.duplicates(), flags.sorted_duplicates()) {
        (_, true) => KeyDuplicates::Sorted,
        (true, false) => KeyDuplicates::Unsorted,
        (false, false) => KeyDuplicates::None,
    };
    // The first of these versions does not store it, and the pad is unknown.
    let pad = meta.pad().filter(|_| meta.record_length().is_some_and(|length| length > 0)).unwrap_or(b' ');
    Ok(match meta.method() {
        Method::Btree if flags.compressed() => return Err(CompactError::Kind("of compressed pairs")),
        Method::Btree => {
            Shape::Btree { duplicates, record_numbers: flags.record_numbers(), min_key: meta.min_key() }
        }
        Method::Recno => {
            let length = flags.fixed_length().then(|| record_length(db));
            Shape::Recno { length: length.filter(|&length| length > 0), pad, renumber: flags.renumber() }
        }
        Method::Hash => {
            let buckets = meta.buckets().ok_or(CompactError::Kind("of these buckets"))?;
            if !buckets.has_known_function() {
                return Err(CompactError::Function);
            }
            Shape::Hash { duplicates, fill_factor: buckets.fill_factor, elements: 0, size }
        }
        Method::Queue => Shape::Queue { length: meta.record_length().unwrap_or(0), pad },
        Method::Heap => return Err(CompactError::Kind("of a HEAP")),
    })
}

/// The fixed length of records. Version 6 does not store it, nor do files that were upgraded from it, but
/// any record has it.
fn record_length(db: &Database<'_>) -> u32 {
    let of_first = || db.iter().pairs().flatten().next().map_or(0, |pair| pair.value_item().len());
    db.meta().record_length().filter(|&length| length > 0).unwrap_or_else(of_first)
}
