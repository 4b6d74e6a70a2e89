//! A file: identified and opened once, read by databases, checks and salvages alike.

use std::borrow::Cow;
use std::fmt;
use std::io::{self, Read, Seek};
use std::path::{Path, PathBuf};
use std::sync::{Arc, OnceLock};

use super::cipher::Password;
use super::external::ExternalFolder;
use super::overlay::Overlay;
use super::partitions::Partitions;
use super::source::{self, Source};
use super::storage::Storage;
use crate::error::{Error, Result};
use crate::key_hash::KeyHash;
use crate::key_order::KeyOrder;
use crate::limits::Limits;
use crate::meta::FileKind;
use crate::types::PageNo;

/// How to open a file.
///
/// ```
/// use bdbkit::{Limits, OpenOptions};
///
/// let db = OpenOptions::new()
///     .limits(Limits::default().max_item(1 << 20))
///     .map(false)
///     .open("testdata/btree-v6-be-levels/data.db")?;
/// assert_eq!(db.meta().version(), 6);
/// # Ok::<(), bdbkit::Error>(())
/// ```
#[derive(Clone, Copy, Debug)]
pub struct OpenOptions<'f> {
    limits: Limits,
    order: KeyOrder<'f>,
    hash: KeyHash<'f>,
    map: bool,
    on_demand: bool,
    password: Password,
    external: Option<&'f Path>,
    /// Whether the main file of a partitioned database is read by itself, as a database of the keys with
    /// which partitions begin.
    alone: bool,
    /// Whether the checksums of ordinary pages are not looked at.
    unsummed: bool,
}

impl Default for OpenOptions<'_> {
    fn default() -> Self {
        OpenOptions {
            limits: Limits::DEFAULT,
            order: KeyOrder::Bytes,
            hash: KeyHash::Release,
            map: true,
            on_demand: false,
            password: Password::Missing,
            external: None,
            alone: false,
            unsummed: false,
        }
    }
}

impl<'f> OpenOptions<'f> {
    /// The defaults: default limits, keys ordered as bytes, files mapped, no password.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Bounds for memory.
    #[must_use]
    pub fn limits(mut self, limits: Limits) -> Self {
        self.limits = limits;
        self
    }

    /// The comparison that the writer of the database used for its keys.
    ///
    /// ```
    /// use bdbkit::{KeyOrder, OpenOptions};
    ///
    /// let reverse = |a: &[u8], b: &[u8]| b.cmp(a);
    /// let options = OpenOptions::new().key_order(KeyOrder::Custom(&reverse));
    /// # let _ = options;
    /// ```
    #[must_use]
    pub fn key_order(mut self, order: KeyOrder<'f>) -> Self {
        self.order = order;
        self
    }

    /// The hash function that the writer of a HASH database used for its keys.
    ///
    /// ```
    /// use bdbkit::{KeyHash, OpenOptions};
    ///
    /// let sum = |key: &[u8]| key.iter().fold(0, |sum: u32, &byte| sum.wrapping_add(byte.into()));
    /// let options = OpenOptions::new().key_hash(KeyHash::Custom(&sum));
    /// # let _ = options;
    /// ```
    #[must_use]
    pub fn key_hash(mut self, hash: KeyHash<'f>) -> Self {
        self.hash = hash;
        self
    }

    /// Whether to map the file (the default, where the feature `mmap` is on) or to
    /// read it into memory, which is safe even if others change it meanwhile.
    #[must_use]
    pub fn map(mut self, map: bool) -> Self {
        self.map = map;
        self
    }

    /// Whether pages are read when they are first needed, and not all of the file at once: off
    /// by default. It is for those who want neither a map nor a whole file in memory.
    ///
    /// What is given out borrows from its page, so a [`Database`](crate::Database) keeps the
    /// pages that it has read, and shares them with its clones, up to [`Limits::max_kept`];
    /// for what lies beyond there is [`Error::KeptPages`](crate::Error::KeptPages).
    ///
    /// - [`IntoEntries`](crate::IntoEntries), the iterator that owns its database, gives entries
    ///   of their own and does not come to that limit, however large the file is. Nor do
    ///   [`Database::get`](crate::Database::get) and [`Database::record`](crate::Database::record),
    ///   nor what is read of one long item.
    /// - [`Database::iter`](crate::Database::iter), cursors, scans, statistics of trees and dumps
    ///   borrow.
    ///   [`Database::release`](crate::Database::release) lets go of all pages between two of
    ///   them.
    /// - [`Verify`](crate::verify::Verify) keeps all pages while it runs, and
    ///   [`salvage`](crate::salvage) reads the whole file. Extents of a QUEUE are read whole.
    /// - A record of a HEAP in pieces is kept until it was given.
    ///
    /// Of a pipe or a device all is read, as without this. Nobody may change the file
    /// meanwhile: that can end nothing and break no memory, but what is read may be partly old
    /// and partly new.
    #[must_use]
    pub fn on_demand(mut self, on_demand: bool) -> Self {
        self.on_demand = on_demand;
        self
    }

    /// The password of encrypted files; needs the feature `encryption`. Files that are not
    /// encrypted are read all the same. Only keys made of it are kept, which are not shown.
    ///
    /// The pages of an encrypted file are decrypted when they are first used, and kept up to
    /// [`Limits::max_kept`] as those that are read [on demand](OpenOptions::on_demand), of which
    /// all that is said there holds. [`Verify`](crate::verify::Verify) keeps all pages while it
    /// runs, and [`salvage`](crate::salvage) decrypts the whole file.
    ///
    #[cfg_attr(feature = "encryption", doc = "```")]
    #[cfg_attr(not(feature = "encryption"), doc = "```ignore")]
    /// use bdbkit::OpenOptions;
    ///
    /// let db = OpenOptions::new().password("corpus-password").open("testdata/btree-v9-le-encrypted/data.db")?;
    /// assert_eq!(db.iter().count(), 60);
    /// # Ok::<(), bdbkit::Error>(())
    /// ```
    #[must_use]
    pub fn password(mut self, password: impl Into<String>) -> Self {
        self.password = Password::of(&password.into());
        self
    }

    /// The folder with the external files of the database: values from a length on that its program
    /// chose, since release 6.0. If nothing is said it is `__db_bl` beside the file or, of an
    /// environment, in a folder above.
    ///
    /// Such a file is read when its value is. Its name is made of numbers, so a damaged or hostile
    /// database leads to none outside of this folder; links in it are not followed.
    ///
    /// ```
    /// use bdbkit::OpenOptions;
    ///
    /// let options = OpenOptions::new().external_dir("testdata/v10-btree-external/__db_bl".as_ref());
    /// let db = options.open("testdata/v10-btree-external/f.db")?;
    /// let long = db.iter().pairs().flatten().filter_map(|pair| pair.value().external());
    /// assert_eq!(long.map(|file| file.size).max(), Some(1175));
    /// # Ok::<(), bdbkit::Error>(())
    /// ```
    #[must_use]
    pub fn external_dir(mut self, folder: &'f Path) -> Self {
        self.external = Some(folder);
        self
    }

    /// Reads the main file of a partitioned database by itself: its partitions are not looked for.
    #[cfg(feature = "upgrade")]
    pub(crate) fn alone(mut self) -> Self {
        self.alone = true;
        self
    }

    /// Takes ordinary pages as they are, whatever their checksums say.
    #[cfg(feature = "upgrade")]
    pub(crate) fn unsummed(mut self, unsummed: bool) -> Self {
        self.unsummed = unsummed;
        self
    }

    /// Opens a file, whatever it is.
    ///
    /// # Errors
    ///
    /// [`Error::Open`](crate::Error::Open) from the operating system;
    /// [`Error::StreamTooLong`](crate::Error::StreamTooLong) for a pipe or a device that gives
    /// more than [`Limits::max_stream`].
    pub fn file(self, path: impl AsRef<Path>) -> Result<File<'f>> {
        self.file_if(path.as_ref(), |_| Ok(()))
    }

    /// As [`OpenOptions::file`]; of a pipe or a device no more than a first look is read if
    /// that does not please.
    pub(crate) fn file_if(self, path: &Path, accept: impl FnOnce(&[u8]) -> Result<()>) -> Result<File<'f>> {
        if self.on_demand {
            let error = |cause: io::Error| Error::Open { path: path.to_owned(), cause: cause.into() };
            if let Some(storage) = Storage::open(path).map_err(error)? {
                let source = Source::on_demand(storage).map_err(error)?;
                return Ok(File::new(Some(path.to_owned()), source, self));
            }
        }
        let source = Source::open(path, self.map, self.limits, accept)?;
        Ok(File::new(Some(path.to_owned()), source, self))
    }

    /// A file in memory, borrowed or owned.
    #[must_use]
    pub fn file_from_bytes<'a>(self, bytes: impl Into<Cow<'a, [u8]>>) -> File<'a>
    where
        'f: 'a,
    {
        File::new(None, Source::Bytes(bytes.into()), self)
    }

    /// A file of whatever can be read and sought, [page by page](OpenOptions::on_demand): its
    /// length is where the end is now.
    ///
    /// ```
    /// let archive = std::io::Cursor::new(std::fs::read("testdata/btree-v6-be-one/data.db")?);
    /// let file = bdbkit::OpenOptions::new().file_from_reader(archive)?;
    /// assert_eq!(file.database()?.iter().count(), 1);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    ///
    /// [`Error::Read`](crate::Error::Read): its end cannot be found, or its first bytes cannot
    /// be read.
    pub fn file_from_reader(self, reader: impl Read + Seek + Send + 'static) -> Result<File<'f>> {
        let source = Storage::of_reader(reader).and_then(Source::on_demand).map_err(unread)?;
        Ok(File::new(None, source, self))
    }
}

impl FileKind {
    /// What a regular file is, by its first bytes: no more of it is read.
    ///
    /// # Errors
    ///
    /// [`Error::Open`](crate::Error::Open): the operating system refuses, or it is no regular
    /// file.
    pub fn at(path: impl AsRef<Path>) -> Result<FileKind> {
        source::head(path.as_ref()).map(|head| FileKind::of(&head))
    }

    /// The files beside a main file that are named as its partitions would be, whatever is in it and in
    /// them: none is opened.
    ///
    /// # Errors
    ///
    /// [`Error::Open`]: the folder cannot be read.
    pub fn partitions_at(path: impl AsRef<Path>) -> Result<Vec<PathBuf>> {
        let partitions = Partitions::beside(path.as_ref(), None)?;
        Ok(partitions.iter().flat_map(|all| all.found().iter().map(|&number| all.path(number))).collect())
    }
}

/// A file, whatever it is: opened once, mapped or read, and cheap to clone.
///
/// ```
/// use bdbkit::{File, FileKind};
/// use bdbkit::verify::Verify;
///
/// let file = File::open("testdata/btree-v9-le-one/data.db")?;
/// assert!(matches!(file.kind(), FileKind::Database(kind) if kind.version == 9));
/// assert_eq!(Verify::new(&file).run().worst(), None);
/// assert_eq!(file.database()?.iter().count(), 1);
/// # Ok::<(), bdbkit::Error>(())
/// ```
#[derive(Clone)]
pub struct File<'a> {
    opened: Arc<Opened<'a>>,
}

struct Opened<'a> {
    path: Option<PathBuf>,
    source: Source<'a>,
    kind: FileKind,
    options: OpenOptions<'a>,
    external: OnceLock<ExternalFolder>,
    given: Option<Given<'a>>,
}

/// What stands beside a file, from one who knows it: where the file is, and its extents or partitions
/// with their numbers.
pub(super) type Given<'a> = (PathBuf, Vec<(u32, &'a [u8])>);

impl File<'static> {
    /// Opens a file as a memory map (read into memory, without the feature `mmap`):
    /// nobody may change or cut it meanwhile, see [`Database::open`](crate::Database::open).
    ///
    /// # Errors
    ///
    /// As [`OpenOptions::file`].
    pub fn open(path: impl AsRef<Path>) -> Result<File<'static>> {
        OpenOptions::new().file(path)
    }
}

impl<'a> File<'a> {
    /// A file in memory, borrowed or owned.
    #[must_use]
    pub fn from_bytes(bytes: impl Into<Cow<'a, [u8]>>) -> File<'a> {
        OpenOptions::new().file_from_bytes(bytes)
    }

    fn new(path: Option<PathBuf>, source: Source<'a>, options: OpenOptions<'a>) -> File<'a> {
        let kind = FileKind::of(source.head());
        File {
            opened: Arc::new(Opened { path, source, kind, options, external: OnceLock::new(), given: None }),
        }
    }

    /// A file beside another, opened as that was.
    pub(super) fn beside(other: &File<'a>, path: PathBuf, source: Source<'a>) -> File<'a> {
        File::new(Some(path), source, other.opened.options)
    }

    /// A file in memory, and the extents or partitions that it has where it stands.
    pub(crate) fn with_beside(
        bytes: &'a [u8],
        path: &Path,
        beside: Vec<(u32, &'a [u8])>,
        options: OpenOptions<'a>,
    ) -> File<'a> {
        let source = Source::Bytes(Cow::Borrowed(bytes));
        let (kind, given) = (FileKind::of(source.head()), Some((path.to_owned(), beside)));
        File {
            opened: Arc::new(Opened { path: None, source, kind, options, external: OnceLock::new(), given }),
        }
    }

    /// An extent in memory, opened as its main file was.
    #[cfg(feature = "upgrade")]
    pub(super) fn of_extent(bytes: &'a [u8], main: &File<'a>) -> File<'a> {
        File::new(None, Source::Bytes(Cow::Borrowed(bytes)), main.opened.options)
    }

    /// Where it stands and its extents or partitions, if somebody gave them together with it.
    pub(super) fn given(&self) -> Option<&Given<'a>> {
        self.opened.given.as_ref()
    }

    /// A file as it would be.
    pub(crate) fn over(pages: &'a Overlay<'a>, options: OpenOptions<'a>) -> File<'a> {
        File::new(None, Source::Over(pages), options)
    }

    /// A file as it would be, with the extents or partitions that were given together with this one.
    #[cfg(feature = "upgrade")]
    pub(crate) fn over_beside(pages: &'a Overlay<'a>, own: &File<'a>, options: OpenOptions<'a>) -> File<'a> {
        let (source, given) = (Source::Over(pages), own.given().cloned());
        let kind = FileKind::of(source.head());
        File {
            opened: Arc::new(Opened { path: None, source, kind, options, external: OnceLock::new(), given }),
        }
    }

    /// What it is, by its first bytes.
    #[must_use]
    pub fn kind(&self) -> &FileKind {
        &self.opened.kind
    }

    /// Where it was opened; `None` for one in memory.
    #[must_use]
    pub fn path(&self) -> Option<&Path> {
        self.opened.path.as_deref()
    }

    /// The folder in which external files are looked for: the one [named](OpenOptions::external_dir), or
    /// the nearest; `None` if there is none.
    #[must_use]
    pub fn external_dir(&self) -> Option<&Path> {
        self.external_folder().folder()
    }

    /// All its bytes, as they stand. If it is read [on demand](OpenOptions::on_demand), all is
    /// read now, and kept as long as the file is open.
    ///
    /// # Errors
    ///
    /// [`Error::Read`](crate::Error::Read).
    pub fn bytes(&self) -> Result<&[u8]> {
        self.opened.source.bytes().map_err(unread)
    }

    /// Length in bytes.
    #[must_use]
    #[allow(clippy::len_without_is_empty)] // a file is not a collection
    pub fn len(&self) -> u64 {
        self.opened.source.len()
    }

    /// Whether it is mapped, if it can be, and what stands beside it, too.
    pub(crate) fn maps(&self) -> bool {
        self.opened.options.map && !self.opened.options.on_demand
    }

    /// Whether its pages are read when they are first needed.
    pub(super) fn on_demand(&self) -> bool {
        self.opened.options.on_demand
    }

    /// The folder of its external files: looked for when it is first needed.
    pub(crate) fn external_folder(&self) -> &ExternalFolder {
        let Opened { external, path, options, .. } = &*self.opened;
        external.get_or_init(|| ExternalFolder::find(path.as_deref(), options.external))
    }

    /// Where its bytes come from.
    pub(super) fn source(&self) -> &Source<'a> {
        &self.opened.source
    }

    pub(crate) fn limits(&self) -> Limits {
        self.opened.options.limits
    }

    /// Whether its partitions are not looked for.
    pub(super) fn is_alone(&self) -> bool {
        self.opened.options.alone
    }

    /// Whether the checksums of its ordinary pages are not looked at.
    pub(super) fn is_unsummed(&self) -> bool {
        self.opened.options.unsummed
    }

    /// What was given to open it with, if it is encrypted.
    pub(crate) fn password(&self) -> Password {
        self.opened.options.password
    }

    pub(crate) fn key_order(&self) -> KeyOrder<'a> {
        self.opened.options.order
    }

    pub(crate) fn key_hash(&self) -> KeyHash<'a> {
        self.opened.options.hash
    }
}

fn unread(cause: io::Error) -> Error {
    Error::Read { page: PageNo::META, cause: cause.into() }
}

impl<'a> AsRef<File<'a>> for File<'a> {
    fn as_ref(&self) -> &File<'a> {
        self
    }
}

impl fmt::Debug for File<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("File").field("path", &self.opened.path).field("kind", &self.opened.kind).finish()
    }
}
