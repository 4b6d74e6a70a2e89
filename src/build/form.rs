//! What a file is to be.

use std::collections::hash_map::RandomState;
use std::hash::{BuildHasher, Hasher};

use super::error::{BuildError, Result};
use crate::format::generation::Generation;
use crate::format::magic::{BTREE_MAGIC, HASH_MAGIC, QUEUE_MAGIC};
use crate::format::meta::Layout;
use crate::format::seal::Seal;
use crate::method::Method;
use crate::order::Endianness;
use crate::types::{FileId, Lsn, PageSize};

/// The releases for which a file is built, by the version of their BTREEs.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Target {
    /// 2.x: BTREE 6, HASH 5.
    V6,
    /// 3.0: BTREE 7, HASH 6, QUEUE 1.
    V7,
    /// 3.2 to 4.0: BTREE 8, HASH 7, QUEUE 3.
    V8,
    /// 4.6 to 5.3: BTREE 9, HASH 9, QUEUE 4. 4.1 to 4.5 read all but the HASH.
    #[default]
    V9,
}

impl Target {
    /// The one whose BTREEs have this version.
    ///
    /// # Errors
    ///
    /// [`BuildError::Version`].
    pub fn of(version: u32) -> Result<Target> {
        match version {
            6 => Ok(Target::V6),
            7 => Ok(Target::V7),
            8 => Ok(Target::V8),
            9 => Ok(Target::V9),
            other => Err(BuildError::Version(other)),
        }
    }

    /// The version of its BTREEs.
    #[must_use]
    pub fn version(self) -> u32 {
        match self {
            Target::V6 => 6,
            Target::V7 => 7,
            Target::V8 => 8,
            Target::V9 => 9,
        }
    }

    /// The version of its databases of a method; `None` if it has none that are built.
    #[must_use]
    pub fn version_of(self, method: Method) -> Option<u32> {
        let known = match (method, self) {
            (Method::Btree | Method::Recno, _) => self.version(),
            (Method::Hash, Target::V6) => 5,
            (Method::Hash, Target::V7) => 6,
            (Method::Hash, Target::V8) => 7,
            (Method::Hash, Target::V9) => 9,
            (Method::Queue, Target::V7) => 1,
            (Method::Queue, Target::V8) => 3,
            (Method::Queue, Target::V9) => 4,
            (Method::Queue, Target::V6) | (Method::Heap, _) => return None,
        };
        Some(known)
    }

    /// The one whose databases of a method have this version.
    pub(crate) fn of_file(method: Method, version: u32) -> Option<Target> {
        let all = [Target::V6, Target::V7, Target::V8, Target::V9];
        all.into_iter().find(|release| release.version_of(method) == Some(version))
    }

    /// The layout of its metadata pages of a method.
    pub(super) fn layout(self, method: Method) -> Option<Layout> {
        let magic = match method {
            Method::Btree | Method::Recno => BTREE_MAGIC,
            Method::Hash => HASH_MAGIC,
            Method::Queue => QUEUE_MAGIC,
            Method::Heap => return None,
        };
        Layout::of(magic, self.version_of(method)?)
    }

    /// The family that it is of.
    pub(super) fn generation(self) -> Generation {
        match self {
            Target::V6 => Generation::V2,
            Target::V7 => Generation::V30,
            Target::V8 => Generation::V31,
            Target::V9 => Generation::V41,
        }
    }

    /// What pages say of the log that knows them: that there is none (format, "Conventions").
    pub(super) fn lsn(self) -> Lsn {
        Lsn { file: 0, offset: self.generation().has_checksums().into() }
    }
}

/// What a file is to be: for which releases and machines, and what its pages are.
///
/// ```
/// use bdbkit::build::{FileForm, Target};
/// use bdbkit::{Endianness, PageSize};
///
/// let sparc = FileForm { release: Target::V6, order: Endianness::Big, ..FileForm::default() };
/// assert_eq!(sparc.page_size, PageSize::new(4096).unwrap());
/// ```
#[derive(Clone, PartialEq, Eq)]
pub struct FileForm {
    /// The releases that are to read it.
    pub release: Target,
    /// The byte order of the machine that is to read it.
    pub order: Endianness,
    /// Bytes of a page.
    pub page_size: PageSize,
    /// Whether pages have checksums: version 9 only.
    pub checksums: bool,
    /// The password that encrypts it, on a machine of its byte order: version 9 only.
    pub password: Option<String>,
    /// How full the pages of trees are made, in percent: 100 leaves no room for what is put later.
    pub fill: u8,
    /// The id by which logs know the file, instead of a fresh one.
    pub id: Option<FileId>,
}

/// The password is not shown.
impl std::fmt::Debug for FileForm {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("FileForm")
            .field("release", &self.release)
            .field("order", &self.order)
            .field("page_size", &self.page_size)
            .field("checksums", &self.checksums)
            .field("fill", &self.fill)
            .field("id", &self.id)
            .finish_non_exhaustive()
    }
}

impl Default for FileForm {
    /// Version 9 of this machine's order, pages of 4096 bytes, full, without checksums.
    fn default() -> Self {
        let big = cfg!(target_endian = "big");
        FileForm {
            release: Target::V9,
            order: if big { Endianness::Big } else { Endianness::Little },
            page_size: PageSize::DEFAULT,
            checksums: false,
            password: None,
            fill: 100,
            id: None,
        }
    }
}

impl FileForm {
    /// What protects the pages.
    ///
    /// # Errors
    ///
    /// [`BuildError::Cannot`], if the version knows nothing of it.
    pub(super) fn seal(&self) -> Result<Seal> {
        let seal = Seal::of(self.password.is_some(), self.checksums);
        let version = self.release.version();
        match seal {
            Seal::None => Ok(seal),
            _ if self.release.generation().has_checksums() => Ok(seal),
            Seal::Checksum => Err(BuildError::Cannot { version, what: "checksums" }),
            Seal::Encrypted => Err(BuildError::Cannot { version, what: "encrypted pages" }),
        }
    }
}

/// An id that no other file has.
pub(super) fn fresh_id() -> FileId {
    let mut id = [0; 20];
    id.chunks_mut(8).for_each(|part| {
        part.iter_mut().zip(random().to_le_bytes()).for_each(|(place, byte)| *place = byte);
    });
    FileId(id)
}

/// A number that nobody can foresee.
pub(super) fn random() -> u64 {
    RandomState::new().build_hasher().finish()
}
