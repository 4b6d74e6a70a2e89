//! Where the bytes of a file come from.

use std::borrow::Cow;
use std::fs::File;
use std::io::{self, Read};
use std::path::Path;
use std::sync::OnceLock;

use super::overlay::Overlay;
use super::storage::Storage;
use crate::error::{Error, Result, file_bytes};
use crate::limits::Limits;
use crate::types::PageNo;

/// Enough of a file to tell what it is, in bytes.
const HEAD: u64 = 512;

/// The first bytes of a regular file.
///
/// # Errors
///
/// [`Error::Open`]: the operating system refuses, or it is no regular file.
pub(super) fn head(path: &Path) -> Result<Vec<u8>> {
    let read = || {
        if !std::fs::metadata(path)?.is_file() {
            return Err(io::Error::new(io::ErrorKind::InvalidInput, "not a regular file"));
        }
        let mut head = Vec::new();
        File::open(path)?.take(HEAD).read_to_end(&mut head)?;
        Ok(head)
    };
    read().map_err(|cause| Error::Open { path: path.to_owned(), cause: cause.into() })
}

/// The bytes of a whole file: borrowed, owned, or mapped; where they are read on demand; or pages
/// over those of another.
#[derive(Debug)]
pub(crate) enum Source<'a> {
    Bytes(Cow<'a, [u8]>),
    #[cfg(feature = "mmap")]
    Map(memmap2::Mmap),
    Over(&'a Overlay<'a>),
    OnDemand(Box<OnDemand>),
}

/// What is read where it is needed: its first bytes, and all of them once they were asked for.
#[derive(Debug)]
pub(crate) struct OnDemand {
    storage: Storage,
    head: Vec<u8>,
    whole: OnceLock<Vec<u8>>,
}

impl Source<'static> {
    /// Reads nothing but the first bytes.
    pub(super) fn on_demand(storage: Storage) -> io::Result<Self> {
        let head = storage.first(HEAD)?;
        Ok(Source::OnDemand(Box::new(OnDemand { storage, head, whole: OnceLock::new() })))
    }

    /// Maps a file, or reads it where maps are off or impossible.
    ///
    /// What has no known length (a pipe, a device, a file of `/proc`) is read on only if
    /// its first bytes please `accept`, and no further than [`Limits::max_stream`]. Of a
    /// file that grows meanwhile, what it had at the start is read.
    pub(crate) fn open(
        path: &Path,
        map: bool,
        limits: Limits,
        accept: impl FnOnce(&[u8]) -> Result<()>,
    ) -> Result<Self> {
        let error = |cause: io::Error| Error::Open { path: path.to_owned(), cause: cause.into() };
        let mut file = File::open(path).map_err(error)?;
        let kind = file.metadata().map_err(error)?;
        if kind.is_dir() {
            return Err(error(io::Error::from(io::ErrorKind::IsADirectory)));
        }
        #[cfg(feature = "mmap")]
        if map && kind.is_file() && kind.len() > 0 {
            return map_file(&file).map(Source::Map).map_err(error);
        }
        let _ = map;
        let mut bytes = Vec::new();
        if kind.is_file() && kind.len() > 0 {
            file.take(kind.len()).read_to_end(&mut bytes).map_err(error)?;
            return Ok(Source::Bytes(Cow::Owned(bytes)));
        }
        file.by_ref().take(HEAD).read_to_end(&mut bytes).map_err(error)?;
        accept(&bytes)?;
        let limit = limits.max_stream;
        file.by_ref().take(limit.saturating_sub(HEAD)).read_to_end(&mut bytes).map_err(error)?;
        if file.read(&mut [0]).map_err(error)? > 0 {
            return Err(Error::StreamTooLong { limit });
        }
        Ok(Source::Bytes(Cow::Owned(bytes)))
    }
}

impl Source<'_> {
    /// All bytes. Those that are read on demand are read now, and kept; pages that lie over others
    /// are put together.
    pub(super) fn bytes(&self) -> io::Result<&[u8]> {
        let here = match self {
            Source::Over(pages) => return Ok(pages.whole()),
            Source::OnDemand(here) => here,
            _ => return Ok(self.in_place()),
        };
        if let Some(bytes) = here.whole.get() {
            return Ok(bytes);
        }
        let bytes = here.storage.first(u64::MAX)?;
        Ok(here.whole.get_or_init(|| bytes))
    }

    /// All bytes as they stand in the file; none, if they are read on demand or lie over others.
    #[inline]
    pub(crate) fn in_place(&self) -> &[u8] {
        match self {
            Source::Bytes(bytes) => bytes,
            #[cfg(feature = "mmap")]
            Source::Map(map) => map,
            Source::OnDemand(_) | Source::Over(_) => &[],
        }
    }

    /// The first bytes: enough to tell what it is.
    pub(super) fn head(&self) -> &[u8] {
        match self {
            Source::Over(pages) => pages.page(PageNo::META).unwrap_or_default(),
            Source::OnDemand(here) => &here.head,
            _ => self.in_place(),
        }
    }

    /// Length in bytes.
    pub(super) fn len(&self) -> u64 {
        match self {
            Source::OnDemand(here) => here.storage.len(),
            Source::Over(pages) => file_bytes(pages.count(), pages.size()),
            _ => u64::try_from(self.in_place().len()).unwrap_or(u64::MAX),
        }
    }

    /// What is read on demand; `None` for what is in memory.
    pub(super) fn storage(&self) -> Option<&Storage> {
        if let Source::OnDemand(here) = self { Some(&here.storage) } else { None }
    }

    /// A page that lies over others; `None` for what is one piece.
    pub(super) fn over(&self) -> Option<&Overlay<'_>> {
        if let Source::Over(pages) = self { Some(pages) } else { None }
    }
}

#[cfg(feature = "mmap")]
#[allow(unsafe_code)]
fn map_file(file: &File) -> io::Result<memmap2::Mmap> {
    // SAFETY: the map is private to this handle and only read. Whoever opens a
    // file as a map promises that no program changes or cuts it meanwhile, as the
    // documentation of `Database::open` says; who cannot promise that turns maps off.
    unsafe { memmap2::Mmap::map(file) }
}

/// Maps a file so that bytes may be laid over it in memory; the file keeps its own.
#[cfg(all(feature = "mmap", feature = "upgrade"))]
#[allow(unsafe_code)]
pub(crate) fn map_overlay(file: &File) -> io::Result<memmap2::MmapMut> {
    // SAFETY: the map is private: what is laid over it never reaches the file. Who
    // asks for it holds the lock on the file and does not write while it is in use,
    // as the documentation of `DiskFile::contents` says.
    unsafe { memmap2::MmapOptions::new().no_reserve_swap().map_copy(file) }
}
