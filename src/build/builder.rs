//! Pairs in, a file out.

use std::io::{Seek, Write};

use super::btree::Btree;
use super::directory::Directory;
use super::error::{BuildError, Result};
use super::form::{FileForm, Target, fresh_id};
use super::hash::Hash;
use super::meta::{MetaPage, tree};
use super::queue::Queue;
use super::recno::Recno;
use super::shape::{KeyDuplicates, Shape};
use super::sink::Sink;
use crate::format::meta::Field;
use crate::method::Method;
use crate::types::{FileId, PageNo};

/// Builds a file: of one database, or of several.
///
/// Databases come one after the other: [`begin`](Builder::begin) or
/// [`begin_named`](Builder::begin_named), then pairs in their order, then [`end`](Builder::end). In the
/// end [`finish`](Builder::finish) writes what stands on the first pages. After an error the file is of
/// no use.
pub struct Builder<W> {
    sink: Sink<W>,
    form: FileForm,
    id: FileId,
    /// Metadata of the first page, once it is known what is in the file.
    head: Option<MetaPage>,
    directory: Option<Directory>,
    open: Option<Open>,
}

/// The database that is being built.
struct Open {
    shape: Shape,
    meta: MetaPage,
    root: PageNo,
    pairs: Pairs,
}

enum Pairs {
    Btree(Box<Btree>),
    Recno(Box<Recno>),
    Hash(Box<Hash>),
    Queue(Box<Queue>),
}

impl<W> std::fmt::Debug for Builder<W> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Builder").field("form", &self.form).finish_non_exhaustive()
    }
}

impl<W: Write + Seek> Builder<W> {
    /// A file of this form, written from the start of `out`, which is empty.
    ///
    /// # Errors
    ///
    /// [`BuildError::Cannot`], if the version has no checksums or encryption.
    pub fn new(out: W, form: &FileForm) -> Result<Builder<W>> {
        Ok(Builder {
            sink: Sink::new(out, form)?,
            form: form.clone(),
            id: form.id.unwrap_or_else(fresh_id),
            head: None,
            directory: None,
            open: None,
        })
    }

    /// Begins the only database of the file.
    ///
    /// # Errors
    ///
    /// What the form cannot hold; [`BuildError::Names`], if it is not the only one.
    pub fn begin(&mut self, shape: &Shape) -> Result<()> {
        if self.open.is_some() {
            return Err(BuildError::Sequence);
        }
        if self.head.is_some() || self.directory.is_some() {
            return Err(BuildError::Names);
        }
        self.open(shape)
    }

    /// Begins one of several databases of the file.
    ///
    /// # Errors
    ///
    /// What the form cannot hold; [`BuildError::Names`], [`BuildError::SameName`],
    /// [`BuildError::Several`].
    pub fn begin_named(&mut self, name: &[u8], shape: &Shape) -> Result<()> {
        if self.open.is_some() {
            return Err(BuildError::Sequence);
        }
        if shape.method() == Method::Queue {
            return Err(BuildError::Several(Method::Queue));
        }
        self.name_databases()?;
        self.open(shape)?;
        match (&mut self.directory, &self.open) {
            (Some(directory), Some(open)) => directory.add(name, open.meta.no),
            _ => Err(BuildError::Sequence),
        }
    }

    /// Makes the file one of several databases, each with a name, of which there may be none: the first two
    /// pages are those of their list.
    ///
    /// # Errors
    ///
    /// [`BuildError::Cannot`], [`BuildError::Names`].
    pub fn name_databases(&mut self) -> Result<()> {
        if self.directory.is_some() {
            return Ok(());
        }
        if self.form.release == Target::V6 {
            let version = self.form.release.version();
            return Err(BuildError::Cannot { version, what: "several databases" });
        }
        if self.head.is_some() {
            return Err(BuildError::Names);
        }
        let first = self.sink.reserve(2)?;
        let mut meta = MetaPage::new(&self.sink, &self.form, self.id, Method::Btree, first)?;
        meta.tree(tree::SEVERAL, 0, PageNo(1), None);
        self.head = Some(meta);
        self.directory = Some(Directory::default());
        Ok(())
    }

    fn open(&mut self, shape: &Shape) -> Result<()> {
        shape.check(self.form.release)?;
        let no = self.sink.allocate()?;
        let meta = MetaPage::new(&self.sink, &self.form, self.id, shape.method(), no)?;
        let sink = &mut self.sink;
        let (root, pairs) = match *shape {
            Shape::Btree { duplicates, record_numbers, min_key } => {
                let btree = Btree::new(sink, duplicates, record_numbers, min_key)?;
                (sink.allocate()?, Pairs::Btree(btree.into()))
            }
            Shape::Recno { length, pad, .. } => {
                let recno = Recno::new(sink, length, pad)?;
                (sink.allocate()?, Pairs::Recno(recno.into()))
            }
            Shape::Hash { duplicates, fill_factor, elements, size } => {
                (no, Pairs::Hash(Hash::new(sink, duplicates, fill_factor, elements, size)?.into()))
            }
            Shape::Queue { length, pad } => (no, Pairs::Queue(Queue::new(sink, length, pad)?.into())),
        };
        self.open = Some(Open { shape: *shape, meta, root, pairs });
        Ok(())
    }

    /// Puts a pair: of a RECNO or a QUEUE, the next record, and its key is not looked at.
    ///
    /// # Errors
    ///
    /// [`BuildError::Order`] and [`BuildError::Repeated`], after which others can be put; those of the
    /// output.
    pub fn put(&mut self, key: &[u8], value: &[u8]) -> Result<()> {
        let (open, sink) = (self.open.as_mut().ok_or(BuildError::Sequence)?, &mut self.sink);
        match &mut open.pairs {
            Pairs::Btree(btree) => btree.put(sink, key, value),
            Pairs::Hash(hash) => hash.put(sink, key, value),
            Pairs::Recno(recno) => recno.put(sink, None, value),
            Pairs::Queue(queue) => queue.put(sink, None, value),
        }
    }

    /// Puts a record of a RECNO or a QUEUE under its number.
    ///
    /// # Errors
    ///
    /// As [`Builder::put`]; [`BuildError::Gap`], [`BuildError::RecordLength`], [`BuildError::RecordZero`].
    pub fn put_record(&mut self, number: u32, value: &[u8]) -> Result<()> {
        let (open, sink) = (self.open.as_mut().ok_or(BuildError::Sequence)?, &mut self.sink);
        match &mut open.pairs {
            Pairs::Recno(recno) => recno.put(sink, Some(number), value),
            Pairs::Queue(queue) => queue.put(sink, Some(number), value),
            Pairs::Btree(_) | Pairs::Hash(_) => Err(BuildError::Sequence),
        }
    }

    /// Ends a database.
    ///
    /// # Errors
    ///
    /// Those of the output.
    pub fn end(&mut self) -> Result<()> {
        let Open { shape, mut meta, root, pairs } = self.open.take().ok_or(BuildError::Sequence)?;
        let sink = &mut self.sink;
        let several = self.directory.is_some();
        let more = if several { tree::SEVERAL } else { 0 };
        match (pairs, shape) {
            (Pairs::Btree(btree), Shape::Btree { duplicates, record_numbers, min_key }) => {
                btree.finish(sink, root)?;
                let counts = if record_numbers { tree::RECORD_NUMBERS } else { 0 };
                let sorts = duplicates == KeyDuplicates::Sorted && sink.generation.has_duplicate_trees();
                let sorted = if sorts { tree::SORTED } else { 0 };
                let kinds = if duplicates.any() { tree::DUPLICATES | sorted } else { 0 };
                meta.tree(kinds | counts | more, min_key, root, None);
            }
            (Pairs::Recno(recno), Shape::Recno { length, pad, renumber }) => {
                recno.finish(sink, root)?;
                let fixed = if length.is_some() { tree::FIXED_LENGTH } else { 0 };
                let renumber = if renumber { tree::RENUMBER } else { 0 };
                meta.tree(tree::RECNO | fixed | renumber | more, 0, root, Some((length.unwrap_or(0), pad)));
            }
            (Pairs::Hash(hash), _) => hash.finish(sink, &mut meta, several)?,
            (Pairs::Queue(queue), _) => queue.finish(sink, &mut meta)?,
            _ => return Err(BuildError::Sequence),
        }
        if several {
            // What its own number was when it was made.
            meta.put(Field::LastPgno, meta.no.0);
            meta.write(sink)
        } else {
            self.head = Some(meta);
            Ok(())
        }
    }

    /// Writes the first pages, and gives back where the file went. A file without a database has the
    /// list of none.
    ///
    /// # Errors
    ///
    /// [`BuildError::Sequence`], if a database was begun and not ended, or there is none; those of the
    /// output.
    pub fn finish(mut self) -> Result<W> {
        if self.open.is_some() {
            return Err(BuildError::Sequence);
        }
        if let Some(directory) = &self.directory {
            directory.write(&mut self.sink, PageNo(1))?;
        }
        let mut head = self.head.take().ok_or(BuildError::Sequence)?;
        if !head.has(Field::RecPage) {
            head.put(Field::LastPgno, self.sink.last().0);
        }
        head.write(&mut self.sink)?;
        self.sink.finish()
    }
}
