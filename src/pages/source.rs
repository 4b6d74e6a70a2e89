//! Where the bytes of a file come from.

use std::borrow::Cow;
use std::fs::File;
use std::io::{self, Read};
use std::path::Path;

use crate::error::{Error, Result};
use crate::limits::Limits;

/// Enough of a file to tell what it is, in bytes.
pub(super) const HEAD: u64 = 512;

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

/// The bytes of a whole file: borrowed, owned, or mapped.
#[derive(Debug)]
pub(crate) enum Source<'a> {
    Bytes(Cow<'a, [u8]>),
    #[cfg(feature = "mmap")]
    Map(memmap2::Mmap),
}

impl Source<'static> {
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
    pub(crate) fn bytes(&self) -> &[u8] {
        match self {
            Source::Bytes(bytes) => bytes,
            #[cfg(feature = "mmap")]
            Source::Map(map) => map,
        }
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
